//! The objects that a plan is made from, as the API serves them.

use std::fmt;
use std::sync::Arc;

use crds::{App, Blobstore, Certificate, Cluster, Route, RouterNode};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::Serialize;

use crate::ObjectKey;

/// The kinds that a plan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// `flynn.io` Cluster.
    Cluster,
    /// `flynn.io` App.
    App,
    /// `flynn.io` Route.
    Route,
    /// `flynn.io` Certificate.
    Certificate,
    /// `flynn.io` Blobstore, for the leader.
    Blobstore,
    /// `flynn.io` RouterNode.
    RouterNode,
    /// `v1` Namespace.
    Namespace,
    /// `v1` Service.
    Service,
    /// `discovery.k8s.io` EndpointSlice.
    EndpointSlice,
    /// `v1` Secret of type `kubernetes.io/tls`.
    Secret,
    /// `apps` Deployment.
    Deployment,
    /// `coordination.k8s.io` Lease, in the namespaces of Routes with `leader`.
    Lease,
    /// `v1` Pod, of which nothing but the metadata is read, in the same namespaces.
    Pod,
    /// `v1` Node, for the leader: its labels, its instance, its addresses, and whether it is ready.
    Node,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An object of one of these kinds. Shared, because the watch, the world and a plan all hold it.
#[derive(Debug, Clone)]
pub enum Object {
    /// See [`Kind::Cluster`].
    Cluster(Arc<Cluster>),
    /// See [`Kind::App`].
    App(Arc<App>),
    /// See [`Kind::Route`].
    Route(Arc<Route>),
    /// See [`Kind::Certificate`].
    Certificate(Arc<Certificate>),
    /// See [`Kind::Blobstore`].
    Blobstore(Arc<Blobstore>),
    /// See [`Kind::RouterNode`].
    RouterNode(Arc<RouterNode>),
    /// See [`Kind::Namespace`].
    Namespace(Arc<Namespace>),
    /// See [`Kind::Service`].
    Service(Arc<Service>),
    /// See [`Kind::EndpointSlice`].
    EndpointSlice(Arc<EndpointSlice>),
    /// See [`Kind::Secret`].
    Secret(Arc<Secret>),
    /// See [`Kind::Deployment`].
    Deployment(Arc<Deployment>),
    /// See [`Kind::Lease`].
    Lease(Arc<Lease>),
    /// See [`Kind::Pod`].
    Pod(Arc<Pod>),
    /// See [`Kind::Node`].
    Node(Arc<Node>),
}

impl Object {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Cluster(_) => Kind::Cluster,
            Self::App(_) => Kind::App,
            Self::Route(_) => Kind::Route,
            Self::Certificate(_) => Kind::Certificate,
            Self::Blobstore(_) => Kind::Blobstore,
            Self::RouterNode(_) => Kind::RouterNode,
            Self::Namespace(_) => Kind::Namespace,
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Secret(_) => Kind::Secret,
            Self::Deployment(_) => Kind::Deployment,
            Self::Lease(_) => Kind::Lease,
            Self::Pod(_) => Kind::Pod,
            Self::Node(_) => Kind::Node,
        }
    }

    /// Its namespace and name.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        match self {
            Self::Cluster(object) => ObjectKey::of(&**object),
            Self::App(object) => ObjectKey::of(&**object),
            Self::Route(object) => ObjectKey::of(&**object),
            Self::Certificate(object) => ObjectKey::of(&**object),
            Self::Blobstore(object) => ObjectKey::of(&**object),
            Self::RouterNode(object) => ObjectKey::of(&**object),
            Self::Namespace(object) => ObjectKey::of(&**object),
            Self::Service(object) => ObjectKey::of(&**object),
            Self::EndpointSlice(object) => ObjectKey::of(&**object),
            Self::Secret(object) => ObjectKey::of(&**object),
            Self::Deployment(object) => ObjectKey::of(&**object),
            Self::Lease(object) => ObjectKey::of(&**object),
            Self::Pod(object) => ObjectKey::of(&**object),
            Self::Node(object) => ObjectKey::of(&**object),
        }
    }
}

macro_rules! object_from {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$kind(Arc::new(object))
            }
        }
    )*};
}

object_from!(
    Cluster,
    App,
    Route,
    Certificate,
    Blobstore,
    RouterNode,
    Namespace,
    Service,
    EndpointSlice,
    Secret,
    Deployment,
    Lease,
    Pod,
    Node
);

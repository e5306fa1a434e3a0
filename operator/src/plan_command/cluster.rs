//! Reads the objects of a cluster that a plan is made from, once, and writes nothing.
//!
//! Whole kinds come first; which namespaces have to be looked into for leaders is known when their Routes are.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crds::names::{ROUTER_SECRET, SYSTEM_NAMESPACE};
use crds::{App, Blobstore, Certificate, Cluster, Route, RouterNode};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ListParams, ObjectList, PartialObjectMeta};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use plan::{Kind, Object};

use super::{Error, Objects};
use crate::observe::Slim;
use crate::reason::root_cause;

const PAGE: u32 = 500;

/// A cluster, and what was read of it.
pub(super) struct Reader {
    pub(super) client: Client,
    pub(super) objects: Objects,
}

impl Reader {
    /// Reads what the controller watches of every namespace, and the key that routers share.
    pub(super) async fn begin(client: Client) -> Result<Self, Error> {
        let mut reader = Self { client, objects: Objects::new() };
        reader.list::<Cluster>("").await?;
        reader.list::<App>("").await?;
        reader.list::<Route>("").await?;
        reader.list::<Certificate>("").await?;
        reader.list::<Blobstore>("").await?;
        reader.list::<RouterNode>("").await?;
        reader.list::<Namespace>("").await?;
        reader.list::<Service>("").await?;
        reader.list::<EndpointSlice>("").await?;
        reader.list::<Deployment>("").await?;
        reader.list::<Secret>("type=kubernetes.io/tls").await?;
        reader.list_in::<Secret>(SYSTEM_NAMESPACE, &format!("metadata.name={ROUTER_SECRET}")).await?;
        Ok(reader)
    }

    /// Reads the Nodes, which decide on what a Cluster asks of AWS.
    pub(super) async fn nodes(&mut self) -> Result<(), Error> {
        self.list::<Node>("").await
    }

    /// Reads what decides on the leaders of these namespaces: Leases, and the metadata of Pods, which tells their age.
    pub(super) async fn leaders(&mut self, namespaces: &BTreeSet<String>) -> Result<(), Error> {
        for namespace in namespaces {
            self.list_in::<Lease>(namespace, "").await?;
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
            let found = pages(Kind::Pod, "", async |params| pods.list_metadata(params).await).await?;
            let bare = |found: PartialObjectMeta<Pod>| Pod { metadata: found.metadata, ..Pod::default() };
            self.keep(found.into_iter().map(bare));
        }
        Ok(())
    }

    async fn list<K: Slim + Debug>(&mut self, fields: &str) -> Result<(), Error> {
        self.list_all(&Api::<K>::all(self.client.clone()), fields).await
    }

    async fn list_in<K>(&mut self, namespace: &str, fields: &str) -> Result<(), Error>
    where
        K: Slim + Debug + Resource<Scope = NamespaceResourceScope>,
    {
        self.list_all(&Api::<K>::namespaced(self.client.clone(), namespace), fields).await
    }

    async fn list_all<K: Slim + Debug>(&mut self, api: &Api<K>, fields: &str) -> Result<(), Error> {
        let found = pages(K::KIND, fields, async |params| api.list(params).await).await?;
        self.keep(found);
        Ok(())
    }

    fn keep<K: Slim>(&mut self, found: impl IntoIterator<Item = K>) {
        for mut object in found {
            object.meta_mut().managed_fields = None;
            let object: Object = object.into();
            self.objects.insert((object.kind(), object.key()), object);
        }
    }
}

/// Everything of a kind that `list` gives, page by page.
async fn pages<T: Clone>(
    kind: Kind,
    fields: &str,
    list: impl AsyncFn(&ListParams) -> kube::Result<ObjectList<T>>,
) -> Result<Vec<T>, Error> {
    let mut params = ListParams::default().fields(fields).limit(PAGE);
    let mut found = Vec::new();
    loop {
        let page = list(&params).await;
        let page = page.map_err(|error| Error::List { kind, cause: root_cause(&error) })?;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}

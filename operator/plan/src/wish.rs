//! The objects that the operator wants to exist, and what has to be written for that.

use crds::Route;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Secret, Service};
use serde::Serialize;

use crate::{Changes, Kind, ObjectKey, RouterKey, SelfSignedPair};

/// An object as it should be, with every field that the operator decides and no other: the body of a server-side apply.
#[derive(Clone, PartialEq)]
pub enum Wish {
    /// A process of an App.
    Deployment(Box<Deployment>),
    /// The address of a process.
    Service(Box<Service>),
    /// A default Route of an App.
    Route(Box<Route>),
    /// A certificate and its key for the nodes. Never printed.
    Secret(Box<Secret>),
    /// A Secret with a pair that has to be made first.
    SelfSigned(Box<SelfSignedPair>),
    /// The Secret with the key of sticky sessions, which has to be made first, and is never changed.
    RouterKey(RouterKey),
}

/// Writes of objects, each named by kind and key.
pub type ObjectChanges = Changes<(Kind, ObjectKey), Wish>;

impl Wish {
    /// What it is and what it is called.
    #[must_use]
    pub fn key(&self) -> (Kind, ObjectKey) {
        match self {
            Self::Deployment(object) => (Kind::Deployment, ObjectKey::of(&**object)),
            Self::Service(object) => (Kind::Service, ObjectKey::of(&**object)),
            Self::Route(object) => (Kind::Route, ObjectKey::of(&**object)),
            Self::Secret(object) => (Kind::Secret, ObjectKey::of(&**object)),
            Self::SelfSigned(order) => (Kind::Secret, order.secret.clone()),
            Self::RouterKey(order) => (Kind::Secret, order.secret.clone()),
        }
    }
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deployment(object) => object.fmt(f),
            Self::Service(object) => object.fmt(f),
            Self::Route(object) => object.fmt(f),
            Self::Secret(_) => write!(f, "Secret {}", self.key().1),
            Self::SelfSigned(order) => order.fmt(f),
            Self::RouterKey(order) => order.fmt(f),
        }
    }
}

impl Serialize for Wish {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Deployment(object) => object.serialize(serializer),
            Self::Service(object) => object.serialize(serializer),
            Self::Route(object) => object.serialize(serializer),
            Self::Secret(object) => {
                Secret { data: None, string_data: None, ..(**object).clone() }.serialize(serializer)
            }
            Self::SelfSigned(order) => order.serialize(serializer),
            Self::RouterKey(order) => order.serialize(serializer),
        }
    }
}

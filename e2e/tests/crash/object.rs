//! The objects that are written: a kind, a name and a number come in, an object goes out of which every part follows from
//! these, so that one which is not whole is known when it is read.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

/// Where they are.
pub(super) const NAMESPACE: &str = "crash";
/// Holds content of the length that the number decides.
const CONTENT: &str = "example.com/content";

/// A kind of Kubernetes and one of our own: the API keeps them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Of Kubernetes.
    ConfigMap,
    /// Ours.
    Route,
}

/// What is known of an object that is there: which write made it, and at which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    /// Of the write.
    pub(super) number: u64,
    /// Of the object.
    pub(super) version: u64,
}

/// All objects of a kind.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    /// Of the list.
    pub(super) version: u64,
    /// By name.
    pub(super) objects: BTreeMap<String, Stored>,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::ConfigMap, Self::Route];

    pub(super) fn api(self, client: &Client) -> Api<DynamicObject> {
        Api::namespaced_with(client.clone(), NAMESPACE, &self.resource())
    }

    /// The object as that write makes it.
    pub(super) fn object(self, name: &str, number: u64) -> DynamicObject {
        let content = match self {
            Self::ConfigMap => json!({"data": {"number": number.to_string()}}),
            Self::Route => {
                let (host, there) = (format!("{name}-{number}.example"), format!("to-{number}.example"));
                json!({"spec": {"http": {"host": host}, "redirect": {"host": there}}})
            }
        };
        let mut object = DynamicObject::new(name, &self.resource()).data(content);
        object.annotations_mut().insert(CONTENT.to_owned(), content_of(name, number));
        object
    }

    /// What is known of an object, which has to be as one write made it.
    pub(super) fn read(self, object: &DynamicObject) -> Result<(String, Stored)> {
        let name = object.name_any();
        let data = &object.data;
        let number = match self {
            Self::ConfigMap => data["data"]["number"].as_str(),
            Self::Route => {
                let host = data["spec"]["redirect"]["host"].as_str();
                host.and_then(|host| host.strip_prefix("to-")?.strip_suffix(".example"))
            }
        };
        let number = number.with_context(|| format!("{name} is half: {data}"))?.parse()?;
        let whole = self.object(&name, number);
        let is_whole = match self {
            Self::ConfigMap => data["data"] == whole.data["data"],
            Self::Route => data["spec"]["http"]["host"] == whole.data["spec"]["http"]["host"],
        };
        ensure!(is_whole && object.annotations() == whole.annotations(), "{name} is half: {object:?}");
        Ok((name, Stored { number, version: version(object)? }))
    }

    fn resource(self) -> ApiResource {
        match self {
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Route => ApiResource::erase::<crds::Route>(&()),
        }
    }
}

/// The version that an object has.
pub(super) fn version(object: &DynamicObject) -> Result<u64> {
    let version = object.resource_version().context("every object has a version")?;
    Ok(version.parse()?)
}

/// What there is of a kind.
pub(super) async fn list(client: &Client, kind: Kind) -> Result<List> {
    let list = kind.api(client).list(&ListParams::default()).await?;
    let version = list.metadata.resource_version.context("every list has a version")?.parse()?;
    let objects = list.items.iter().map(|object| kind.read(object)).collect::<Result<_>>()?;
    Ok(List { version, objects })
}

/// Writes an object that no writer owns, and returns its version.
pub(super) async fn marker(client: &Client, kind: Kind, round: usize) -> Result<u64> {
    let object = kind.object(&format!("marker-{round}"), round as u64);
    version(&kind.api(client).create(&PostParams::default(), &object).await?)
}

/// Of a length of its own, over several pages of the store at times, and different from its neighbours'.
fn content_of(name: &str, number: u64) -> String {
    let name: u64 = name.bytes().map(u64::from).sum();
    let mut random = Rng::with_seed(number * 10_000 + name);
    let length = if random.u8(..8) == 0 { random.usize(..40_000) } else { random.usize(..900) };
    std::iter::repeat_with(|| random.alphanumeric()).take(length).collect()
}

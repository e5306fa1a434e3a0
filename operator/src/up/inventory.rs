//! What was applied from the folder, so that what is taken out of it can be deleted.
//!
//! Kept in the ConfigMap `flynn-system/flynn-operator-up` beside the objects themselves, so that a file that goes while
//! nothing runs is noticed at the next start.

use std::collections::{BTreeMap, BTreeSet};

use crds::names;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::core::ObjectMeta;
use kube::{Api, Client};
use serde::{Deserialize, Serialize};

use super::MANAGER;

const NAME: &str = "flynn-operator-up";
const OBJECTS: &str = "objects";

/// The name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Id {
    pub(super) api_version: String,
    pub(super) kind: String,
    /// Empty for an object of the cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
    pub(super) name: String,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { api_version: _, kind, namespace, name } = self;
        match namespace.as_str() {
            "" => write!(f, "{kind} {name}"),
            namespace => write!(f, "{kind} {namespace}/{name}"),
        }
    }
}

/// What was applied before.
pub(super) async fn read(client: &Client) -> Result<BTreeSet<Id>, kube::Error> {
    let map = config_maps(client).get_opt(NAME).await?;
    let text = map.and_then(|map| map.data?.remove(OBJECTS));
    // One that somebody changed by hand names nothing to delete.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Remembers what is applied now.
pub(super) async fn write(client: &Client, objects: &BTreeSet<Id>) -> Result<(), kube::Error> {
    let text = serde_json::to_string(objects).expect("names are strings");
    let map = ConfigMap {
        metadata: ObjectMeta {
            namespace: Some(names::SYSTEM_NAMESPACE.to_owned()),
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(OBJECTS.to_owned(), text)])),
        ..ConfigMap::default()
    };
    let params = PatchParams::apply(MANAGER).force();
    config_maps(client).patch(NAME, &params, &Patch::Apply(&map)).await.map(drop)
}

fn config_maps(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), names::SYSTEM_NAMESPACE)
}

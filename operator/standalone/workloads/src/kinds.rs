//! Every kind that the API serves, from its discovery.

use kube::core::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::discovery::{ApiCapabilities, Discovery, Scope};
use kube::{Api, Client};

/// A kind of objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) resource: ApiResource,
    pub(crate) is_namespaced: bool,
    verbs: Vec<String>,
}

impl Kind {
    fn new(resource: ApiResource, capabilities: ApiCapabilities) -> Self {
        let is_namespaced = capabilities.scope == Scope::Namespaced;
        Self { resource, is_namespaced, verbs: capabilities.operations }
    }

    /// Whether the API does all this with the kind.
    pub(crate) fn can(&self, verbs: &[&str]) -> bool {
        verbs.iter().all(|verb| self.verbs.iter().any(|known| known == verb))
    }

    /// Whether this is the kind that a reference of an owner means: the version makes no difference.
    pub(crate) fn is(&self, api_version: &str, kind: &str) -> bool {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.resource.group == group && self.resource.kind == kind
    }

    /// Plural and group, as `kubectl` takes them.
    pub(crate) fn name(&self) -> String {
        match self.resource.group.as_str() {
            "" => self.resource.plural.clone(),
            group => format!("{}.{group}", self.resource.plural),
        }
    }

    /// The objects of the kind in a namespace, or all of a cluster-scoped one.
    pub(crate) fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        if self.is_namespaced {
            Api::namespaced_with(client.clone(), namespace, &self.resource)
        } else {
            Api::all_with(client.clone(), &self.resource)
        }
    }

    /// The metadata of every object of the kind.
    pub(crate) fn everywhere(&self, client: &Client) -> Api<PartialObjectMeta<DynamicObject>> {
        Api::all_with(client.clone(), &self.resource)
    }
}

/// Every kind, in the version that the API prefers.
pub(crate) async fn discover(client: &Client) -> kube::Result<Vec<Kind>> {
    let discovery = match Discovery::new(client.clone()).run_aggregated().await {
        Ok(discovery) => discovery,
        Err(error) => {
            tracing::debug!(%error, "there is no aggregated discovery, so the groups are asked one by one");
            Discovery::new(client.clone()).run().await?
        }
    };
    let all = discovery.groups_alphabetical().into_iter().flat_map(|group| group.recommended_resources());
    Ok(all.map(|(resource, capabilities)| Kind::new(resource, capabilities)).collect())
}

//! Applies the manifests of a folder, and deletes what is no longer in it.
//!
//! In come documents; out go server-side applies, and for each document what came of it. An object that was applied from the
//! folder and is not in it any more is deleted, but only once every file can be read and applied: a typing error deletes
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::discovery::{ApiResource, Discovery, Scope};
use kube::{Api, Client, ResourceExt};

use super::MANAGER;
use super::inventory::{self, Id};
use super::manifests::{Document, Manifests, Problem, kind_of};
use crate::reason::root_cause;

/// Applies to one API.
pub(super) struct Applier {
    client: Client,
    kinds: BTreeMap<(String, String), (ApiResource, Scope)>,
}

/// What came of a folder.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// What is there now, with the generation that is to become ready.
    pub(super) objects: BTreeMap<Id, i64>,
    pub(super) deleted: Vec<Id>,
    pub(super) problems: Vec<Problem>,
}

impl Applier {
    /// Learns which kinds the API serves.
    pub(super) async fn new(client: Client) -> Result<Self, kube::Error> {
        let discovery = Discovery::new(client.clone()).run_aggregated().await?;
        let served = discovery.groups().flat_map(|group| group.recommended_resources());
        let kinds = served.map(|(resource, capabilities)| {
            let kind = (resource.api_version.clone(), resource.kind.clone());
            (kind, (resource, capabilities.scope))
        });
        Ok(Self { client, kinds: kinds.collect() })
    }

    /// Makes the API hold what the folder holds.
    pub(super) async fn apply(&self, manifests: Manifests) -> Result<Applied, kube::Error> {
        let mut applied = Applied { problems: manifests.problems, ..Applied::default() };
        for document in manifests.documents {
            match self.document(&document).await {
                Ok((id, generation)) => {
                    applied.objects.insert(id, generation);
                }
                Err(message) => {
                    let object = format!("{} {}", kind_of(&document.object), document.object.name_any());
                    applied.problems.push(Problem { place: document.place, object, message });
                }
            }
        }
        let before = inventory::read(&self.client).await?;
        let mut now: BTreeSet<Id> = applied.objects.keys().cloned().collect();
        if applied.problems.is_empty() {
            for id in before.difference(&now) {
                self.delete(id).await?;
                applied.deleted.push(id.clone());
            }
        } else {
            now.extend(before.iter().cloned());
        }
        if now != before {
            inventory::write(&self.client, &now).await?;
        }
        Ok(applied)
    }

    async fn document(&self, document: &Document) -> Result<(Id, i64), String> {
        let object = &document.object;
        let (api_version, kind) = match &object.types {
            Some(types) => (types.api_version.clone(), types.kind.clone()),
            None => return Err("it has no apiVersion or no kind".to_owned()),
        };
        let Some((resource, scope)) = self.kinds.get(&(api_version.clone(), kind.clone())) else {
            return Err(self.unknown(&api_version, &kind));
        };
        let namespace = match scope {
            Scope::Cluster => String::new(),
            Scope::Namespaced => object.namespace().unwrap_or_else(|| "default".to_owned()),
        };
        let id = Id { api_version, kind, namespace, name: object.name_any() };
        let params = PatchParams::apply(MANAGER).force().validation_strict();
        let patched = self.api(resource, &id).patch(&id.name, &params, &Patch::Apply(object)).await;
        match patched {
            Ok(object) => Ok((id, object.metadata.generation.unwrap_or_default())),
            Err(kube::Error::Api(status)) => Err(status.message),
            Err(error) => Err(root_cause(&error)),
        }
    }

    fn unknown(&self, api_version: &str, kind: &str) -> String {
        let versions =
            self.kinds.keys().filter(|(_, other)| other == kind).map(|(version, _)| version.as_str());
        let versions: Vec<_> = versions.collect();
        match versions.as_slice() {
            [] => {
                let group = self.kinds.keys().filter(|(version, _)| version == api_version);
                let kinds: Vec<_> = group.map(|(_, kind)| kind.as_str()).collect();
                match kinds.as_slice() {
                    [] => format!(
                        "there is no {kind} in {api_version}: `kubectl api-resources` lists what there is"
                    ),
                    kinds => format!("there is no {kind} in {api_version}: there are {}", kinds.join(", ")),
                }
            }
            versions => format!("there is no {kind} in {api_version}: it is in {}", versions.join(", ")),
        }
    }

    async fn delete(&self, id: &Id) -> Result<(), kube::Error> {
        let Some((resource, _)) = self.kinds.get(&(id.api_version.clone(), id.kind.clone())) else {
            return Ok(());
        };
        match self.api(resource, id).delete(&id.name, &DeleteParams::background()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    fn api(&self, resource: &ApiResource, id: &Id) -> Api<DynamicObject> {
        match id.namespace.as_str() {
            "" => Api::all_with(self.client.clone(), resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, resource),
        }
    }
}

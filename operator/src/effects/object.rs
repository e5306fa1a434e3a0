//! Writes the objects that the plan wishes for: Deployments, Services, Routes, copies of certificates.
//!
//! In come the changes of one unit; out go server-side applies and deletions, and to the planner what came of them. Creates
//! come before deletes, so that a replacement exists before what it replaces goes, and nothing is deleted if a create failed.
//! An object that is not ours is never written: a create does not take over what somebody made in the meantime, and a
//! deletion looks at the label and names the uid it means.

use crds::{Route, names};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::api::{DeleteParams, PartialObjectMeta, Patch, PatchParams, Preconditions};
use kube::{Api, Client, Resource, ResourceExt};
use plan::{Kind, ObjectChanges, ObjectKey, RouterKey, Unit, Wish};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::writer::Write;
use super::{authority, router_key};
use crate::metrics::EffectMetrics;
use crate::reason::root_cause;
use crate::reconcile::Input;

/// What a write of an object came to, in words for the status of what asked for it.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The API refused, or could not be reached.
    #[error("the {kind} {key} could not be {verb}: {}", root_cause(.source))]
    Refused {
        kind: Kind,
        key: ObjectKey,
        verb: &'static str,
        #[source]
        source: kube::Error,
    },
    /// Somebody else made an object of this name since the plan was made.
    #[error("the {kind} {key} exists and was not made by {}: rename or delete it", names::OPERATOR)]
    NotOurs { kind: Kind, key: ObjectKey },
    /// No pair could be made.
    #[error("no pair could be made for the {kind} {key}: {}", root_cause(.source))]
    Unsigned {
        kind: Kind,
        key: ObjectKey,
        #[source]
        source: authority::Error,
    },
    /// A bug: the plan asks for something that no effect writes.
    #[error("{0} objects are never deleted")]
    Unsupported(Kind),
}

/// Writes objects, each unit's in turn.
pub(crate) struct Objects {
    client: Client,
    inputs: mpsc::Sender<Input>,
    metrics: EffectMetrics,
}

impl Objects {
    pub(crate) fn new(client: Client, inputs: mpsc::Sender<Input>, metrics: EffectMetrics) -> Self {
        Self { client, inputs, metrics }
    }

    /// Carries the changes out, all of them even if one fails; the first failure is told.
    async fn apply_all(&self, changes: &ObjectChanges) -> Result<(), Error> {
        // Names that are taken are told by the plan.
        let ObjectChanges { create, update, delete, taken: _ } = changes;
        let mut outcome = Ok(());
        for wish in create {
            outcome = outcome.and(self.create(wish).await);
        }
        for wish in update {
            outcome = outcome.and(self.apply(wish, PatchParams::apply(names::OPERATOR).force()).await);
        }
        outcome?;
        let mut outcome = Ok(());
        for (kind, key) in delete.iter().rev() {
            outcome = outcome.and(self.delete(*kind, key).await);
        }
        outcome
    }

    /// The API has no apply that only creates, so that it is asked first; whatever comes in between is a conflict of fields.
    async fn create(&self, wish: &Wish) -> Result<(), Error> {
        let (kind, key) = wish.key();
        if let Wish::RouterKey(order) = wish {
            return self.create_router_key(order).await;
        }
        let taken = match wish {
            Wish::Deployment(_) => self.find::<Deployment>(&key).await.map(is_anothers),
            Wish::Service(_) => self.find::<Service>(&key).await.map(is_anothers),
            Wish::Route(_) => self.find::<Route>(&key).await.map(is_anothers),
            Wish::Secret(_) | Wish::SelfSigned(_) | Wish::RouterKey(_) => {
                self.find::<Secret>(&key).await.map(is_anothers)
            }
        };
        match taken {
            Ok(true) => Err(Error::NotOurs { kind, key }),
            Ok(false) => self.apply(wish, PatchParams::apply(names::OPERATOR)).await,
            Err(source) => Err(Error::Refused { kind, key, verb: "looked up", source }),
        }
    }

    async fn find<K>(&self, key: &ObjectKey) -> Result<Option<PartialObjectMeta<K>>, kube::Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        Api::<K>::namespaced(self.client.clone(), &key.namespace).get_metadata_opt(&key.name).await
    }

    async fn apply(&self, wish: &Wish, params: PatchParams) -> Result<(), Error> {
        let (kind, key) = wish.key();
        let applied = match wish {
            Wish::Deployment(object) => self.patch(&**object, &key, &params).await,
            Wish::Service(object) => self.patch(&**object, &key, &params).await,
            Wish::Route(object) => self.patch(&**object, &key, &params).await,
            Wish::Secret(object) => self.patch(&**object, &key, &params).await,
            Wish::SelfSigned(order) => {
                let secret = authority::pair(&self.client, order).await;
                let secret = secret.map_err(|source| Error::Unsigned { kind, key: key.clone(), source })?;
                self.patch(&secret, &key, &params).await
            }
            // It is created, and never written again.
            Wish::RouterKey(_) => return Ok(()),
        };
        self.metrics.wrote("object", applied.is_ok());
        match applied {
            Ok(()) => tracing::info!(%kind, %key, "applied an object"),
            Err(kube::Error::Api(status)) if status.is_conflict() && !params.force => {
                return Err(Error::NotOurs { kind, key });
            }
            Err(source) => return Err(Error::Refused { kind, key, verb: "written", source }),
        }
        Ok(())
    }

    /// The key is whoever's made it first: a Secret of that name stays as it is.
    async fn create_router_key(&self, order: &RouterKey) -> Result<(), Error> {
        let created = router_key::create(&self.client, order).await;
        self.metrics.wrote("object", created.is_ok());
        let (kind, key) = (Kind::Secret, order.secret.clone());
        created.map_err(|source| Error::Refused { kind, key, verb: "written", source })
    }

    async fn patch<K>(&self, object: &K, key: &ObjectKey, params: &PatchParams) -> Result<(), kube::Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Serialize,
    {
        let api = Api::<K>::namespaced(self.client.clone(), &key.namespace);
        api.patch_metadata(&key.name, params, &Patch::Apply(object)).await.map(drop)
    }

    async fn delete(&self, kind: Kind, key: &ObjectKey) -> Result<(), Error> {
        let deleted = match kind {
            Kind::Deployment => self.delete_ours::<Deployment>(kind, key).await,
            Kind::Service => self.delete_ours::<Service>(kind, key).await,
            Kind::Route => self.delete_ours::<Route>(kind, key).await,
            Kind::Secret => self.delete_ours::<Secret>(kind, key).await,
            other => Err(Error::Unsupported(other)),
        };
        self.metrics.wrote("deletion", deleted.is_ok());
        deleted
    }

    async fn delete_ours<K>(&self, kind: Kind, key: &ObjectKey) -> Result<(), Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let refused = |source| Error::Refused { kind, key: key.clone(), verb: "deleted", source };
        let api = Api::<K>::namespaced(self.client.clone(), &key.namespace);
        let Some(found) = self.find::<K>(key).await.map_err(refused)? else {
            return Ok(());
        };
        if !is_ours(&found) {
            return Err(Error::NotOurs { kind, key: key.clone() });
        }
        let this_one = Preconditions { uid: found.uid(), resource_version: found.resource_version() };
        match api.delete(&key.name, &DeleteParams::background().preconditions(this_one)).await {
            Ok(_) => tracing::info!(%kind, %key, "deleted an object"),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(source) => return Err(refused(source)),
        }
        Ok(())
    }

    async fn tell(&self, unit: &Unit, outcome: Result<(), String>) {
        // It fails only when the process ends.
        let _ = self.inputs.send(Input::Outcome(unit.clone(), outcome)).await;
    }
}

fn is_anothers<K>(found: Option<PartialObjectMeta<K>>) -> bool
where
    K: Resource<DynamicType = ()>,
{
    found.is_some_and(|found| !is_ours(&found))
}

fn is_ours<K>(object: &PartialObjectMeta<K>) -> bool
where
    K: Resource<DynamicType = ()>,
{
    object.labels().get(names::MANAGED_BY).map(String::as_str) == Some(names::OPERATOR)
}

impl Write for Objects {
    type Key = Unit;
    type Order = ObjectChanges;

    async fn write(&self, unit: &Unit, changes: &ObjectChanges) -> bool {
        let outcome = self.apply_all(changes).await;
        let written = outcome.is_ok();
        if let Err(error) = &outcome {
            tracing::warn!(?unit, %error, "a write failed and is tried again");
        }
        self.tell(unit, outcome.map_err(|error| error.to_string())).await;
        written
    }

    async fn again(&self, unit: &Unit) {
        // It fails only when the process ends.
        let _ = self.inputs.send(Input::Retry(unit.clone())).await;
    }

    async fn timed_out(&self, unit: &Unit) {
        tracing::warn!(?unit, "a write took too long and is tried again");
        self.tell(unit, Err("the API server did not answer in time: it is asked again".into())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_object_and_quotes_the_api() {
        let status = kube::error::Status::failure("admission webhook denied it", "Forbidden").with_code(403);
        let error = Error::Refused {
            kind: Kind::Deployment,
            key: ObjectKey::new("a", "www-web"),
            verb: "written",
            source: kube::Error::Api(status.boxed()),
        };
        assert_eq!(
            error.to_string(),
            "the Deployment a/www-web could not be written: admission webhook denied it"
        );
    }
}

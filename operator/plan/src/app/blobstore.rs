//! What the processes of an App get of the Blobstore that it names: the variables of its Secret, and a stamp of its access key.
//!
//! The stamp has Pods replaced when the key is; nothing else about a Blobstore changes a Deployment. No value of the Secret comes by
//! here: the kubelet reads it. What runs keeps running with what it has, whatever becomes of the Blobstore.

use std::collections::BTreeMap;

use crds::{Blobstore, Reason, names};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector};

use super::{AppInputs, object, process_key};
use crate::blobstore::{VARIABLES, Way, variables};
use crate::{ObjectKey, Refusal, Verdict};

/// What a process gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Attachment {
    /// The labels of its Pods.
    pub(super) labels: BTreeMap<String, String>,
    /// The annotations of its Pods.
    pub(super) annotations: BTreeMap<String, String>,
    /// Its variables.
    pub(super) variables: Vec<EnvVar>,
}

/// Whether the Blobstore that an App names has credentials; nothing if it names none.
///
/// | the Blobstore            | verdict             |
/// |--------------------------|---------------------|
/// | does not exist           | `BlobstoreNotFound` |
/// | has no credentials yet   | `BlobstoreNotReady` |
/// | had some before          | Ok                  |
pub(super) fn resolved(inputs: &AppInputs<'_>) -> Option<Verdict> {
    let name = inputs.app.spec.blobstore.as_ref()?;
    let namespace = ObjectKey::of(inputs.app).namespace;
    let Some(blobstore) = inputs.blobstore else {
        let message = format!(
            "the Blobstore {namespace}/{name} does not exist: create it, or correct spec.blobstore; what runs keeps running"
        );
        return Some(Err(Refusal::new(Reason::BlobstoreNotFound, message)));
    };
    if secret_of(blobstore).is_some() {
        return Some(Ok(()));
    }
    let message = format!(
        "the Blobstore {namespace}/{name} has no credentials yet: look at `kubectl -n {namespace} describe fblob {name}`"
    );
    Some(Err(Refusal::new(Reason::BlobstoreNotReady, message)))
}

/// What a process of the App gets; nothing if it has to wait.
///
/// | the Blobstore            | the Deployment                | the process gets               |
/// |--------------------------|-------------------------------|--------------------------------|
/// | is not asked for         |                               | nothing of it                  |
/// | has credentials          |                               | these                          |
/// | has none, or is not there | has this Blobstore's already | what it has                    |
/// | has none, or is not there | is another, or is not there  | has to wait: it stays as it is |
pub(super) fn attachment(inputs: &AppInputs<'_>, process: &str) -> Option<Attachment> {
    let Some(name) = &inputs.app.spec.blobstore else { return Some(Attachment::default()) };
    let now = inputs.blobstore.and_then(|blobstore| Attachment::of(name, blobstore));
    now.or_else(|| {
        let own = object::own(inputs.app, &inputs.deployments, &process_key(inputs.app, process))?;
        Attachment::kept(name, process, own)
    })
}

/// The Secret of a Blobstore, if it has credentials.
fn secret_of(blobstore: &Blobstore) -> Option<&str> {
    blobstore.status.as_ref()?.secret.as_deref()
}

fn way_of(blobstore: &Blobstore) -> Way {
    let has_key = blobstore.status.as_ref().is_some_and(|status| status.key_id.is_some());
    match (&blobstore.spec.local, has_key) {
        (Some(_), _) => Way::Local,
        (None, true) => Way::Key,
        (None, false) => Way::Role,
    }
}

impl Attachment {
    fn of(name: &str, blobstore: &Blobstore) -> Option<Self> {
        let secret = secret_of(blobstore)?;
        let key = blobstore.status.as_ref().and_then(|status| status.key_id.clone());
        let stamp = key.map(|key| (names::BLOBSTORE_KEY.to_owned(), key));
        Some(Self {
            labels: [(names::BLOBSTORE.to_owned(), name.to_owned())].into(),
            annotations: stamp.into_iter().collect(),
            variables: variables(way_of(blobstore)).map(|name| variable(name, secret)).collect(),
        })
    }

    /// What a Deployment has of this Blobstore.
    fn kept(blobstore: &str, process: &str, deployment: &Deployment) -> Option<Self> {
        let template = &deployment.spec.as_ref()?.template;
        let metadata = template.metadata.as_ref()?;
        let label = metadata.labels.as_ref()?.get(names::BLOBSTORE).filter(|label| *label == blobstore)?;
        let stamp = metadata.annotations.iter().flatten().find(|(name, _)| *name == names::BLOBSTORE_KEY);
        let mut containers = template.spec.as_ref()?.containers.iter();
        let container = containers.find(|container| container.name == process)?;
        let variables = container.env.iter().flatten().filter(|variable| is_of_a_blobstore(variable));
        Some(Self {
            labels: [(names::BLOBSTORE.to_owned(), label.clone())].into(),
            annotations: stamp.map(|(name, key)| (name.clone(), key.clone())).into_iter().collect(),
            variables: variables.cloned().collect(),
        })
    }
}

/// An entry of the Secret. It has to be there: a process that cannot reach its objects is better not begun.
fn variable(name: &str, secret: &str) -> EnvVar {
    let entry = SecretKeySelector { key: name.to_owned(), name: secret.to_owned(), optional: None };
    let source = EnvVarSource { secret_key_ref: Some(entry), ..EnvVarSource::default() };
    EnvVar { name: name.to_owned(), value: None, value_from: Some(source) }
}

fn is_of_a_blobstore(variable: &EnvVar) -> bool {
    let from_secret = variable.value_from.as_ref().and_then(|source| source.secret_key_ref.as_ref());
    from_secret.is_some_and(|entry| entry.key == variable.name && VARIABLES.contains(&entry.key.as_str()))
}

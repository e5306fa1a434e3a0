//! The Secret of a Blobstore on the API server: read, applied, deleted.
//!
//! Two field managers write it. What is noted is applied by one of its own, because who applies fewer fields than the time before takes the missing ones away, and the note
//! that a key is being made must leave the key in use where it is. Nothing that the API server says of a write is told, as a webhook may repeat what it was shown.

use std::time::Duration;

use crds::names;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use plan::ObjectKey;
use plan::aws::{Failure, Fault};
use tokio::time::timeout;

use crate::storage::secret::{Stored, Written};

/// The field manager of the notes.
const NOTES: &str = "flynn-operator-notes";

/// How long the API server may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

const READ: &str = "secrets:get";
const WRITE: &str = "secrets:patch";
const DELETE: &str = "secrets:delete";
const LIST: &str = "pods:list";

/// The Secret of this name, if there is one.
pub(crate) async fn read(client: &Client, secret: &ObjectKey) -> Result<Option<Stored>, Failure> {
    let found = answer(READ, api(client, secret).get_opt(&secret.name)).await?;
    Ok(found.map(Stored::of))
}

/// Applies a Secret, and tells its new version. One that is of another version by now is a conflict; so is one that is there against expectation.
pub(crate) async fn write(client: &Client, secret: &ObjectKey, written: Written) -> Result<String, Failure> {
    let is_there = written.version.is_some();
    let (mut object, has_entries) = written.into_object();
    object.metadata.name = Some(secret.name.clone());
    let manager = if has_entries { names::OPERATOR } else { NOTES };
    let params = PatchParams { force: is_there, ..PatchParams::apply(manager) };
    let patch = Patch::Apply(&object);
    let applied = answer(WRITE, api(client, secret).patch_metadata(&secret.name, &params, &patch)).await;
    let applied = applied.map_err(|failure| Failure {
        message: format!("the API server did not take the Secret {secret}"),
        ..failure
    })?;
    Ok(applied.resource_version().unwrap_or_default())
}

/// Deletes a Secret of this version; one that is gone is a success.
pub(crate) async fn delete(client: &Client, secret: &ObjectKey, version: &str) -> Result<(), Failure> {
    let preconditions = Preconditions { resource_version: Some(version.to_owned()), uid: None };
    let params = DeleteParams::default().preconditions(preconditions);
    match answer(DELETE, api(client, secret).delete(&secret.name, &params)).await {
        Err(failure) if failure.fault != Fault::NotFound => Err(failure),
        _ => Ok(()),
    }
}

/// The Pods of a namespace, as they are now: one that is missing here may lose its key.
pub(crate) async fn pods(client: &Client, namespace: &str) -> Result<Vec<Pod>, Failure> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    Ok(answer(LIST, pods.list(&ListParams::default())).await?.items)
}

fn api(client: &Client, secret: &ObjectKey) -> Api<Secret> {
    Api::namespaced(client.clone(), &secret.namespace)
}

async fn answer<T>(
    call: &'static str,
    asked: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failure> {
    let lost = |message: String| Failure { call, fault: Fault::Server, code: None, message };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(Failure {
            call,
            fault: fault(status.code),
            code: Some(status.reason).filter(|reason| !reason.is_empty()),
            message: status.message,
        }),
        Ok(Err(_)) => Err(lost("the API server cannot be reached".to_owned())),
        Err(_) => Err(lost("the API server does not answer".to_owned())),
    }
}

fn fault(status: u16) -> Fault {
    match status {
        401 => Fault::CredentialsRefused,
        403 => Fault::Denied,
        404 => Fault::NotFound,
        409 => Fault::Conflict,
        429 => Fault::Throttled,
        400..=499 => Fault::Invalid,
        _ => Fault::Server,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_of_the_server_leaves_it_open_whether_something_was_written() {
        for status in [400, 401, 403, 404, 409, 422, 429, 500, 503, 504] {
            let failure = Failure { call: WRITE, fault: fault(status), code: None, message: String::new() };
            assert_eq!(failure.is_ambiguous(), status >= 500, "{status}");
        }
    }
}

//! What a person should know of an App: whether what it asks for can be, and how far it is.

use crds::{Process, Reason};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};

use super::image::image;
use super::{AppInputs, blobstore, has_routes, object, process_key};
use crate::{Kind, ObjectChanges, ObjectKey, Refusal, Verdict};

/// Whether everything that the App asks for can be asked for here; the first that cannot is told.
///
/// | the App                                        | verdict           |
/// |------------------------------------------------|-------------------|
/// | cannot be run here                             | see `image`       |
/// | wants a name that another's object has         | `NameTaken`       |
/// | had an object refused by the API               | as it was refused |
/// | should have a Route, and there is no Cluster   | `ClusterNotFound` |
/// | anything else                                  | Ok                |
pub(super) fn accepted(inputs: &AppInputs<'_>, changes: &ObjectChanges) -> Verdict {
    let app = ObjectKey::of(inputs.app);
    image(inputs)?;
    if !changes.taken.is_empty() {
        let taken: Vec<_> = changes.taken.iter().map(|(kind, key)| format!("{kind} {key}")).collect();
        let message = format!(
            "App {app} did not make these and leaves them alone: {}; rename or delete them, or rename the App",
            taken.join(", ")
        );
        return Err(Refusal::new(Reason::NameTaken, message));
    }
    if let Some(refusal) = inputs.outcome {
        return Err(refusal.clone());
    }
    if has_routes(inputs.app) && inputs.cluster.is_none() {
        let message = format!(
            "there is no Cluster whose domain App {app} could be served under: create one, or set spec.routes to None"
        );
        return Err(Refusal::new(Reason::ClusterNotFound, message));
    }
    Ok(())
}

/// Whether every process has the replicas that it asks for, all of them of the App as it is declared now.
pub(super) fn available(inputs: &AppInputs<'_>, changes: &ObjectChanges) -> Verdict {
    let processes = inputs.app.spec.processes.iter();
    let lacking: Vec<_> =
        processes.filter_map(|(name, process)| lack(inputs, changes, name, process)).collect();
    let [first, ..] = lacking.as_slice() else {
        return Ok(());
    };
    let sentences: Vec<_> = lacking.iter().map(|lack| lack.message.as_str()).collect();
    Err(Refusal::new(first.reason, sentences.join("; ")))
}

fn lack(inputs: &AppInputs<'_>, changes: &ObjectChanges, name: &str, process: &Process) -> Option<Refusal> {
    let key = process_key(inputs.app, name);
    let deployment = object::own(inputs.app, &inputs.deployments, &key);
    let id = (Kind::Deployment, key);
    match deployment {
        None if image(inputs).is_err() => {
            Some(Refusal::new(Reason::Blocked, format!("{name} waits for the App to be accepted")))
        }
        None if changes.taken.contains(&id) => {
            Some(Refusal::new(Reason::Blocked, format!("{name} waits for the name of Deployment {}", id.1)))
        }
        None if blobstore::attachment(inputs, name).is_none() => {
            Some(Refusal::new(Reason::Blocked, format!("{name} waits for the App's Blobstore")))
        }
        Some(_) if changes.update.iter().any(|wish| wish.key() == id) => Some(Refusal::new(
            Reason::Progressing,
            format!("{name} waits for Deployment {} to be written", id.1),
        )),
        deployment => progress(name, process.replicas, deployment),
    }
}

fn progress(name: &str, wanted: i32, deployment: Option<&Deployment>) -> Option<Refusal> {
    let status = deployment.and_then(|deployment| deployment.status.as_ref());
    if deployment.is_some_and(|deployment| is_settled(deployment, wanted)) {
        return None;
    }
    let available = status.and_then(|status| status.available_replicas).unwrap_or(0);
    let updated = status.and_then(|status| status.updated_replicas).unwrap_or(0);
    let stage = match available == wanted {
        true => format!("{name} has {updated} of {wanted} replicas updated"),
        false => format!("{name} has {available} of {wanted} replicas available"),
    };
    let message = match status.and_then(failure) {
        Some(failure) => format!("{stage}: {failure}"),
        None => stage,
    };
    Some(Refusal::new(Reason::Progressing, message))
}

/// Whether the Deployment's controller has seen this generation, and every Pod is of it, available, and alone.
fn is_settled(deployment: &Deployment, wanted: i32) -> bool {
    let Some(status) = &deployment.status else {
        return false;
    };
    let counts = [status.replicas, status.updated_replicas, status.available_replicas];
    status.observed_generation >= deployment.metadata.generation
        && counts.into_iter().all(|count| count.unwrap_or(0) == wanted)
}

/// What the Deployment itself says is in the way: no Pod can be made, or the rollout takes too long.
fn failure(status: &DeploymentStatus) -> Option<&str> {
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let failing = |type_: &str, bad: &str| conditions.iter().find(|c| c.type_ == type_ && c.status == bad);
    failing("ReplicaFailure", "True").or_else(|| failing("Progressing", "False"))?.message.as_deref()
}

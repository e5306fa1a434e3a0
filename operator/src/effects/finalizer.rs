//! The finalizer of a Cluster for which something is made in AWS: it is there before the first write, and goes when everything is undone.
//!
//! The list is written as it was read, with one entry more or less and with the version that was read, so that no other writer's entry is lost.
//! Who writes the status of the same Cluster at the same moment makes that version an old one; then it is read and written again.

use crds::{Cluster, names};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use plan::aws::Owner;
use serde_json::json;

/// How often the list is written before other writers are left to themselves for a while.
const MOST_ATTEMPTS: usize = 5;

/// Puts it there.
pub(crate) async fn hold(client: &Client, owner: &Owner) -> Result<(), kube::Error> {
    change(client, owner, |finalizers| finalizers.push(names::AWS_FINALIZER.to_owned())).await
}

/// Takes it away. A Cluster that is gone has none.
pub(crate) async fn let_go(client: &Client, owner: &Owner) -> Result<(), kube::Error> {
    change(client, owner, |_| {}).await
}

async fn change(client: &Client, owner: &Owner, add: impl Fn(&mut Vec<String>)) -> Result<(), kube::Error> {
    let mut attempts = 1;
    loop {
        match attempt(client, owner, &add).await {
            Err(kube::Error::Api(status)) if status.is_conflict() && attempts < MOST_ATTEMPTS => {
                attempts += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn attempt(client: &Client, owner: &Owner, add: impl Fn(&mut Vec<String>)) -> Result<(), kube::Error> {
    let clusters: Api<Cluster> = Api::all(client.clone());
    let found = clusters.get_metadata_opt(&owner.name).await?;
    let Some(found) = found.filter(|found| found.uid().as_ref() == Some(&owner.uid)) else { return Ok(()) };
    let mut finalizers = found.finalizers().to_vec();
    finalizers.retain(|name| name != names::AWS_FINALIZER);
    add(&mut finalizers);
    if finalizers == found.finalizers() {
        return Ok(());
    }
    let version = found.resource_version();
    let metadata = json!({ "uid": owner.uid, "resourceVersion": version, "finalizers": finalizers });
    let params = PatchParams { field_manager: Some(names::OPERATOR.to_owned()), ..PatchParams::default() };
    clusters.patch_metadata(&owner.name, &params, &Patch::Merge(json!({ "metadata": metadata }))).await?;
    Ok(())
}

//! Everything that is read for one Blobstore in one pass, at the same time where nothing depends on it.
//!
//! In come the clients and an order; out goes what is observed. What AWS does not tell is a failure by itself. What the API server does not tell ends the
//! pass, because a list of Pods that is not known must not be taken for an empty one. Pods are listed only where a key or a user may have to end.

use aws::BucketRef;
use plan::aws::storage::{AccessKey, BucketState, Principal, PrincipalKind, StorageObserved, StorageOrder};
use plan::aws::{Failure, Read};
use plan::blobstore::users;

use super::{Clients, Reads};

/// What was seen.
pub(super) struct Sight {
    pub(super) observed: StorageObserved,
    /// The version of the Secret, if there is one.
    pub(super) version: Option<String>,
}

/// Reads what the order is about. The user of a role, and the role of a user, are looked for if `both`.
pub(super) async fn storage<R: Reads>(
    reads: &R,
    clients: &Clients,
    order: &StorageOrder,
    both: bool,
) -> Result<Sight, Failure> {
    let key = order.secret();
    let (bucket, user, role, keys, secret) = tokio::join!(
        bucket(clients, order),
        principal(clients, order, PrincipalKind::User, both),
        principal(clients, order, PrincipalKind::Role, both),
        keys(clients, order, both),
        reads.read_secret(&key),
    );
    let secret = secret?;
    let version = secret.as_ref().map(|secret| secret.version.clone());
    let secret = secret.as_ref().map(|secret| secret.state(order));
    let mut observed = StorageObserved { bucket, user, role, keys, secret, pods: Vec::new() };
    if has_something_to_end(order, &observed) {
        let pods = reads.pods(&order.owner.namespace).await?;
        let secret = observed.secret.as_ref().filter(|secret| secret.ours);
        let written = secret.and_then(|secret| Some((secret.key.as_ref()?, secret.marks.written_at?)));
        observed.pods = users(order, written, &pods);
    }
    Ok(Sight { observed, version })
}

/// What AWS did not tell.
pub(super) fn failures(observed: &StorageObserved) -> impl Iterator<Item = &Failure> {
    let StorageObserved { bucket, user, role, keys, secret: _, pods: _ } = observed;
    let principals = user.as_ref().err().into_iter().chain(role.as_ref().err());
    bucket.as_ref().err().into_iter().chain(principals).chain(keys.as_ref().err())
}

async fn bucket(clients: &Clients, order: &StorageOrder) -> Read<BucketState> {
    match order.bucket() {
        Some(bucket) => {
            clients.buckets.read(BucketRef { name: &bucket.bucket, region: &bucket.region }).await
        }
        None => Ok(BucketState::Absent),
    }
}

async fn principal(
    clients: &Clients,
    order: &StorageOrder,
    kind: PrincipalKind,
    both: bool,
) -> Read<Option<Principal>> {
    match both || order.principal() == kind {
        true => clients.principals.read(kind, &order.owner.principal()).await,
        false => Ok(None),
    }
}

async fn keys(clients: &Clients, order: &StorageOrder, both: bool) -> Read<Vec<AccessKey>> {
    match both || order.principal() == PrincipalKind::User {
        true => clients.principals.keys(&order.owner.principal()).await,
        false => Ok(Vec::new()),
    }
}

/// Whether there is a key beside the one in the Secret, or a user beside a role.
fn has_something_to_end(order: &StorageOrder, observed: &StorageObserved) -> bool {
    let other = match order.principal() {
        PrincipalKind::User => &observed.role,
        PrincipalKind::Role => &observed.user,
    };
    let in_secret = observed.secret.as_ref().and_then(|secret| secret.key.as_ref());
    let mut keys = observed.keys.iter().flatten();
    matches!(other, Ok(Some(_))) || keys.any(|key| Some(&key.id) != in_secret)
}

//! Which Cluster is active: the oldest.

use std::sync::Arc;

use crds::{Cluster, Domain, Reason};

use crate::{HostName, Refusal, Verdict};

/// The active Cluster, if there is any: the oldest by creation, then by name.
pub(crate) fn active<'a>(clusters: impl Iterator<Item = &'a Arc<Cluster>>) -> Option<&'a Arc<Cluster>> {
    clusters
        .min_by_key(|cluster| (cluster.metadata.creation_timestamp.clone(), cluster.metadata.name.clone()))
}

/// Whether this Cluster is the active one.
///
/// # Errors
/// `AnotherClusterActive`, naming it.
pub(crate) fn accepted(cluster: &Cluster, active: Option<&Cluster>) -> Verdict {
    match active {
        Some(active) if active.metadata.name != cluster.metadata.name => {
            let name = active.metadata.name.as_deref().unwrap_or_default();
            let message =
                format!("the Cluster {name} is older and active: change that one and delete this one");
            Err(Refusal::new(Reason::AnotherClusterActive, message))
        }
        _ => Ok(()),
    }
}

/// The domain that a host lies under; of several, the longest.
pub(crate) fn domain_of<'a>(domains: &'a [Domain], host: &HostName) -> Option<&'a Domain> {
    domains.iter().filter(|domain| host.is_under(&domain.name)).max_by_key(|domain| domain.name.len())
}

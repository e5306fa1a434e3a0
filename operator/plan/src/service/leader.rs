//! Who leads a Service: the Pod that holds its Lease, or else the oldest.
//!
//! | the Lease named like the Service       | the leader                                                       |
//! |----------------------------------------|------------------------------------------------------------------|
//! | is held by a Pod that is ready         | that Pod                                                         |
//! | is held by anybody else, or by nobody  | none: another would act while it must not                        |
//! | does not exist                         | the oldest Pod that is ready, by creation and then by name       |
//!
//! Endpoints that are no Pods have no age and hold no Lease; a single one leads.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crds::Reason;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{ObjectKey, Refusal};

/// What decides on the leader of a Service.
#[derive(Debug, Clone, Default)]
pub struct Election<'a> {
    /// The Lease that is named like the Service.
    pub lease: Option<&'a Lease>,
    /// The Pods of its namespace, by name; of one that is not there the age is not known yet.
    pub pods: BTreeMap<&'a str, &'a Pod>,
}

impl Election<'_> {
    /// The leader among these endpoints.
    pub(super) fn leader(
        &self,
        service: &ObjectKey,
        endpoints: &BTreeMap<SocketAddr, String>,
    ) -> Result<SocketAddr, Refusal> {
        match self.lease {
            Some(lease) => held(lease, service, endpoints),
            None => self.oldest(service, endpoints),
        }
    }

    fn oldest(
        &self,
        service: &ObjectKey,
        endpoints: &BTreeMap<SocketAddr, String>,
    ) -> Result<SocketAddr, Refusal> {
        let pods = endpoints.iter().filter_map(|(address, pod)| Some((self.age(pod)?, pod, *address)));
        if let Some((_, _, address)) = pods.min() {
            return Ok(address);
        }
        match endpoints.iter().next() {
            Some((address, pod)) if pod.is_empty() && endpoints.len() == 1 => Ok(*address),
            _ => Err(no_leader(format!(
                "the Service {} has no leader: it has no Lease of its name and no Pod that is ready",
                service.name
            ))),
        }
    }

    fn age(&self, pod: &str) -> Option<&Time> {
        self.pods.get(pod)?.metadata.creation_timestamp.as_ref()
    }
}

/// Who holds a Lease: the name of a Pod. The clients of Kubernetes add a random part behind `_`, which no Pod's name has.
pub(crate) fn holder(lease: &Lease) -> &str {
    let identity = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
    identity.split_once('_').map_or(identity, |(pod, _)| pod)
}

fn held(
    lease: &Lease,
    service: &ObjectKey,
    endpoints: &BTreeMap<SocketAddr, String>,
) -> Result<SocketAddr, Refusal> {
    let holder = holder(lease);
    let found = endpoints.iter().find(|(_, pod)| !holder.is_empty() && *pod == holder);
    found.map(|(address, _)| *address).ok_or_else(|| {
        no_leader(match holder {
            "" => format!("the Lease {} is held by nobody: the Service has no leader", service.name),
            holder => format!(
                "the Lease {} is held by {holder}, which is no ready Pod of the Service: look at `kubectl -n {} get lease,pods`",
                service.name, service.namespace
            ),
        })
    })
}

fn no_leader(message: String) -> Refusal {
    Refusal::new(Reason::NoLeader, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, created: &str) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": name, "creationTimestamp": created}})).unwrap()
    }

    fn lease(holder: &str) -> Lease {
        serde_json::from_value(json!({"metadata": {}, "spec": {"holderIdentity": holder}})).unwrap()
    }

    fn leader(lease: Option<&Lease>, pods: &[Pod], ready: &[(&str, &str)]) -> Result<String, Reason> {
        let pods = pods.iter().map(|pod| (pod.metadata.name.as_deref().unwrap(), pod)).collect();
        let endpoints: BTreeMap<SocketAddr, String> =
            ready.iter().map(|(address, pod)| (address.parse().unwrap(), (*pod).to_owned())).collect();
        let found = Election { lease, pods }.leader(&ObjectKey::new("shop", "db"), &endpoints);
        found.map(|address| address.to_string()).map_err(|refusal| refusal.reason)
    }

    const READY: [(&str, &str); 2] = [("10.0.0.1:80", "a"), ("10.0.0.2:80", "b")];

    #[test]
    fn the_oldest_ready_pod_leads_and_of_equals_the_first_by_name() {
        let (old, new) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        assert_eq!(leader(None, &[pod("a", new), pod("b", old)], &READY).unwrap(), "10.0.0.2:80");
        assert_eq!(leader(None, &[pod("a", old), pod("b", old)], &READY).unwrap(), "10.0.0.1:80");
        let unready_oldest = [pod("a", new), pod("b", new), pod("c", old)];
        assert_eq!(leader(None, &unready_oldest, &READY).unwrap(), "10.0.0.1:80");
        assert_eq!(leader(None, &[], &READY), Err(Reason::NoLeader));
    }

    #[test]
    fn the_holder_of_the_lease_leads_and_nobody_in_its_place() {
        let pods = [pod("a", "2026-01-01T00:00:00Z"), pod("b", "2026-01-02T00:00:00Z")];
        for holder in ["b", "b_0f7d"] {
            assert_eq!(leader(Some(&lease(holder)), &pods, &READY).unwrap(), "10.0.0.2:80", "{holder}");
        }
        for holder in ["", "c", "b-2"] {
            assert_eq!(leader(Some(&lease(holder)), &pods, &READY), Err(Reason::NoLeader), "{holder}");
        }
    }

    #[test]
    fn a_single_endpoint_that_is_no_pod_leads() {
        assert_eq!(leader(None, &[], &[("10.0.0.1:80", "")]).unwrap(), "10.0.0.1:80");
        assert!(leader(None, &[], &[("10.0.0.1:80", ""), ("10.0.0.2:80", "")]).is_err());
    }
}

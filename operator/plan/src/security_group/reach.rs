//! Whether the clients of a TCP Route get through the nodes' firewall.

use crds::{Reason, SecurityGroups};
use router_config::IpNet;

use crate::backend::networks;
use crate::{Refusal, Verdict};

/// Whether a TCP Route for `clients` (all, if there are none) can be reached through these security groups.
///
/// # Errors
/// `NotReachable`, if no network may reach TCP Routes, or none of those that the Route is for.
pub fn reachable(groups: Option<&SecurityGroups>, port: u16, clients: &[String]) -> Verdict {
    let Some(groups) = groups else { return Ok(()) };
    let declared = networks(&groups.tcp.cidrs)?;
    if declared.is_empty() {
        let message = format!(
            "the nodes' security group lets nobody in to TCP port {port}: list networks in spec.aws.securityGroups.tcp.cidrs of the Cluster"
        );
        return Err(Refusal::new(Reason::NotReachable, message));
    }
    let clients = networks(clients)?;
    let meet = |one: &IpNet, other: &IpNet| one.contains(other) || other.contains(one);
    if clients.is_empty() || clients.iter().any(|client| declared.iter().any(|network| meet(client, network)))
    {
        return Ok(());
    }
    let message = format!(
        "the nodes' security group lets none of the networks in tcp.clients in to TCP port {port}: add them to spec.aws.securityGroups.tcp.cidrs of the Cluster"
    );
    Err(Refusal::new(Reason::NotReachable, message))
}

#[cfg(test)]
mod tests {
    use crds::ExternalTraffic;

    use super::*;

    fn open_to(cidrs: &[&str]) -> SecurityGroups {
        let cidrs = cidrs.iter().map(ToString::to_string).collect();
        SecurityGroups { tcp: ExternalTraffic { cidrs }, ..SecurityGroups::default() }
    }

    fn reason(groups: Option<&SecurityGroups>, clients: &[&str]) -> Option<Reason> {
        let clients: Vec<_> = clients.iter().map(ToString::to_string).collect();
        reachable(groups, 5432, &clients).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn a_route_is_reachable_if_a_declared_network_and_its_clients_meet() {
        let open = open_to(&["10.0.0.0/8"]);
        assert_eq!(reason(None, &[]), None, "nobody asked for a firewall");
        assert_eq!(reason(Some(&open), &[]), None);
        assert_eq!(reason(Some(&open), &["10.2.0.0/16", "192.0.2.0/24"]), None);
        assert_eq!(reason(Some(&open), &["192.0.2.0/24"]), Some(Reason::NotReachable));
        assert_eq!(reason(Some(&open_to(&[])), &[]), Some(Reason::NotReachable));
    }
}

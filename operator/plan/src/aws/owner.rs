//! Whose a resource is: the marks that everything which the operator makes for one Cluster carries.
//!
//! The uid of the Cluster is in each mark, so that two Kubernetes clusters in one AWS account never touch each other's. What carries no such mark is never
//! changed nor deleted. Where the marks are: DESIGN of each resource in `docs/aws.md`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use super::HealthCheckConfig;

/// The tag with the uid of the Cluster.
const TAG: &str = "flynn.io/cluster";

/// The Cluster in whose name resources are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// The Cluster's name, for people.
    pub name: String,
    /// The Cluster's uid.
    pub uid: String,
    /// What stands for the uid where there is little room: 12 hexadecimal digits of its hash.
    id: String,
}

impl Owner {
    /// The owner that this Cluster is.
    #[must_use]
    pub fn new(name: impl Into<String>, uid: impl Into<String>) -> Self {
        let (name, uid) = (name.into(), uid.into());
        let id = hexadecimal(uid.as_bytes(), 6);
        Self { name, uid, id }
    }

    /// The tags of a resource, given in the call that creates it. `what` is a word for people.
    #[must_use]
    pub fn tags(&self, what: &str) -> BTreeMap<String, String> {
        let name = format!("flynn {} {what}", self.name);
        BTreeMap::from([(TAG.to_owned(), self.uid.clone()), ("Name".to_owned(), name)])
    }

    /// Whether these are the tags of a resource of ours.
    #[must_use]
    pub fn owns(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.get(TAG) == Some(&self.uid)
    }

    /// The `SetIdentifier` of a record set for this address (1 to 128 characters).
    #[must_use]
    pub fn set_of_address(&self, address: IpAddr) -> String {
        format!("flynn/{}/{address}", self.id)
    }

    /// The address whose record set of ours has this identifier.
    #[must_use]
    pub fn address_of_set(&self, identifier: &str) -> Option<IpAddr> {
        let address = identifier.rsplit('/').next()?.parse().ok()?;
        (self.set_of_address(address) == identifier).then_some(address)
    }

    /// The `SetIdentifier` of the wildcard's record set.
    #[must_use]
    pub fn set_of_wildcard(&self) -> String {
        format!("flynn/{}/wildcard", self.id)
    }

    /// Whether a record set of this identifier is ours.
    #[must_use]
    pub fn owns_set(&self, identifier: &str) -> bool {
        identifier
            .strip_prefix("flynn/")
            .and_then(|rest| rest.strip_prefix(&self.id))
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The `CallerReference` of the health check of an address: at most 64 characters, which an IPv6 address uses up. `n` tells checks of the same
    /// address and configuration apart, because the reference of a deleted check cannot be used again for days.
    #[must_use]
    pub fn reference(&self, config: &HealthCheckConfig, n: u32) -> String {
        format!("{}{n}", self.reference_prefix(config))
    }

    /// The reference of a health check up to its number.
    #[must_use]
    pub fn reference_prefix(&self, config: &HealthCheckConfig) -> String {
        let fixed = format!("{:?} {}", config.protocol, config.interval_seconds);
        format!("{}/{}/{}/", self.id, config.address, hexadecimal(fixed.as_bytes(), 3))
    }

    /// The name of the nodes' security group, of which a virtual private cloud has one (at most 255 characters, and not `sg-...`).
    #[must_use]
    pub fn group_name(&self) -> String {
        format!("flynn-{}-{}", self.name, self.id)
    }

    /// The description of a security group's rule of ours.
    #[must_use]
    pub fn rule_description(&self) -> String {
        format!("flynn/{}", self.id)
    }

    /// The tag of an interface that lists the security groups which it has from us.
    #[must_use]
    pub fn interface_tag(&self) -> String {
        format!("flynn.io/groups/{}", self.id)
    }

    /// Whether a health check of this reference is ours.
    #[must_use]
    pub fn owns_reference(&self, reference: &str) -> bool {
        reference.strip_prefix(&self.id).is_some_and(|rest| rest.starts_with('/'))
    }
}

pub(super) fn hexadecimal(text: &[u8], bytes: usize) -> String {
    digest(&SHA256, text).as_ref().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use crds::DnsHealthCheckProtocol;

    use super::*;

    fn owner(uid: &str) -> Owner {
        Owner::new("site", uid)
    }

    #[test]
    fn what_one_cluster_makes_another_does_not_own() {
        let (one, other) = (owner("a"), owner("b"));
        let address = "203.0.113.7".parse().unwrap();
        assert!(one.owns(&one.tags("n1")) && !other.owns(&one.tags("n1")));
        assert!(one.owns_set(&one.set_of_address(address)) && !other.owns_set(&one.set_of_address(address)));
        assert!(!one.owns_set("203.0.113.7") && !one.owns(&BTreeMap::new()));
    }

    #[test]
    fn a_reference_is_never_longer_than_aws_takes() {
        let config = HealthCheckConfig {
            address: "2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap(),
            protocol: DnsHealthCheckProtocol::Https,
            port: 443,
            path: Some("/".into()),
            interval_seconds: 10,
            failure_threshold: 3,
        };
        let owner = owner("0d2b1b2e-4c4b-4a59-9d27-0f3a3a1d2c5e");
        let reference = owner.reference(&config, 9999);
        assert!(reference.len() <= 64, "{reference} has {}", reference.len());
        assert!(owner.owns_reference(&reference));
    }
}

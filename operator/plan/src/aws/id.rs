//! What AWS calls things: each kind of id is a type of its own, so that one is never taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes an id as AWS gives it.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as AWS gives it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids!(
    /// An access key's: `AKIA...`. It is not secret; the key that belongs to it is, and never becomes a word of a plan.
    AccessKeyId,
    /// An Elastic IP's: `eipalloc-...`.
    AllocationId,
    /// Of an Elastic IP with an interface: `eipassoc-...`.
    AssociationId,
    /// A change of records that is on its way to the name servers.
    ChangeId,
    /// A Route 53 health check's.
    HealthCheckId,
    /// A security group's: `sg-...`.
    GroupId,
    /// An EC2 instance's: `i-...`.
    InstanceId,
    /// An elastic network interface's: `eni-...`.
    InterfaceId,
    /// A security group rule's: `sgr-...`.
    RuleId,
    /// A virtual private cloud's: `vpc-...`.
    VpcId,
    /// A hosted zone's, without `/hostedzone/`.
    ZoneId,
);

/// The name of a record or a zone: lower case, without the dot at the end, `*` as such and not as Route 53 writes it (`\052`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RecordName(String);

impl RecordName {
    /// Takes a name as it is declared, or as Route 53 writes it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let name = name.strip_suffix('.').unwrap_or(name);
        Self(name.replace("\\052", "*").to_ascii_lowercase())
    }

    /// `*.` and this name.
    #[must_use]
    pub fn wildcard(&self) -> Self {
        Self(format!("*.{}", self.0))
    }

    /// Whether it is `zone` or lies below it.
    #[must_use]
    pub fn is_in(&self, zone: &Self) -> bool {
        let above = self.0.strip_suffix(&zone.0);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }

    /// The name, without the dot at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        assert_eq!(RecordName::new("\\052.Site.com."), RecordName::new("site.com").wildcard());
    }

    #[test]
    fn a_name_lies_in_its_own_zone_and_in_those_above() {
        let site = RecordName::new("site.com");
        assert!(site.is_in(&site));
        assert!(RecordName::new("a.b.site.com").is_in(&site));
        assert!(!RecordName::new("website.com").is_in(&site));
        assert!(!RecordName::new("com").is_in(&site));
    }
}

//! Resource record sets after their form was checked: what a zone holds.
//!
//! Played: simple, weighted and multivalue answer sets, and aliases to a record of the same zone. The other routing
//! policies (failover, latency, geolocation, geoproximity, CIDR, traffic policies) are refused as unknown elements.
//! See <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>.

use std::collections::BTreeMap;

use hickory_proto::rr::RecordType;

use crate::name::Name;

/// The record sets of a zone, in the order of lists.
pub type Records = BTreeMap<Key, RecordSet>;

/// What tells one record set of a zone from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The owner name.
    pub name: Name,
    /// The type of its records.
    pub kind: RecordType,
    /// The `SetIdentifier`; none for a simple set.
    pub identifier: Option<String>,
}

/// One resource record set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// The owner name.
    pub name: Name,
    /// The type of its records.
    pub kind: RecordType,
    /// How queries are spread over the sets of one name and type.
    pub routing: Routing,
    /// The health check that decides whether it is answered.
    pub health_check: Option<String>,
    /// What it answers.
    pub data: Data,
}

/// The routing policy of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routing {
    /// The only set of its name and type.
    Simple,
    /// One set is answered, by chance in proportion to the weights.
    Weighted {
        /// The `SetIdentifier`.
        identifier: String,
        /// 0 to 255.
        weight: u8,
    },
    /// Up to eight healthy sets are answered together.
    MultiValue {
        /// The `SetIdentifier`.
        identifier: String,
    },
}

/// The answer of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Values in zone-file form.
    Values {
        /// For how many seconds resolvers keep them.
        ttl: u32,
        /// The values, in the order they were given.
        values: Vec<String>,
    },
    /// Whatever another record of this zone answers.
    Alias {
        /// The id of the zone with the target.
        zone_id: String,
        /// The target.
        target: Name,
        /// Whether the health of the target counts.
        evaluate_target_health: bool,
    },
}

impl Routing {
    /// The `SetIdentifier`, which every policy but the simple one has.
    pub fn identifier(&self) -> Option<&str> {
        match self {
            Self::Simple => None,
            Self::Weighted { identifier, .. } | Self::MultiValue { identifier } => Some(identifier),
        }
    }

    /// Whether both are of the same policy, with whatever settings.
    pub fn is_same_policy(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl RecordSet {
    /// Its place in a zone.
    pub fn key(&self) -> Key {
        let identifier = self.routing.identifier().map(str::to_owned);
        Key { name: self.name.clone(), kind: self.kind, identifier }
    }

    /// The values; none for an alias.
    pub fn values(&self) -> &[String] {
        match &self.data {
            Data::Values { values, .. } => values,
            Data::Alias { .. } => &[],
        }
    }

    /// Whether a DELETE that says `self` means `stored`: all is equal but the order of values.
    pub fn names_exactly(&self, stored: &Self) -> bool {
        let sorted = |set: &Self| {
            let mut copy = set.clone();
            if let Data::Values { values, .. } = &mut copy.data {
                values.sort();
            }
            copy
        };
        sorted(self) == sorted(stored)
    }

    /// The way error messages name it.
    pub fn label(&self) -> String {
        let Self { name, kind, .. } = self;
        match self.routing.identifier() {
            Some(identifier) => format!("[name='{name}', type='{kind}', set-identifier='{identifier}']"),
            None => format!("[name='{name}', type='{kind}']"),
        }
    }
}

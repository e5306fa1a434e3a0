//! A hosted zone and its way to the name servers.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html>: a new zone has an SOA and an
//! NS set. From <https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html>: a change is `PENDING`
//! until every name server has it, then `INSYNC`; here the name server answers what the zone was before until then.

use std::sync::Arc;
use std::time::Instant;

use hickory_proto::rr::RecordType;

use crate::name::Name;
use crate::record::{Data, RecordSet, Records, Routing};
use crate::xml::zones::{DelegationSet, HostedZone, HostedZoneConfig, Vpc};

/// A hosted zone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Such as `Z0000000000001`.
    pub id: String,
    /// The apex.
    pub apex: Name,
    /// The reference it was made with.
    pub caller_reference: String,
    /// A remark.
    pub comment: Option<String>,
    /// The network of a private zone.
    pub vpc: Option<Vpc>,
    /// What the API lists.
    pub records: Records,
    /// What the name server answers from.
    pub served: Arc<Records>,
    /// Until when it refuses the next change.
    pub busy_until: Instant,
}

impl Zone {
    /// A zone with the records that make it one.
    pub fn new(
        id: String,
        apex: Name,
        caller_reference: String,
        comment: Option<String>,
        vpc: Option<Vpc>,
    ) -> Self {
        let soa = format!("{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", name_servers()[0]);
        let own = |kind, ttl, values| RecordSet {
            name: apex.clone(),
            kind,
            routing: Routing::Simple,
            health_check: None,
            data: Data::Values { ttl, values },
        };
        let sets =
            [own(RecordType::NS, 172_800, name_servers().to_vec()), own(RecordType::SOA, 900, vec![soa])];
        let records: Records = sets.into_iter().map(|set| (set.key(), set)).collect();
        let served = Arc::new(records.clone());
        Self { id, apex, caller_reference, comment, vpc, records, served, busy_until: Instant::now() }
    }

    /// Whether it holds more than the records it was made with.
    pub fn has_own_records(&self) -> bool {
        self.records
            .values()
            .any(|set| set.name != self.apex || !matches!(set.kind, RecordType::NS | RecordType::SOA))
    }

    /// The zone in answers.
    pub fn document(&self) -> HostedZone {
        HostedZone {
            id: format!("/hostedzone/{}", self.id),
            name: self.apex.to_string(),
            caller_reference: self.caller_reference.clone(),
            config: HostedZoneConfig { comment: self.comment.clone(), private_zone: self.vpc.is_some() },
            resource_record_set_count: self.records.len(),
        }
    }

    /// The name servers of a public zone.
    pub fn delegation_set(&self) -> Option<DelegationSet> {
        let name_servers =
            || name_servers().map(|name| name.trim_end_matches('.').to_owned()).to_vec().into();
        self.vpc.is_none().then(|| DelegationSet { name_servers: name_servers() })
    }
}

/// Four names, as a zone of AWS has.
fn name_servers() -> [String; 4] {
    ["com", "net", "org", "co.uk"].map(|suffix| format!("ns-0.awsdns-00.{suffix}."))
}

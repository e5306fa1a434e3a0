//! Documents of ChangeResourceRecordSets, ListResourceRecordSets and GetChange.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::list;
use crate::record::{Data, RecordSet, Routing};

/// The body of ChangeResourceRecordSets.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangeResourceRecordSetsRequest {
    /// What to change.
    pub change_batch: ChangeBatch,
}

/// Changes that are applied together.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ChangeBatch {
    /// A remark, given back by GetChange.
    #[serde(default)]
    pub comment: Option<String>,
    /// The changes.
    pub changes: Changes,
}

list!(
    /// The changes of a batch.
    Changes of Change, "Change"
);

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Change {
    /// What to do.
    pub action: ChangeAction,
    /// With what.
    pub resource_record_set: ResourceRecordSet,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeAction {
    /// Adds a set that does not exist.
    Create,
    /// Removes a set that is named with all its values.
    Delete,
    /// Adds a set or replaces the one in its place.
    Upsert,
}

impl fmt::Display for ChangeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Upsert => "UPSERT",
        })
    }
}

/// A record set as it is sent, before its form is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ResourceRecordSet {
    pub name: String,
    pub r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_value_answer: Option<bool>,
    #[serde(default, rename = "TTL", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_records: Option<ResourceRecords>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_target: Option<AliasTarget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_id: Option<String>,
}

list!(
    /// The values of a set.
    ResourceRecords of ResourceRecord, "ResourceRecord"
);

/// One value of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResourceRecord {
    /// In zone-file form.
    pub value: String,
}

/// The target of an alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct AliasTarget {
    pub hosted_zone_id: String,
    #[serde(rename = "DNSName")]
    pub dns_name: String,
    pub evaluate_target_health: bool,
}

impl From<&RecordSet> for ResourceRecordSet {
    fn from(set: &RecordSet) -> Self {
        let mut document = Self {
            name: set.name.to_string(),
            r#type: set.kind.to_string(),
            set_identifier: set.routing.identifier().map(str::to_owned),
            health_check_id: set.health_check.clone(),
            ..Self::default()
        };
        match &set.routing {
            Routing::Simple => {}
            Routing::Weighted { weight, .. } => document.weight = Some(i64::from(*weight)),
            Routing::MultiValue { .. } => document.multi_value_answer = Some(true),
        }
        match &set.data {
            Data::Values { ttl, values } => {
                document.ttl = Some(i64::from(*ttl));
                let items = values.iter().map(|value| ResourceRecord { value: value.clone() }).collect();
                document.resource_records = Some(ResourceRecords { items });
            }
            Data::Alias { zone_id, target, evaluate_target_health } => {
                document.alias_target = Some(AliasTarget {
                    hosted_zone_id: zone_id.clone(),
                    dns_name: target.to_string(),
                    evaluate_target_health: *evaluate_target_health,
                });
            }
        }
        document
    }
}

/// The body of an answer to a change and to GetChange.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangeResponse {
    /// How far the change is.
    pub change_info: ChangeInfo,
}

/// How far a change is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ChangeInfo {
    pub id: String,
    pub status: &'static str,
    pub submitted_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

list!(
    /// A page of sets.
    ResourceRecordSets of ResourceRecordSet, "ResourceRecordSet"
);

/// The body of the answer to ListResourceRecordSets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ListResourceRecordSetsResponse {
    pub resource_record_sets: ResourceRecordSets,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_record_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_record_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_record_identifier: Option<String>,
    pub max_items: String,
}

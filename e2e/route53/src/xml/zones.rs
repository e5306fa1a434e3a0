//! Documents of the actions on hosted zones.

use serde::{Deserialize, Serialize};

use super::list;
use super::records::ChangeInfo;

/// The body of CreateHostedZone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct CreateHostedZoneRequest {
    pub name: String,
    #[serde(default, rename = "VPC")]
    pub vpc: Option<Vpc>,
    pub caller_reference: String,
    #[serde(default)]
    pub hosted_zone_config: Option<HostedZoneConfig>,
}

/// The network that a private zone serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct Vpc {
    #[serde(rename = "VPCRegion")]
    pub region: String,
    #[serde(rename = "VPCId")]
    pub id: String,
}

list!(
    /// The networks of a private zone.
    Vpcs of Vpc, "VPC"
);

/// Settings of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct HostedZoneConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default)]
    pub private_zone: bool,
}

/// A zone in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct HostedZone {
    pub id: String,
    pub name: String,
    pub caller_reference: String,
    pub config: HostedZoneConfig,
    pub resource_record_set_count: usize,
}

list!(
    /// A page of zones.
    HostedZones of HostedZone, "HostedZone"
);
list!(
    /// The names of name servers.
    NameServers of String, "NameServer"
);

/// The name servers of a public zone.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DelegationSet {
    /// Their names.
    pub name_servers: NameServers,
}

/// The body of the answers to CreateHostedZone and GetHostedZone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct HostedZoneResponse {
    pub hosted_zone: HostedZone,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_info: Option<ChangeInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation_set: Option<DelegationSet>,
    #[serde(rename = "VPCs", skip_serializing_if = "Option::is_none")]
    pub vpcs: Option<Vpcs>,
}

/// The body of the answer to ListHostedZones.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ListHostedZonesResponse {
    pub hosted_zones: HostedZones,
    pub marker: String,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub max_items: String,
}

/// The body of the answer to ListHostedZonesByName.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ListHostedZonesByNameResponse {
    pub hosted_zones: HostedZones,
    #[serde(rename = "DNSName", skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosted_zone_id: Option<String>,
    pub is_truncated: bool,
    #[serde(rename = "NextDNSName", skip_serializing_if = "Option::is_none")]
    pub next_dns_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hosted_zone_id: Option<String>,
    pub max_items: String,
}

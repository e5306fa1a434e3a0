//! Documents of the actions on health checks.

use serde::{Deserialize, Serialize};

use super::list;

/// The body of CreateHealthCheck.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct CreateHealthCheckRequest {
    pub caller_reference: String,
    pub health_check_config: HealthCheckConfig,
}

list!(
    /// Regions that checkers are in.
    Regions of String, "Region"
);
list!(
    /// Names of settings that go back to their defaults.
    ResettableElements of String, "ResettableElementName"
);

/// What a check does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct HealthCheckConfig {
    #[serde(default, rename = "IPAddress", skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    pub r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fully_qualified_domain_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_string: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_interval: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure_latency: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    #[serde(default, rename = "EnableSNI", skip_serializing_if = "Option::is_none")]
    pub enable_sni: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Regions>,
}

/// The body of UpdateHealthCheck: what is absent stays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct UpdateHealthCheckRequest {
    #[serde(rename = "@xmlns", default)]
    pub xmlns: Option<String>,
    pub health_check_version: Option<u64>,
    #[serde(default, rename = "IPAddress")]
    pub ip_address: Option<String>,
    pub port: Option<u32>,
    pub resource_path: Option<String>,
    pub fully_qualified_domain_name: Option<String>,
    pub search_string: Option<String>,
    pub failure_threshold: Option<u32>,
    pub inverted: Option<bool>,
    pub disabled: Option<bool>,
    #[serde(default, rename = "EnableSNI")]
    pub enable_sni: Option<bool>,
    pub regions: Option<Regions>,
    pub reset_elements: Option<ResettableElements>,
}

/// A check in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct HealthCheck {
    pub id: String,
    pub caller_reference: String,
    pub health_check_config: HealthCheckConfig,
    pub health_check_version: u64,
}

list!(
    /// A page of checks.
    HealthChecks of HealthCheck, "HealthCheck"
);

/// The body of the answers that tell one check.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HealthCheckResponse {
    /// The check.
    pub health_check: HealthCheck,
}

/// The body of the answer to ListHealthChecks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ListHealthChecksResponse {
    pub health_checks: HealthChecks,
    pub marker: String,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    pub max_items: String,
}

/// The body of the answer to GetHealthCheckCount.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HealthCheckCountResponse {
    /// How many checks the account has.
    pub health_check_count: usize,
}

/// What one checker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct HealthCheckObservation {
    pub region: String,
    #[serde(rename = "IPAddress")]
    pub ip_address: String,
    pub status_report: StatusReport,
}

/// The last result of a checker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct StatusReport {
    pub status: String,
    pub checked_time: String,
}

list!(
    /// What the checkers say.
    HealthCheckObservations of HealthCheckObservation, "HealthCheckObservation"
);

/// The body of the answer to GetHealthCheckStatus.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HealthCheckStatusResponse {
    /// One entry a checker; none before the first result.
    pub health_check_observations: HealthCheckObservations,
}

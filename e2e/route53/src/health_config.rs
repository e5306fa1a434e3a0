//! Rules for the settings of a health check.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>: an address or a domain
//! name; no private, loopback, link-local, multicast or otherwise unroutable address; a port of 1 to 65535, which TCP
//! must name; an interval of 10 or 30 seconds; a threshold of 1 to 10; a path of up to 255 characters that begins
//! with `/`, and none for TCP; a search string of up to 255 characters for `*_STR_MATCH` and no other type; at least
//! three regions. Calculated, alarm and recovery checks are not played, and refused.

use std::net::IpAddr;

use crate::refusal::Refusal;
use crate::xml::health::{HealthCheckConfig, UpdateHealthCheckRequest};

/// Fills in the defaults, so that settings can be compared.
pub fn complete(mut config: HealthCheckConfig) -> HealthCheckConfig {
    let encrypted = config.r#type.starts_with("HTTPS");
    config.port = config.port.or(match config.r#type.as_str() {
        "HTTP" | "HTTP_STR_MATCH" => Some(80),
        "HTTPS" | "HTTPS_STR_MATCH" => Some(443),
        _ => None,
    });
    config.request_interval.get_or_insert(30);
    config.failure_threshold.get_or_insert(3);
    config.measure_latency.get_or_insert(false);
    config.inverted.get_or_insert(false);
    config.disabled.get_or_insert(false);
    config.enable_sni.get_or_insert(encrypted);
    config.regions = config.regions.filter(|regions| !regions.items.is_empty());
    config
}

/// The settings after an update.
pub fn update(mut config: HealthCheckConfig, request: UpdateHealthCheckRequest) -> HealthCheckConfig {
    for element in request.reset_elements.unwrap_or_default().items {
        match element.as_str() {
            "FullyQualifiedDomainName" => config.fully_qualified_domain_name = None,
            "Regions" => config.regions = None,
            "ResourcePath" => config.resource_path = None,
            _ => {}
        }
    }
    HealthCheckConfig {
        ip_address: request.ip_address.or(config.ip_address),
        port: request.port.or(config.port),
        resource_path: request.resource_path.or(config.resource_path),
        fully_qualified_domain_name: request
            .fully_qualified_domain_name
            .or(config.fully_qualified_domain_name),
        search_string: request.search_string.or(config.search_string),
        failure_threshold: request.failure_threshold.or(config.failure_threshold),
        inverted: request.inverted.or(config.inverted),
        disabled: request.disabled.or(config.disabled),
        enable_sni: request.enable_sni.or(config.enable_sni),
        regions: request.regions.or(config.regions),
        ..config
    }
}

/// Whether AWS would take these settings.
pub fn check(config: &HealthCheckConfig, allow_local_addresses: bool) -> Result<(), Refusal> {
    let tcp = config.r#type == "TCP";
    let searches = config.r#type.ends_with("_STR_MATCH");
    let in_range =
        |value: Option<u32>, range: std::ops::RangeInclusive<u32>| value.is_some_and(|v| range.contains(&v));
    let is_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > 255);
    let path = config.resource_path.as_deref().unwrap_or("/");
    let problem = match () {
        () if !matches!(
            config.r#type.as_str(),
            "HTTP" | "HTTPS" | "HTTP_STR_MATCH" | "HTTPS_STR_MATCH" | "TCP"
        ) =>
        {
            "Invalid XML ; Type is none of HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH and TCP"
        }
        () if config.ip_address.is_none() && config.fully_qualified_domain_name.is_none() => {
            "Invalid parameter: either IPAddress or FullyQualifiedDomainName must be specified"
        }
        () if !address_is_allowed(config, allow_local_addresses) => {
            "Invalid parameter: IPAddress is not a valid public IP address"
        }
        () if !in_range(config.port, 1..=65_535) => "Invalid parameter: Port must be 1 to 65535",
        () if !matches!(config.request_interval, Some(10 | 30)) => {
            "Invalid parameter: RequestInterval must be 10 or 30"
        }
        () if !in_range(config.failure_threshold, 1..=10) => {
            "Invalid parameter: FailureThreshold must be 1 to 10"
        }
        () if tcp && config.resource_path.is_some() => "Invalid parameter: ResourcePath does not go with TCP",
        () if !path.starts_with('/') || path.len() > 255 => {
            "Invalid parameter: ResourcePath must begin with / and have at most 255 characters"
        }
        () if searches == config.search_string.is_none() => {
            "Invalid parameter: SearchString goes with the types HTTP_STR_MATCH and HTTPS_STR_MATCH"
        }
        () if is_long(&config.search_string) || is_long(&config.fully_qualified_domain_name) => {
            "Invalid parameter: a text has more than 255 characters"
        }
        () if config.regions.as_ref().is_some_and(|regions| regions.items.len() < 3) => {
            "Invalid parameter: at least three Regions are needed"
        }
        () => return Ok(()),
    };
    Err(Refusal::invalid_input(problem))
}

fn address_is_allowed(config: &HealthCheckConfig, allow_local_addresses: bool) -> bool {
    let Some(text) = &config.ip_address else { return true };
    match text.parse::<IpAddr>() {
        Err(_) => false,
        Ok(_) if allow_local_addresses => true,
        Ok(IpAddr::V4(v4)) => {
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_unspecified()
                || v4.is_broadcast())
        }
        Ok(IpAddr::V6(v6)) => {
            !(v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local())
        }
    }
}

//! What a health check asks, from Route 53's words into ours and back.

use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::operation::update_health_check::builders::UpdateHealthCheckFluentBuilder;
use aws_sdk_route53::types::{HealthCheckConfig as Settings, HealthCheckType, ResettableElementName};
use plan::aws::{DnsHealthCheckProtocol, HealthCheckConfig};

/// What a check asks; nothing if it has a setting that changes what its answer means and that we never make.
pub(super) fn observed(settings: &Settings) -> Option<HealthCheckConfig> {
    let protocol = match settings.r#type() {
        HealthCheckType::Http => DnsHealthCheckProtocol::Http,
        HealthCheckType::Https => DnsHealthCheckProtocol::Https,
        HealthCheckType::Tcp => DnsHealthCheckProtocol::Tcp,
        _ => return None,
    };
    if is_altered(settings) {
        return None;
    }
    Some(HealthCheckConfig {
        address: settings.ip_address()?.parse().ok()?,
        protocol,
        port: u16::try_from(settings.port()?).ok()?,
        path: settings.resource_path().filter(|path| !path.is_empty()).map(str::to_owned),
        interval_seconds: u8::try_from(settings.request_interval()?).ok()?,
        failure_threshold: u8::try_from(settings.failure_threshold()?).ok()?,
    })
}

/// A name in the Host header or the TLS handshake, some regions only, turned round, or off. (EnableSNI matters to HTTPS alone.)
fn is_altered(settings: &Settings) -> bool {
    let sends_name = settings.r#type() == &HealthCheckType::Https && settings.enable_sni() == Some(true);
    let domain = settings.fully_qualified_domain_name().is_some_and(|name| !name.is_empty());
    let turned = settings.inverted() == Some(true) || settings.disabled() == Some(true);
    sends_name || domain || turned || !settings.regions().is_empty()
}

/// The settings of a new check.
pub(super) fn written(config: &HealthCheckConfig) -> Result<Settings, BuildError> {
    let HealthCheckConfig { address, protocol, port, path, interval_seconds, failure_threshold } = config;
    Settings::builder()
        .ip_address(address.to_string())
        .r#type(type_(*protocol))
        .port(i32::from(*port))
        .set_resource_path(path.clone())
        .request_interval(i32::from(*interval_seconds))
        .failure_threshold(i32::from(*failure_threshold))
        .set_enable_sni(sends_name(*protocol))
        .build()
}

/// Sets all that can be changed, also what we never make otherwise than by default.
pub(super) fn update(
    request: UpdateHealthCheckFluentBuilder,
    config: &HealthCheckConfig,
) -> UpdateHealthCheckFluentBuilder {
    let HealthCheckConfig { address: _, protocol, port, path, interval_seconds: _, failure_threshold } =
        config;
    let request = request
        .port(i32::from(*port))
        .set_resource_path(path.clone())
        .failure_threshold(i32::from(*failure_threshold))
        .set_enable_sni(sends_name(*protocol))
        .inverted(false)
        .disabled(false)
        .reset_elements(ResettableElementName::FullyQualifiedDomainName)
        .reset_elements(ResettableElementName::Regions);
    match path {
        Some(_) => request,
        None => request.reset_elements(ResettableElementName::ResourcePath),
    }
}

fn type_(protocol: DnsHealthCheckProtocol) -> HealthCheckType {
    match protocol {
        DnsHealthCheckProtocol::Http => HealthCheckType::Http,
        DnsHealthCheckProtocol::Https => HealthCheckType::Https,
        DnsHealthCheckProtocol::Tcp => HealthCheckType::Tcp,
    }
}

/// An address has no name to send in the handshake.
fn sends_name(protocol: DnsHealthCheckProtocol) -> Option<bool> {
    (protocol == DnsHealthCheckProtocol::Https).then_some(false)
}

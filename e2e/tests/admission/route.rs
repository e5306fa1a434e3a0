//! The rules of a Route.

use anyhow::Result;

use super::{accepted, refused};

const HOST: &str = "a host is a name such as www.site.com, *.site.com or *: write it in lower case, without scheme, port, path or trailing dot";
const PATH: &str = "a path starts with a slash and has neither empty, . or .. segments nor ?, #, % or spaces";
const TARGET: &str = "spec: Invalid value: name exactly one target: app, service or redirect";
const PLACE: &str = "spec: Invalid value: give either http, with a host, or tcp, with or without a port";
const RESERVED: &str = "the nodes need this port themselves (22, 80, 443, 2379, 2380, 6443, 8081, 9912, 10248, 10249, 10250, 10256, 10257, 10259): choose another, or leave it out to get a free one";
const NETWORK: &str = "a network is an address and the length of its prefix, such as 10.0.0.0/8 or 2001:db8::/32; one address is 203.0.113.7/32";
const LOOP: &str = "spec.redirect: Invalid value: the redirect leads back to the route itself: change its host, port or path";
const REDIRECT_HOST: &str =
    "the host of a redirect is a name such as www.site.com, in lower case, without scheme, port or wildcard";
const REDIRECT_PATH: &str =
    "the path of a redirect starts with a slash and has no spaces: escape them as %20";

#[tokio::test]
async fn admit_a_route_to_an_app_a_service_or_elsewhere() -> Result<()> {
    accepted("Route", "{http: {host: www.site.com}, app: www}").await?;
    accepted("Route", "{http: {host: '*.site.com', path: /api/}, service: {name: api, port: 8080}}").await?;
    accepted("Route", "{http: {host: '*', certificate: site}, service: {name: api}}").await?;
    accepted("Route", "{http: {host: _dmarc.a-b.site.com, path: /a/b.c/~d}, app: www}").await?;
    let everything = "{scheme: https, host: www.site.com, port: 8443, path: '/a?b=%20', code: 307}";
    accepted("Route", &format!("{{http: {{host: site.com}}, redirect: {everything}}}")).await
}

#[tokio::test]
async fn admit_no_unknown_field() -> Result<()> {
    let sentence = r#"Error from server (BadRequest): error when creating "STDIN": Route in version "v1alpha1" cannot be handled as a Route: strict decoding error: unknown field "spec.http.hots""#;
    refused("Route", "{http: {host: www.site.com, hots: x}, app: www}", sentence).await
}

#[tokio::test]
async fn admit_no_wrong_type() -> Result<()> {
    let sentence = r#"spec.http.host: Invalid value: "integer": spec.http.host in body must be of type string: "integer""#;
    refused("Route", "{http: {host: 7}, app: www}", sentence).await
}

#[tokio::test]
async fn admit_no_route_without_a_host() -> Result<()> {
    refused("Route", "{app: www}", PLACE).await?;
    refused("Route", "{http: {host: a.com}, tcp: {}, app: www}", PLACE).await?;
    refused("Route", "{http: {}, app: www}", "spec.http.host: Required value").await
}

#[tokio::test]
async fn admit_no_bad_host() -> Result<()> {
    let label = "a".repeat(64);
    let label = format!("{label}.com");
    for host in [
        "https://www.site.com",
        "www.site.com:80",
        "www.site.com/a",
        "Www.site.com",
        "www.site.com.",
        "a.*.com",
        "-a.com",
        "a b",
        &label,
    ] {
        let sentence = format!("spec.http.host: Invalid value: {host:?}: {HOST}");
        refused("Route", &format!("{{http: {{host: {host:?}}}, app: www}}"), &sentence).await?;
    }
    let long = format!("{{http: {{host: {}}}, app: www}}", "a.".repeat(126) + "aa");
    refused("Route", &long, "spec.http.host: Too long: may not be more than 253 bytes").await
}

#[tokio::test]
async fn admit_no_bad_path() -> Result<()> {
    for path in ["api", "/a//b", "/a/../b", "/.", "/a b", "/a?b", "/a#b", "/a%20b"] {
        let sentence = format!("spec.http.path: Invalid value: {path:?}: {PATH}");
        refused("Route", &format!("{{http: {{host: www.site.com, path: {path:?}}}, app: www}}"), &sentence)
            .await?;
    }
    let long = format!("{{http: {{host: www.site.com, path: /{}}}, app: www}}", "a".repeat(1024));
    refused("Route", &long, "spec.http.path: Too long: may not be more than 1024 bytes").await
}

#[tokio::test]
async fn admit_exactly_one_target() -> Result<()> {
    refused("Route", "{http: {host: www.site.com}}", TARGET).await?;
    refused("Route", "{http: {host: www.site.com}, app: www, service: {name: www}}", TARGET).await?;
    refused("Route", "{http: {host: www.site.com}, app: www, redirect: {host: site.com}}", TARGET).await
}

#[tokio::test]
async fn admit_no_name_that_no_object_can_have() -> Result<()> {
    let empty = |field: &str| {
        format!("spec.{field}: Invalid value: \"\": spec.{field} in body should be at least 1 chars long")
    };
    refused("Route", "{http: {host: site.com}, app: ''}", &empty("app")).await?;
    refused("Route", "{http: {host: site.com}, service: {name: ''}}", &empty("service.name")).await?;
    refused("Route", "{http: {host: site.com, certificate: ''}, app: www}", &empty("http.certificate"))
        .await?;
    let long = "a".repeat(254);
    let app = format!("{{http: {{host: site.com}}, app: {}}}", &long[..64]);
    refused("Route", &app, "spec.app: Too long: may not be more than 63 bytes").await?;
    let service = format!("{{http: {{host: site.com}}, service: {{name: {}}}}}", &long[..64]);
    refused("Route", &service, "spec.service.name: Too long: may not be more than 63 bytes").await?;
    let certificate = format!("{{http: {{host: site.com, certificate: {long}}}, app: www}}");
    refused("Route", &certificate, "spec.http.certificate: Too long: may not be more than 253 bytes").await
}

#[tokio::test]
async fn admit_no_port_out_of_range() -> Result<()> {
    let low =
        "spec.service.port: Invalid value: 0: spec.service.port in body should be greater than or equal to 1";
    refused("Route", "{http: {host: site.com}, service: {name: a, port: 0}}", low).await?;
    let high = "spec.redirect.port: Invalid value: 65536: spec.redirect.port in body should be less than or equal to 65535";
    refused("Route", "{http: {host: site.com}, redirect: {port: 65536}}", high).await
}

#[tokio::test]
async fn admit_no_redirect_to_itself() -> Result<()> {
    for redirect in ["{}", "{host: site.com}", "{scheme: https}", "{path: /}", "{code: 301}"] {
        refused("Route", &format!("{{http: {{host: site.com}}, redirect: {redirect}}}"), LOOP).await?;
    }
    accepted("Route", "{http: {host: site.com}, redirect: {path: /welcome}}").await?;
    accepted("Route", "{http: {host: site.com, path: /old}, redirect: {path: /}}").await?;
    accepted("Route", "{http: {host: site.com}, redirect: {port: 8443}}").await
}

#[tokio::test]
async fn admit_no_bad_redirect() -> Result<()> {
    let host = format!(r#"spec.redirect.host: Invalid value: "*.b.com": {REDIRECT_HOST}"#);
    refused("Route", "{http: {host: a.com}, redirect: {host: '*.b.com'}}", &host).await?;
    for path in ["a", "/a b", "/a\tb"] {
        let sentence = format!("spec.redirect.path: Invalid value: {path:?}: {REDIRECT_PATH}");
        refused("Route", &format!("{{http: {{host: a.com}}, redirect: {{path: {path:?}}}}}"), &sentence)
            .await?;
    }
    let code = r#"spec.redirect.code: Unsupported value: 303: supported values: "301", "302", "307", "308""#;
    refused("Route", "{http: {host: a.com}, redirect: {host: b.com, code: 303}}", code).await?;
    let scheme = r#"spec.redirect.scheme: Unsupported value: "ftp": supported values: "http", "https""#;
    refused("Route", "{http: {host: a.com}, redirect: {scheme: ftp, host: b.com}}", scheme).await
}

#[tokio::test]
async fn admit_every_option_of_a_route() -> Result<()> {
    let http = "{host: www.site.com, port: 8080, sticky: true, leader: true, drainBackends: false, disableKeepAlives: true, \
                hsts: {maxAgeSeconds: 31536000, includeSubdomains: true, preload: true}, \
                timeouts: {responseSeconds: 1, idleSeconds: 86400, minBodyBytesPerSecond: 0}, maxBodyBytes: 0, clients: [10.0.0.0/8, '2001:db8::/32'], \
                healthCheck: {path: /ok, intervalSeconds: 1, timeoutSeconds: 1, unhealthyAfter: 1, healthyAfter: 10}, \
                maxInFlightPerEndpoint: 1}";
    accepted("Route", &format!("{{http: {http}, app: www}}")).await?;
    accepted("Route", "{tcp: {}, app: www}").await?;
    accepted(
        "Route",
        "{tcp: {port: 5432, leader: true, clients: [10.0.0.0/8], drainBackends: false}, app: www}",
    )
    .await
}

#[tokio::test]
async fn admit_no_network_that_is_none() -> Result<()> {
    for network in ["office", "10.0.0.1", "10.0.0.0/33", "10.0.0/8"] {
        let clients = format!("clients: [{network}]");
        let sentence = format!("spec.http.clients: Invalid value: {NETWORK}");
        refused("Route", &format!("{{http: {{host: a.com, {clients}}}, app: www}}"), &sentence).await?;
        let sentence = format!("spec.tcp.clients: Invalid value: {NETWORK}");
        refused("Route", &format!("{{tcp: {{{clients}}}, app: www}}"), &sentence).await?;
    }
    Ok(())
}

#[tokio::test]
async fn admit_no_port_that_is_needed_elsewhere() -> Result<()> {
    for port in [22, 80, 443, 6443, 8081, 9912, 10250] {
        let sentence = format!("spec.tcp.port: Invalid value: {port}: {RESERVED}");
        refused("Route", &format!("{{tcp: {{port: {port}}}, app: www}}"), &sentence).await?;
    }
    for port in [80, 443] {
        let sentence = format!(
            "spec.http.port: Invalid value: {port}: 80 and 443 are the default ports: leave port out to answer on both"
        );
        refused("Route", &format!("{{http: {{host: a.com, port: {port}}}, app: www}}"), &sentence).await?;
    }
    Ok(())
}

#[tokio::test]
async fn admit_no_redirect_with_what_only_endpoints_have() -> Result<()> {
    let redirect = "redirect: {host: b.com}";
    for option in [
        "sticky: true",
        "leader: true",
        "timeouts: {}",
        "healthCheck: {path: /}",
        "maxInFlightPerEndpoint: 1",
    ] {
        let sentence = "spec.http: Invalid value: a redirect has no endpoints: leave sticky, leader, timeouts, healthCheck and maxInFlightPerEndpoint out";
        refused("Route", &format!("{{http: {{host: a.com, {option}}}, {redirect}}}"), sentence).await?;
    }
    refused(
        "Route",
        &format!("{{tcp: {{}}, {redirect}}}"),
        "spec.redirect: Invalid value: a redirect is an answer to an HTTP request: give http instead of tcp, or name an app or a service",
    )
    .await?;
    accepted("Route", &format!("{{http: {{host: a.com, sticky: false, leader: false}}, {redirect}}}")).await
}

#[tokio::test]
async fn admit_no_preload_that_browsers_would_not_take() -> Result<()> {
    let sentence = "spec.http.hsts: Invalid value: the lists that browsers are shipped with take a host only with includeSubdomains and a maxAgeSeconds of at least 31536000";
    for hsts in [
        "{maxAgeSeconds: 60, includeSubdomains: true, preload: true}",
        "{maxAgeSeconds: 31536000, preload: true}",
    ] {
        refused("Route", &format!("{{http: {{host: a.com, hsts: {hsts}}}, app: www}}"), sentence).await?;
    }
    Ok(())
}

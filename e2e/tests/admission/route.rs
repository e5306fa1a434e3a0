//! The rules of a Route.

use anyhow::Result;

use super::{accepted, refused};

const HOST: &str = "a host is a name such as www.site.com, *.site.com or *: write it in lower case, without scheme, port, path or trailing dot";
const PATH: &str = "a path starts with a slash and has neither empty, . or .. segments nor ?, #, % or spaces";
const TARGET: &str = "spec: Invalid value: name exactly one target: app, service or redirect";
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
    refused("Route", "{app: www}", "spec.http: Required value").await?;
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

//! The rules of a Cluster.

use anyhow::Result;

use super::{accepted, refused};

const DOMAIN: &str = "a domain is at least two labels of lower-case letters, digits and dashes, such as site.com: give it without scheme, port, wildcard or trailing dot";
const DEFAULT: &str = "spec.domains: Invalid value: exactly one of the domains must have default: true; Apps get <app>.<default domain>";
const PATTERN: &str = "a pattern is *, *.site.com or an exact host, in lower case, without scheme and port";

#[tokio::test]
async fn admit_a_cluster_with_one_domain_or_several() -> Result<()> {
    accepted("Cluster", "{domains: [{name: site.com}]}").await?;
    let two = "[{name: site.com, default: true, certificate: {namespace: flynn, name: wildcard}}, {name: old.site.co.uk}]";
    let hosts = "[{pattern: '*'}, {pattern: '*.site.com', namespaceSelector: {matchLabels: {team: web}}}, {pattern: site.com}]";
    accepted("Cluster", &format!("{{domains: {two}, httpsRedirect: false, hosts: {hosts}}}")).await
}

#[tokio::test]
async fn admit_no_unknown_field_in_a_cluster() -> Result<()> {
    let sentence = r#"Error from server (BadRequest): error when creating "STDIN": Cluster in version "v1alpha1" cannot be handled as a Cluster: strict decoding error: unknown field "spec.domain""#;
    refused("Cluster", "{domain: site.com, domains: [{name: site.com}]}", sentence).await
}

#[tokio::test]
async fn admit_no_cluster_without_a_domain() -> Result<()> {
    refused("Cluster", "{}", "spec.domains: Required value").await?;
    let none = "spec.domains: Invalid value: 0: spec.domains in body should have at least 1 items";
    refused("Cluster", "{domains: []}", none).await
}

#[tokio::test]
async fn admit_no_bad_domain() -> Result<()> {
    let label = format!("{}.com", "a".repeat(64));
    for domain in
        ["com", "https://site.com", "*.site.com", "Site.com", "site.com.", "site.com:443", "a_b.com", &label]
    {
        let sentence = format!("spec.domains[0].name: Invalid value: {domain:?}: {DOMAIN}");
        refused("Cluster", &format!("{{domains: [{{name: {domain:?}}}]}}"), &sentence).await?;
    }
    let long = format!("{{domains: [{{name: {}}}]}}", "a.".repeat(126) + "aa");
    refused("Cluster", &long, "spec.domains[0].name: Too long: may not be more than 212 bytes").await
}

#[tokio::test]
async fn admit_exactly_one_default_among_several_domains() -> Result<()> {
    refused("Cluster", "{domains: [{name: a.com}, {name: b.com}]}", DEFAULT).await?;
    refused("Cluster", "{domains: [{name: a.com, default: true}, {name: b.com, default: true}]}", DEFAULT)
        .await
}

#[tokio::test]
async fn admit_each_domain_once_and_at_most_32() -> Result<()> {
    let twice = r#"spec.domains[1]: Duplicate value: {"name":"a.com"}"#;
    refused("Cluster", "{domains: [{name: a.com, default: true}, {name: a.com}]}", twice).await?;
    let more: String = (1..33).map(|number| format!(", {{name: a{number}.com}}")).collect();
    let many = format!("{{domains: [{{name: a.com, default: true}}{more}]}}");
    refused("Cluster", &many, "spec.domains: Too many: 33: must have at most 32 items").await
}

#[tokio::test]
async fn admit_no_reference_to_a_certificate_without_its_namespace() -> Result<()> {
    let spec = "{domains: [{name: a.com, certificate: {name: wildcard}}]}";
    refused("Cluster", spec, "spec.domains[0].certificate.namespace: Required value").await?;
    let spec = "{domains: [{name: a.com, certificate: {namespace: flynn}}]}";
    refused("Cluster", spec, "spec.domains[0].certificate.name: Required value").await
}

#[tokio::test]
async fn admit_no_bad_host_pattern() -> Result<()> {
    for pattern in ["a.*.com", "*a.com", "A.com", "https://a.com", "**"] {
        let sentence = format!("spec.hosts[0].pattern: Invalid value: {pattern:?}: {PATTERN}");
        let spec = format!("{{domains: [{{name: a.com}}], hosts: [{{pattern: {pattern:?}}}]}}");
        refused("Cluster", &spec, &sentence).await?;
    }
    let many = format!("{{domains: [{{name: a.com}}], hosts: [{}]}}", "{pattern: '*'}, ".repeat(65));
    refused("Cluster", &many, "spec.hosts: Too many: 65: must have at most 64 items").await
}

#[tokio::test]
async fn admit_only_labels_in_a_namespace_selector() -> Result<()> {
    let spec = |selector: &str| {
        format!("{{domains: [{{name: a.com}}], hosts: [{{pattern: '*', namespaceSelector: {selector}}}]}}")
    };
    let expressions = r#"Error from server (BadRequest): error when creating "STDIN": Cluster in version "v1alpha1" cannot be handled as a Cluster: strict decoding error: unknown field "spec.hosts[0].namespaceSelector.matchExpressions""#;
    refused("Cluster", &spec("{matchExpressions: []}"), expressions).await?;
    let value = format!("{{matchLabels: {{a: {}}}}}", "a".repeat(64));
    let sentence = "spec.hosts[0].namespaceSelector.matchLabels.a: Too long: may not be more than 63 bytes";
    refused("Cluster", &spec(&value), sentence).await?;
    let labels: String = (0..17).map(|number| format!("a{number}: b, ")).collect();
    let sentence = "spec.hosts[0].namespaceSelector.matchLabels: Too many: 17: must have at most 16 items";
    refused("Cluster", &spec(&format!("{{matchLabels: {{{labels}}}}}")), sentence).await
}

#[tokio::test]
async fn admit_a_firewall_of_networks_and_names() -> Result<()> {
    let spec = |groups: &str| {
        let nodes = "nodes: {selector: {matchLabels: {a: b}}}";
        format!(
            "{{domains: [{{name: a.com}}], {nodes}, aws: {{region: us-east-1, securityGroups: {groups}}}}}"
        )
    };
    accepted("Cluster", &spec("{}")).await?;
    let everything =
        "{web: {cidrs: [192.0.2.0/24]}, tcp: {cidrs: ['2001:db8::/32']}, extra: [a, b-c], strict: true}";
    accepted("Cluster", &spec(everything)).await?;
    let network = "spec.aws.securityGroups.tcp.cidrs: Invalid value: a network is an address and the length of its prefix, such as 10.0.0.0/8 or 2001:db8::/32; one address is 203.0.113.7/32";
    refused("Cluster", &spec("{tcp: {cidrs: [everybody]}}"), network).await?;
    let id = "spec.aws.securityGroups.extra: Invalid value: a security group is named by its name and not by its id: ASCII letters, digits, blanks and ._-:/()#,@+=&;{}!$*";
    refused("Cluster", &spec("{extra: [sg-0123456789abcdef0]}"), id).await?;
    let many = "spec.aws.securityGroups.extra: Too many: 9: must have at most 8 items";
    refused("Cluster", &spec("{extra: [a, b, c, d, e, f, g, h, i]}"), many).await
}

#[tokio::test]
async fn admit_settings_of_the_routers() -> Result<()> {
    let spec = |router: &str| format!("{{domains: [{{name: a.com}}], router: {router}}}");
    let everything =
        "{hsts: {maxAgeSeconds: 60}, unavailablePage: <p>later</p>, tcpPorts: {first: 3000, last: 3500}}";
    accepted("Cluster", &spec(everything)).await?;
    let order = "spec.router.tcpPorts: Invalid value: the first port of a range is not after the last one";
    refused("Cluster", &spec("{tcpPorts: {first: 3500, last: 3000}}"), order).await?;
    let low = "spec.router.tcpPorts.first: Invalid value: 80: spec.router.tcpPorts.first in body should be greater than or equal to 1024";
    refused("Cluster", &spec("{tcpPorts: {first: 80, last: 3000}}"), low).await?;
    let long = format!("{{unavailablePage: {}}}", "a".repeat(100_001));
    let sentence = "spec.router.unavailablePage: Too long: may not be more than 100000 bytes";
    refused("Cluster", &spec(&long), sentence).await
}

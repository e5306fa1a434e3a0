//! Who gets a host: the oldest Route's namespace, as far as the Cluster allows it.

use anyhow::{Result, ensure};
use e2e::platform::{CLUSTER, DOMAIN};
use e2e::{Platform, unique};

#[tokio::test]
async fn a_host_belongs_to_the_namespace_that_came_first_and_passes_on() -> Result<()> {
    let platform = Platform::shared().await?;
    let (first, second) = (platform.tenant("claims-a").await?, platform.tenant("claims-b").await?);
    let host = format!("{}.{DOMAIN}", unique("claimed"));
    let route =
        |to: &str| format!("{{http: {{host: {host}}}, redirect: {{host: {to}.{DOMAIN}, port: 444}}}}");
    first.declare("route", "www", &route("first")).await?;
    first.ready("route/www").await?;
    second.declare("route", "www", &route("second")).await?;
    let message = second.condition("route/www", "Accepted", "False HostClaimed").await?;
    ensure!(message.contains(&first.namespace) && message.contains(&host), "{message}");
    second.event("route/www", "HostClaimed").await?;
    platform.serves(&host, "/", 308, "https://first.site.com:444/").await?;

    let below =
        format!("{{http: {{host: {host}, path: /below}}, redirect: {{host: second.{DOMAIN}, port: 444}}}}");
    second.declare("route", "below", &below).await?;
    second.condition("route/below", "Accepted", "False HostClaimed").await?;
    platform.serves(&host, "/below", 308, "https://first.site.com:444/below").await?;

    first.kubectl.ok(&["delete", "route/www"]).await?;
    second.ready("route/www").await?;
    second.ready("route/below").await?;
    platform.serves(&host, "/", 308, "https://second.site.com:444/").await
}

#[tokio::test]
async fn of_two_routes_for_one_path_the_older_serves_and_the_other_names_it() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("twice").await?;
    let host = format!("{}.{DOMAIN}", unique("twice"));
    let route = |path: &str, to: &str| {
        format!("{{http: {{host: {host}, path: {path}}}, redirect: {{host: {to}.{DOMAIN}, port: 444}}}}")
    };
    tenant.declare("route", "a-older", &route("/", "older")).await?;
    tenant.declare("route", "a-path", &route("/api", "path")).await?;
    tenant.declare("route", "b-younger", &route("/", "younger")).await?;
    tenant.declare("route", "b-path", &route("/api/", "younger")).await?;
    let message = tenant.condition("route/b-younger", "Accepted", "False HostClaimed").await?;
    ensure!(message.contains("a-older") && message.contains(&format!("{host}/")), "{message}");
    let message = tenant.condition("route/b-path", "Accepted", "False HostClaimed").await?;
    ensure!(message.contains("a-path") && message.contains(&format!("{host}/api/")), "{message}");
    tenant.ready("route/a-older").await?;
    platform.serves(&host, "/", 308, "https://older.site.com:444/").await?;
    platform.serves(&host, "/api", 308, "https://path.site.com:444/api").await?;
    tenant.kubectl.ok(&["delete", "route/a-older"]).await?;
    tenant.ready("route/b-younger").await?;
    platform.serves(&host, "/", 308, "https://younger.site.com:444/").await
}

#[tokio::test]
async fn two_apps_of_one_name_have_one_host_and_the_second_says_whose() -> Result<()> {
    let platform = Platform::shared().await?;
    let (first, second) = (platform.tenant("apps-a").await?, platform.tenant("apps-b").await?);
    let (name, host) = first.app("shop", "{image: a}").await?;
    second.declare("app", &name, "{image: a}").await?;
    let message = second.condition(&format!("app/{name}"), "Routed", "False HostClaimed").await?;
    ensure!(message.contains(&format!("its Route {host} says why")), "{message}");
    let message = second.condition(&format!("route/{host}"), "Accepted", "False HostClaimed").await?;
    ensure!(message.contains(&first.namespace), "{message}");
    second.condition(&format!("app/{name}"), "Available", "True Available").await?;
    first.kubectl.ok(&["delete", &format!("app/{name}")]).await?;
    second.ready(&format!("app/{name}")).await?;
    platform.serves(&host, "/", 200, "pod=").await
}

#[tokio::test]
async fn a_default_route_whose_name_is_taken_is_told() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("route-taken").await?;
    let name = unique("www");
    let host = format!("{name}.{DOMAIN}");
    tenant
        .declare(
            "route",
            &host,
            &format!("{{http: {{host: {host}}}, redirect: {{host: theirs.{DOMAIN}, port: 444}}}}"),
        )
        .await?;
    tenant.ready(&format!("route/{host}")).await?;
    tenant.declare("app", &name, "{image: a}").await?;
    let message = tenant.condition(&format!("app/{name}"), "Accepted", "False NameTaken").await?;
    ensure!(message.contains(&host) && message.contains("Route"), "{message}");
    platform.serves(&host, "/", 308, "https://theirs.site.com:444/").await
}

#[tokio::test]
async fn a_host_that_the_cluster_does_not_allow_waits_for_a_label() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("hosts").await?;
    let host = format!("{}.{DOMAIN}", unique("allowed"));
    let rule = format!("hosts: [{{pattern: {host}, namespaceSelector: {{matchLabels: {{team: web}}}}}}]");
    tenant.kubectl.apply(&CLUSTER.replace("hosts: []", &rule)).await?;
    let tried = async {
        let other = format!("other-{host}");
        let route =
            |host: &str| format!("{{http: {{host: {host}}}, redirect: {{host: www.{DOMAIN}, port: 444}}}}");
        tenant.declare("route", "www", &route(&host)).await?;
        tenant.declare("route", "other", &route(&other)).await?;
        let message = tenant.condition("route/www", "Accepted", "False HostNotAllowed").await?;
        for words in [&host, &tenant.namespace, "spec.hosts"] {
            ensure!(message.contains(words), "{message}");
        }
        tenant.event("route/www", "HostNotAllowed").await?;
        platform.serves_no_more(&host).await?;
        tenant.declare("app", "shop", "{image: a}").await?;
        let message = tenant.condition("app/shop", "Routed", "False HostNotAllowed").await?;
        ensure!(message.contains(&format!("shop.{DOMAIN}")), "{message}");
        tenant.condition("app/shop", "Available", "True Available").await?;
        tenant.kubectl.ok(&["label", "namespace", &tenant.namespace, "team=web"]).await?;
        tenant.ready("route/www").await?;
        platform.serves(&host, "/", 308, "https://www.site.com:444/").await?;
        tenant.condition("route/other", "Accepted", "False HostNotAllowed").await?;
        tenant.kubectl.ok(&["label", "namespace", &tenant.namespace, "team-"]).await?;
        tenant.condition("route/www", "Accepted", "False HostNotAllowed").await?;
        platform.serves_no_more(&host).await
    };
    let tried = tried.await;
    tenant.kubectl.apply(CLUSTER).await?;
    tried?;
    tenant.ready("route/www").await
}

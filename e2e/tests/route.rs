//! Routes: to a Service, to an App, elsewhere; by host, by wildcard and by path; and what is said of one that cannot work.

use anyhow::{Result, ensure};
use e2e::{Platform, Tenant, unique};

/// A Deployment and a Service of the same name, the ports of which are `name: port` as in a Pod.
async fn service(tenant: &Tenant, name: &str, ports: &[(&str, u16)]) -> Result<()> {
    let listed = |field: &str| {
        let ports = ports.iter().map(|(name, port)| format!("{{name: {name}, {field}: {port}}}"));
        ports.collect::<Vec<_>>().join(", ")
    };
    let (container, service) = (listed("containerPort"), listed("port"));
    let yaml = format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: main, image: none, ports: [{container}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{service}]}}
"
    );
    tenant.kubectl.apply(&yaml).await.map(drop)
}

fn host(prefix: &str) -> String {
    format!("{}.site.com", unique(prefix))
}

#[tokio::test]
async fn a_route_leads_to_the_port_called_http_or_to_the_only_one() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("ports").await?;
    service(&tenant, "two", &[("admin", 9001), ("http", 9000)]).await?;
    service(&tenant, "one", &[("web", 9002)]).await?;
    for (name, port) in [("two", 9000), ("one", 9002)] {
        let host = host(name);
        tenant
            .declare("route", name, &format!("{{http: {{host: {host}}}, service: {{name: {name}}}}}"))
            .await?;
        tenant.ready(&format!("route/{name}")).await?;
        platform.serves(&host, "/", 200, &format!("pod={name}-")).await?;
        let target = tenant.kubectl.field(&format!("route/{name}"), ".status.target").await?;
        assert_eq!(target, format!("service {name}:{port}"));
    }
    Ok(())
}

#[tokio::test]
async fn several_ports_without_a_choice_are_ambiguous_until_one_is_named() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("ambiguous").await?;
    service(&tenant, "api", &[("admin", 9001), ("rpc", 9000)]).await?;
    let host = host("ambiguous");
    tenant.declare("route", "api", &format!("{{http: {{host: {host}}}, service: {{name: api}}}}")).await?;
    let message = tenant.condition("route/api", "ResolvedRefs", "False AmbiguousPort").await?;
    ensure!(message.contains("api") && message.contains("9000") && message.contains("9001"), "{message}");
    tenant.event("route/api", "AmbiguousPort").await?;
    platform.serves(&host, "/", 503, "").await?;

    tenant
        .declare("route", "api", &format!("{{http: {{host: {host}}}, service: {{name: api, port: 81}}}}"))
        .await?;
    let message = tenant.condition("route/api", "ResolvedRefs", "False PortNotFound").await?;
    ensure!(message.contains("81") && message.contains("9000"), "{message}");

    tenant
        .declare("route", "api", &format!("{{http: {{host: {host}}}, service: {{name: api, port: 9000}}}}"))
        .await?;
    tenant.ready("route/api").await?;
    platform.serves(&host, "/", 200, "pod=api-").await
}

#[tokio::test]
async fn a_missing_service_is_told_and_healed_by_its_appearance() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("missing").await?;
    let host = host("missing");
    tenant.declare("route", "api", &format!("{{http: {{host: {host}}}, service: {{name: api}}}}")).await?;
    let message = tenant.condition("route/api", "ResolvedRefs", "False ServiceNotFound").await?;
    ensure!(message.contains("api") && message.contains(&tenant.namespace), "{message}");
    tenant.condition("route/api", "Stalled", "True ServiceNotFound").await?;
    tenant.event("route/api", "ServiceNotFound").await?;
    platform.serves(&host, "/", 503, "").await?;
    service(&tenant, "api", &[("http", 9000)]).await?;
    tenant.ready("route/api").await?;
    let conditions = tenant.kubectl.field("route/api", ".status.conditions[*].type").await?;
    ensure!(!conditions.contains("Stalled"), "{conditions}");
    platform.serves(&host, "/", 200, "pod=api-").await?;
    tenant.kubectl.ok(&["scale", "deployment/api", "--replicas=0"]).await?;
    let message = tenant.condition("route/api", "ResolvedRefs", "False NoReadyEndpoints").await?;
    ensure!(message.contains("kubectl -n"), "{message}");
    platform.serves(&host, "/", 503, "").await
}

#[tokio::test]
async fn a_missing_app_is_told_and_healed_by_its_appearance() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("missing-app").await?;
    let (host, app) = (host("extra"), unique("late"));
    tenant.declare("route", "extra", &format!("{{http: {{host: {host}}}, app: {app}}}")).await?;
    let message = tenant.condition("route/extra", "ResolvedRefs", "False AppNotFound").await?;
    ensure!(message.contains(&app), "{message}");
    tenant.declare("app", &app, "{image: a, routes: None}").await?;
    tenant.ready("route/extra").await?;
    platform.serves(&host, "/", 200, &format!("pod={app}-web-")).await
}

#[tokio::test]
async fn a_redirect_changes_what_it_names_and_keeps_the_rest() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("redirect").await?;
    let (apex, moved) = (host("apex"), host("moved"));
    tenant
        .declare(
            "route",
            "apex",
            &format!(
                "{{http: {{host: {apex}}}, redirect: {{scheme: https, host: www.site.com, port: 444}}}}"
            ),
        )
        .await?;
    tenant.ready("route/apex").await?;
    platform.serves(&apex, "/a?b=c", 308, "https://www.site.com:444/a?b=c").await?;
    assert_eq!(
        tenant.kubectl.field("route/apex", ".status.target").await?,
        "308 to https://www.site.com:444"
    );
    tenant
        .declare(
            "route",
            "moved",
            &format!("{{http: {{host: {moved}}}, redirect: {{port: 444, path: '/new?x=y', code: 301}}}}"),
        )
        .await?;
    tenant.ready("route/moved").await?;
    platform.serves(&moved, "/a?b=c", 301, &format!("https://{moved}:444/new?x=y")).await
}

#[tokio::test]
async fn a_path_waits_for_the_root_of_its_host_and_the_longest_path_wins() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("paths").await?;
    service(&tenant, "site", &[("http", 9000)]).await?;
    service(&tenant, "api", &[("http", 9000)]).await?;
    let host = host("paths");
    tenant
        .declare("route", "api", &format!("{{http: {{host: {host}, path: /api}}, service: {{name: api}}}}"))
        .await?;
    let message = tenant.condition("route/api", "Accepted", "False RootRouteMissing").await?;
    ensure!(message.contains(&host), "{message}");
    tenant.declare("route", "site", &format!("{{http: {{host: {host}}}, service: {{name: site}}}}")).await?;
    tenant.ready("route/api").await?;
    tenant.ready("route/site").await?;
    platform.serves(&host, "/api/v1", 200, "pod=api-").await?;
    platform.serves(&host, "/api/v1", 200, "path=/api/v1\n").await?;
    platform.serves(&host, "/apis", 200, "pod=site-").await?;
    tenant.kubectl.ok(&["delete", "route/site"]).await?;
    tenant.condition("route/api", "Accepted", "False RootRouteMissing").await?;
    platform.serves_no_more(&host).await
}

#[tokio::test]
async fn a_wildcard_answers_for_what_no_exact_host_has() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("wildcard").await?;
    service(&tenant, "any", &[("http", 9000)]).await?;
    service(&tenant, "exact", &[("http", 9000)]).await?;
    let domain = host("wildcard");
    tenant.secret("tls", &platform.authority().sign(&[&format!("*.{domain}"), &domain])?).await?;
    tenant.certificate("own", "tls").await?;
    let any = format!("{{http: {{host: '*.{domain}', certificate: own}}, service: {{name: any}}}}");
    tenant.declare("route", "any", &any).await?;
    tenant.ready("route/any").await?;
    platform.serves(&format!("a.{domain}"), "/", 200, "pod=any-").await?;
    platform.serves(&domain, "/", 200, "pod=any-").await?;
    let exact = format!("{{http: {{host: exact.{domain}, certificate: own}}, service: {{name: exact}}}}");
    tenant.declare("route", "exact", &exact).await?;
    tenant.ready("route/exact").await?;
    platform.serves(&format!("exact.{domain}"), "/", 200, "pod=exact-").await?;
    platform.serves(&format!("a.{domain}"), "/", 200, "pod=any-").await
}

#[tokio::test]
async fn an_edit_and_a_deletion_take_effect_and_describe_tells_the_story() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("edit").await?;
    service(&tenant, "a", &[("http", 9000)]).await?;
    service(&tenant, "b", &[("http", 9000)]).await?;
    let (before, after) = (host("before"), host("after"));
    tenant
        .declare("route", "www", &format!("{{http: {{host: {before}}}, service: {{name: missing}}}}"))
        .await?;
    tenant.condition("route/www", "ResolvedRefs", "False ServiceNotFound").await?;
    tenant.declare("route", "www", &format!("{{http: {{host: {before}}}, service: {{name: a}}}}")).await?;
    platform.serves(&before, "/", 200, "pod=a-").await?;
    tenant.declare("route", "www", &format!("{{http: {{host: {after}}}, service: {{name: b}}}}")).await?;
    platform.serves(&after, "/", 200, "pod=b-").await?;
    platform.serves_no_more(&before).await?;
    assert_eq!(tenant.condition("route/www", "Programmed", "True Programmed").await?, "2/2 nodes");
    tenant.event("route/www", "Programmed").await?;
    let story = tenant.kubectl.ok(&["describe", "route", "www"]).await?;
    for words in ["Programmed", "2/2 nodes", "service b:9000", "ServiceNotFound", "Warning", "Normal"] {
        ensure!(story.contains(words), "{words} is missing: {story}");
    }
    tenant.kubectl.ok(&["delete", "route/www"]).await?;
    platform.serves_no_more(&after).await
}

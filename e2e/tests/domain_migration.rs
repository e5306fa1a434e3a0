//! `migrate-domain`, declared: the default moves to another domain, and the old one goes on until its entry is removed.

use anyhow::{Result, ensure};
use e2e::Platform;
use e2e::platform::{CLUSTER, DOMAIN};

const NEW: &str = "new-site.com";

#[tokio::test]
async fn the_default_domain_moves_and_the_old_one_answers_until_it_is_removed() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("migration").await?;
    let (name, before) = tenant.app("www", "{image: a}").await?;
    tenant.declare("app", "api", "{image: a, routes: None}").await?;
    tenant.declare("route", "api", &format!("{{http: {{host: {before}, path: /api}}, app: api}}")).await?;
    tenant.declare("route", "extra", &format!("{{http: {{host: extra-{before}}}, app: {name}}}")).await?;
    tenant
        .declare("route", "docs", &format!("{{http: {{host: {before}, path: /docs}}, app: {name}}}"))
        .await?;
    for route in ["api", "extra", "docs"] {
        tenant.ready(&format!("route/{route}")).await?;
    }
    let both_hosts = [before.as_str(), &format!("{name}.{NEW}")];
    tenant.secret("own-tls", &platform.authority().sign(&both_hosts)?).await?;
    tenant.certificate("own", "own-tls").await?;
    tenant.ready("certificate/own").await?;
    let option = r#"{"spec": {"http": {"certificate": "own"}}}"#;
    tenant.kubectl.ok(&["patch", &format!("route/{before}"), "--type=merge", "-p", option]).await?;
    tenant.ready(&format!("route/{before}")).await?;
    tenant.secret("new-tls", &platform.authority().sign(&[&format!("*.{NEW}"), NEW])?).await?;
    tenant.certificate("new", "new-tls").await?;
    tenant.ready("certificate/new").await?;
    let load = platform.load(&before)?;

    let entry = format!(
        "{{name: {NEW}, default: true, certificate: {{namespace: {}, name: new}}}}",
        tenant.namespace
    );
    let old = "{name: site.com, default: true, certificate: {namespace: flynn, name: wildcard}}";
    ensure!(CLUSTER.contains(old));
    let both =
        CLUSTER.replace(old, &format!("{}\n  - {entry}", old.replace("default: true", "default: false")));
    let only = CLUSTER.replace(old, &entry);
    let after = format!("{name}.{NEW}");
    let moved = async {
        tenant.kubectl.apply(&both).await?;
        tenant.condition("cluster/site", "Ready", "True Ready").await?;
        platform.serves(&after, "/", 200, &format!("pod={name}-web-")).await?;
        let kept = tenant.kubectl.field(&format!("route/{after}"), ".spec.http.certificate").await?;
        ensure!(kept == "own", "an option is lost: {kept}");
        platform.serves(&after, "/docs", 200, &format!("pod={name}-web-")).await?;
        platform.serves(&after, "/api/x", 200, "pod=api-web-").await?;
        platform.serves(&format!("extra-{after}"), "/", 200, &format!("pod={name}-web-")).await?;
        platform.serves(&before, "/api/x", 200, "pod=api-web-").await?;
        platform.serves(&before, "/docs", 200, &format!("pod={name}-web-")).await?;
        tenant
            .kubectl
            .ok(&[
                "wait",
                &format!("app/{name}"),
                &format!("--for=jsonpath={{.status.url}}=https://{after}"),
                "--timeout=60s",
            ])
            .await?;
        load.stop().await?;

        tenant.kubectl.apply(&only).await?;
        tenant.gone(&format!("route/{before}")).await?;
        platform.serves(&after, "/", 200, &format!("pod={name}-web-")).await?;
        platform.serves(&after, "/api/x", 200, "pod=api-web-").await?;
        tenant.condition("route/api", "Accepted", "False RootRouteMissing").await.map(drop)
    };
    let moved = moved.await;
    tenant.kubectl.apply(CLUSTER).await?;
    moved?;
    tenant.ready("cluster/site").await?;
    platform.serves(&format!("{name}.{DOMAIN}"), "/", 200, &format!("pod={name}-web-")).await?;
    tenant.gone(&format!("route/{after}")).await
}

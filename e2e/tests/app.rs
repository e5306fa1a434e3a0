//! Apps: what each process becomes, what happens when it changes, and what is never taken from others.

use anyhow::{Result, ensure};
use e2e::platform::{SYSTEM, WAIT};
use e2e::{Platform, Tenant, eventually, unique};
use serde_json::{Value, json};

async fn object(tenant: &Tenant, object: &str) -> Result<Value> {
    Ok(serde_json::from_str(&tenant.kubectl.ok(&["get", object, "-o", "json"]).await?)?)
}

#[tokio::test]
async fn every_process_gets_its_environment_and_its_replicas() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("processes").await?;
    tenant.raw_secret("www-env", "Opaque", &[("TOKEN", "a")]).await?;
    let spec = "{image: registry.example/www:1, env: {LOG: info}, envFrom: [{secret: www-env}, {configMap: www}], processes: {\
        web: {port: 5000, replicas: 2, command: [serve, --fast], healthCheck: {path: /healthz}, resources: {limits: {memory: 64Mi}}}, \
        worker: {}, clock: {replicas: 0}}}";
    let (name, _) = tenant.app("www", spec).await?;
    let web = object(&tenant, &format!("deployment/{name}-web")).await?;
    assert_eq!((&web["spec"]["replicas"], &web["status"]["readyReplicas"]), (&json!(2), &json!(2)));
    let container = &web["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], json!(["serve", "--fast"]));
    assert_eq!(container["image"], "registry.example/www:1");
    assert_eq!(
        container["envFrom"],
        json!([{"secretRef": {"name": "www-env"}}, {"configMapRef": {"name": "www"}}])
    );
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["resources"], json!({"limits": {"memory": "64Mi"}}));
    for variable in [json!({"name": "LOG", "value": "info"}), json!({"name": "PORT", "value": "5000"})] {
        ensure!(
            container["env"].as_array().is_some_and(|env| env.contains(&variable)),
            "{}",
            container["env"]
        );
    }
    for (process, replicas) in [("worker", 1), ("clock", 0)] {
        let deployment = object(&tenant, &format!("deployment/{name}-{process}")).await?;
        assert_eq!(deployment["spec"]["replicas"], replicas);
        let environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"].to_string();
        ensure!(environment.contains("LOG") && !environment.contains("PORT"), "{environment}");
        tenant.kubectl.fails(&["get", "service", &format!("{name}-{process}")]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_app_without_an_image_asks_for_one() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("image").await?;
    let name = unique("www");
    let app = format!("app/{name}");
    tenant.declare("app", &name, "{}").await?;
    let message = tenant.condition(&app, "Accepted", "False ImageRequired").await?;
    ensure!(message.contains("spec.image"), "{message}");
    tenant.event(&app, "ImageRequired").await?;
    tenant.condition(&app, "Stalled", "True ImageRequired").await?;
    assert_eq!(tenant.kubectl.ok(&["get", "deployments,services,routes", "-o", "name"]).await?, "");
    tenant.declare("app", &name, "{image: a}").await?;
    tenant.ready(&app).await
}

#[tokio::test]
async fn what_others_made_is_never_taken_over() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("taken").await?;
    let name = unique("www");
    let (app, taken) = (format!("app/{name}"), format!("deployment/{name}-web"));
    tenant
        .kubectl
        .ok(&["create", "deployment", &format!("{name}-web"), "--image=theirs", "--replicas=0"])
        .await?;
    tenant.kubectl.ok(&["rollout", "status", &taken, "--timeout=30s"]).await?;
    let before = tenant.kubectl.ok(&["get", &taken, "-o", "json", "--show-managed-fields"]).await?;
    tenant.declare("app", &name, "{image: ours}").await?;
    let message = tenant.condition(&app, "Accepted", "False NameTaken").await?;
    ensure!(message.contains(&format!("{name}-web")) && message.contains("rename or delete"), "{message}");
    tenant.event(&app, "NameTaken").await?;
    tenant.declare("app", &name, "{image: ours-2}").await?;
    tenant.condition(&app, "Accepted", "False NameTaken").await?;
    let after = tenant.kubectl.ok(&["get", &taken, "-o", "json", "--show-managed-fields"]).await?;
    assert_eq!(before, after, "byte for byte");
    tenant.kubectl.ok(&["delete", &taken]).await?;
    tenant.ready(&app).await?;
    let image = tenant.kubectl.field(&taken, ".spec.template.spec.containers[0].image").await?;
    assert_eq!(image, "ours-2");
    Ok(())
}

#[tokio::test]
async fn a_new_image_rolls_without_a_failed_request() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("roll").await?;
    let (name, host) = tenant.app("www", "{image: 'a:1', processes: {web: {replicas: 2}}}").await?;
    let load = platform.load(&host)?;
    load.more(10).await?;
    tenant.declare("app", &name, "{image: 'a:2', processes: {web: {replicas: 2}}}").await?;
    let deployment = format!("deployment/{name}-web");
    let image = ".spec.template.spec.containers[0].image";
    eventually("the new image is declared", WAIT, || async {
        ensure!(tenant.kubectl.field(&deployment, image).await? == "a:2");
        Ok(())
    })
    .await?;
    tenant.kubectl.ok(&["rollout", "status", &deployment, "--timeout=60s"]).await?;
    tenant.ready(&format!("app/{name}")).await?;
    // The old Pods drain on: the rollout is over when they are gone.
    eventually("two Pods are left", WAIT, || async {
        let pods = tenant
            .kubectl
            .ok(&["get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}"])
            .await?;
        ensure!(pods == "a:2 a:2", "{pods}");
        Ok(())
    })
    .await?;
    load.more(10).await?;
    load.stop().await
}

#[tokio::test]
async fn a_process_that_is_removed_takes_its_objects_along() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("removed").await?;
    let (name, host) = tenant.app("www", "{image: a, processes: {web: {}, admin: {port: 9000}}}").await?;
    let admin = format!("{name}-admin");
    tenant.kubectl.ok(&["get", &format!("deployment/{admin}"), &format!("service/{admin}")]).await?;
    tenant.declare("app", &name, "{image: a, processes: {web: {}}}").await?;
    tenant.gone(&format!("deployment/{admin}")).await?;
    tenant.gone(&format!("service/{admin}")).await?;
    platform.serves(&host, "/", 200, "pod=").await?;
    tenant.declare("app", &name, "{image: a, routes: None}").await?;
    tenant.gone(&format!("route/{host}")).await?;
    platform.serves_no_more(&host).await
}

#[tokio::test]
async fn an_app_that_is_deleted_leaves_nothing_behind() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("deleted").await?;
    let (name, host) = tenant.app("www", "{image: a, processes: {web: {}, worker: {}}}").await?;
    tenant.kubectl.ok(&["delete", &format!("app/{name}"), "--timeout=60s"]).await?;
    platform.serves_no_more(&host).await?;
    eventually("everything is collected", WAIT, || async {
        let left =
            tenant.kubectl.ok(&["get", "deployments,replicasets,pods,services,routes", "-o", "name"]).await?;
        ensure!(left.is_empty(), "{left}");
        Ok(())
    })
    .await?;
    let (name, host) = tenant.app("www", "{image: a}").await?;
    tenant.kubectl.ok(&["delete", &format!("app/{name}"), "--cascade=foreground", "--timeout=60s"]).await?;
    platform.serves_no_more(&host).await
}

#[tokio::test]
async fn a_namespace_is_deleted_with_all_that_is_in_it() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("namespace").await?;
    let (_, host) = tenant.app("www", "{image: a}").await?;
    tenant.secret("tls", &platform.authority().sign(&["namespace.example"])?).await?;
    tenant.certificate("own", "tls").await?;
    tenant.ready("certificate/own").await?;
    let copy = tenant.kubectl.field("certificate/own", ".status.servedSecret").await?;
    tenant.kubectl.ok(&["delete", "namespace", &tenant.namespace, "--timeout=60s"]).await?;
    platform.serves_no_more(&host).await?;
    Tenant::of(platform.bed(), SYSTEM).await?.gone(&format!("secret/{copy}")).await
}

#[tokio::test]
async fn what_somebody_changes_by_hand_is_restored() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("drift").await?;
    let (name, host) = tenant.app("www", "{image: a}").await?;
    let (deployment, service) = (format!("deployment/{name}-web"), format!("service/{name}-web"));
    tenant.kubectl.ok(&["set", "image", &deployment, "web=b"]).await?;
    tenant.kubectl.ok(&["set", "env", &deployment, "PORT=9"]).await?;
    tenant.kubectl.ok(&["scale", &deployment, "--replicas=0"]).await?;
    tenant.kubectl.ok(&["annotate", &deployment, "theirs=kept"]).await?;
    eventually("the Deployment is as declared", WAIT, || async {
        let now = object(&tenant, &deployment).await?;
        let container = &now["spec"]["template"]["spec"]["containers"][0];
        ensure!(container["image"] == "a" && now["spec"]["replicas"] == 1, "{now}");
        ensure!(!container["env"].to_string().contains("\"9\""), "{container}");
        ensure!(now["metadata"]["annotations"]["theirs"] == "kept", "{now}");
        Ok(())
    })
    .await?;
    tenant.kubectl.ok(&["delete", &service]).await?;
    tenant.kubectl.ok(&["delete", &format!("route/{host}")]).await?;
    eventually("the Service is back", WAIT, || async { tenant.kubectl.ok(&["get", &service]).await }).await?;
    tenant.ready(&format!("app/{name}")).await?;
    platform.serves(&host, "/", 200, "pod=").await?;
    let patch = json!({"spec": {"http": {"host": format!("stolen-{host}")}}});
    tenant.kubectl.ok(&["patch", &format!("route/{host}"), "--type=merge", "-p", &patch.to_string()]).await?;
    eventually("the Route is as declared", WAIT, || async {
        ensure!(tenant.kubectl.field(&format!("route/{host}"), ".spec.http.host").await? == host);
        Ok(())
    })
    .await?;
    platform.serves(&host, "/", 200, "pod=").await
}

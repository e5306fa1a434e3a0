//! The test bed itself: a Deployment becomes Pods that answer, and the API server survives its own restart.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::load::Target;
use e2e::{Load, Proxy, TestBed, eventually, http};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, WatchEvent, WatchParams};
use serde_json::json;

const WAIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_deployment_becomes_pods_that_answer() -> Result<()> {
    let bed = TestBed::shared().await?;
    let namespace = bed.namespace("pods").await?.name;
    let kubectl = bed.kubectl(&namespace);
    kubectl.ok(&["create", "deployment", "www", "--image=none", "--replicas=2", "--port=9000"]).await?;
    kubectl.ok(&["expose", "deployment", "www", "--port=80", "--target-port=9000"]).await?;
    kubectl.ok(&["rollout", "status", "deployment/www", "--timeout=30s"]).await?;
    let slices: Api<EndpointSlice> = Api::namespaced(bed.client().await?, &namespace);
    let endpoints = eventually("two endpoints are ready", WAIT, || ready_endpoints(&slices, 2)).await?;
    for endpoint in endpoints {
        let answer = http::get(endpoint, "www.site.com", "/a?b=c").await?;
        assert_eq!(answer.status, 200);
        ensure!(answer.text().contains("host=www.site.com\npath=/a?b=c\n"), "{}", answer.text());
        let echo = http::post(endpoint, "www.site.com", "/echo", "hello").await?;
        assert_eq!(echo.text(), "hello");
    }
    let pod = kubectl.field("pods", ".items[0].metadata.name").await?;
    assert_eq!(bed.pods().backends(&namespace, &pod).len(), 1);
    bed.pods().set_ready(&namespace, &pod, false).await?;
    eventually("one endpoint is ready", WAIT, || ready_endpoints(&slices, 1)).await?;
    kubectl.ok(&["scale", "deployment/www", "--replicas=0"]).await?;
    kubectl.ok(&["wait", "--for=delete", "pods", "--all", "--timeout=30s"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_returned_with_its_reason() -> Result<()> {
    let bed = TestBed::shared().await?;
    let kubectl = bed.kubectl("default");
    let refusal =
        kubectl.apply_fails("{apiVersion: v1, kind: ConfigMap, metadata: {name: Not_A_Name}}").await?;
    ensure!(refusal.contains("Invalid value: \"Not_A_Name\""), "{refusal}");
    let version = kubectl.ok(&["version"]).await?;
    ensure!(version.contains("Server Version: v1.36.3"), "{version}");
    Ok(())
}

#[tokio::test]
async fn a_service_account_may_do_what_it_is_granted() -> Result<()> {
    let bed = TestBed::shared().await?;
    if bed.control_plane().lacks("ServiceAccounts") {
        return Ok(());
    }
    let namespace = bed.namespace("rbac").await?.name;
    let admin = bed.kubectl(&namespace);
    admin.ok(&["create", "serviceaccount", "reader"]).await?;
    admin.ok(&["create", "role", "reader", "--verb=list", "--resource=secrets"]).await?;
    admin
        .ok(&[
            "create",
            "rolebinding",
            "reader",
            "--role=reader",
            &format!("--serviceaccount={namespace}:reader"),
        ])
        .await?;
    let proxy = Proxy::start(bed.control_plane().addr()).await?;
    let kubeconfig = bed.control_plane().kubeconfig_for(&namespace, "reader", Some(&proxy.url())).await?;
    let client = e2e::kubeconfig::client(&kubeconfig).await?;
    let secrets: Api<Secret> = Api::default_namespaced(client.clone());
    eventually("it may list Secrets", WAIT, || async { Ok(secrets.list(&Default::default()).await?) })
        .await?;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let refused = maps.list(&Default::default()).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));
    Ok(())
}

#[tokio::test]
async fn to_block_an_owners_deletion_takes_the_right_to_its_finalizers() -> Result<()> {
    let bed = TestBed::shared().await?;
    if bed.control_plane().lacks("ServiceAccounts") {
        return Ok(());
    }
    let namespace = bed.namespace("owner").await?.name;
    let admin = bed.kubectl(&namespace);
    admin.ok(&["create", "serviceaccount", "writer"]).await?;
    admin.ok(&["create", "role", "writer", "--verb=create,get", "--resource=configmaps"]).await?;
    let account = format!("--serviceaccount={namespace}:writer");
    admin.ok(&["create", "rolebinding", "writer", "--role=writer", &account]).await?;
    admin.ok(&["create", "deployment", "www", "--image=none", "--replicas=0"]).await?;
    let owner = admin.field("deployment/www", ".metadata.uid").await?;
    let kubeconfig = bed.control_plane().kubeconfig_for(&namespace, "writer", None).await?;
    let maps: Api<ConfigMap> = Api::namespaced(e2e::kubeconfig::client(&kubeconfig).await?, &namespace);
    let owned = |name: &str, block: bool| {
        serde_json::from_value::<ConfigMap>(json!({"metadata": {"name": name, "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": "Deployment", "name": "www", "uid": owner, "blockOwnerDeletion": block,
        }]}}))
    };
    let free = owned("free", false)?;
    eventually("it may create ConfigMaps", WAIT, || async {
        Ok(maps.create(&Default::default(), &free).await?)
    })
    .await?;
    let refused = maps.create(&Default::default(), &owned("blocking", true)?).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));
    Ok(())
}

#[tokio::test]
async fn the_api_server_comes_back_after_a_kill() -> Result<()> {
    let bed = TestBed::alone().await?;
    let namespace = bed.namespace("restart").await?.name;
    let kubectl = bed.kubectl(&namespace);
    kubectl.ok(&["create", "deployment", "www", "--image=none"]).await?;
    kubectl.ok(&["rollout", "status", "deployment/www", "--timeout=30s"]).await?;
    let pod = kubectl.field("pods", ".items[0].metadata.name").await?;
    let backends = bed.pods().backends(&namespace, &pod);
    let endpoint = backends.first().context("the Pod runs")?.addr();
    let load = Load::start(Target::http(endpoint, "www", "/"));
    let kept = Load::start(Target::http(endpoint, "www", "/").keep_alive());
    bed.control_plane().restart_api_server().await?;
    kubectl.ok(&["scale", "deployment/www", "--replicas=3"]).await?;
    kubectl.ok(&["rollout", "status", "deployment/www", "--timeout=60s"]).await?;
    load.more(10).await?;
    load.stop().await?.all_ok()?;
    kept.stop().await?.all_ok()
}

#[tokio::test]
async fn a_watch_breaks_when_history_is_forgotten() -> Result<()> {
    let bed = TestBed::alone().await?;
    let namespace = bed.namespace("history").await?.name;
    let maps: Api<ConfigMap> = Api::namespaced(bed.client().await?, &namespace);
    let version = maps.list(&Default::default()).await?.metadata.resource_version.context("a version")?;
    bed.kubectl(&namespace).ok(&["create", "configmap", "news"]).await?;
    bed.control_plane().forget_history().await?;
    let mut events = maps.watch(&WatchParams::default(), &version).await?.boxed();
    let first = events.next().await.context("the watch says something")??;
    assert!(matches!(first, WatchEvent::Error(status) if status.code == 410));
    Ok(())
}

async fn ready_endpoints(slices: &Api<EndpointSlice>, count: usize) -> Result<Vec<SocketAddr>> {
    let mut ready = Vec::new();
    for slice in slices.list(&Default::default()).await? {
        let ports = slice.ports.into_iter().flatten();
        let port = ports.filter_map(|port| port.port).next().context("a slice without a port")?;
        for endpoint in slice.endpoints.into_iter().flatten() {
            if endpoint.conditions.is_some_and(|conditions| conditions.ready == Some(true)) {
                ready.push(SocketAddr::new(endpoint.addresses[0].parse()?, port.try_into()?));
            }
        }
    }
    ensure!(ready.len() == count, "{} are ready", ready.len());
    Ok(ready)
}

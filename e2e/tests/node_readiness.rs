//! A router node is ready when it serves everything that was declared, and then needs nobody.

use anyhow::{Result, ensure};
use e2e::kubeconfig::{Access, client};
use e2e::platform::{SYSTEM, WAIT};
use e2e::{HeldApi, Operator, Platform, eventually, http, ports, unique};

#[tokio::test]
async fn a_node_is_not_ready_before_its_first_complete_table() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("table").await?;
    let (_, host) = tenant.app("www", "{image: a}").await?;
    let identity = platform.kubeconfig("flynn-operator-node").await?;
    let api = HeldApi::start(client(&identity).await?, "/secrets").await?;
    let kubeconfig = identity.with_extension("held");
    Access { server: &api.url(), authority: "", token: "none", namespace: SYSTEM }.write(&kubeconfig)?;
    let health = ports::free()?;
    let launch = Platform::node("node-c", kubeconfig, &health.to_string());
    let logs = platform.bed().folder().to_owned();
    let start = tokio::spawn(async move { Operator::start(&launch, &logs).await });
    eventually("the node says that it is not ready", WAIT, || async {
        let answer = http::get(health, "localhost", "/readyz").await?;
        ensure!(answer.status == 503, "it says {}", answer.status);
        assert_eq!(http::get(health, "localhost", "/livez").await?.status, 200);
        Ok(())
    })
    .await?;
    ensure!(!start.is_finished(), "it does not listen for traffic yet");
    api.release();
    let mut node = start.await??;
    // Its first answer is the app's.
    let answer = platform.https(&node, &host, "/").await?;
    ensure!(answer.status == 200, "{}", answer.status);
    node.wait_ready().await?;
    let admin = &tenant.kubectl;
    eventually("three nodes are counted", WAIT, || async {
        let count = admin.field("cluster/site", ".status.nodes").await?;
        ensure!(count == "3/3", "{count}");
        Ok(())
    })
    .await?;
    let status = node.terminate().await?;
    admin.ok(&["delete", "routernode/node-c"]).await?;
    tenant.ready("cluster/site").await?;
    ensure!(status.success(), "it ends with {status} when it is asked to");
    Ok(())
}

#[tokio::test]
async fn a_node_serves_on_while_the_api_is_gone() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("gone").await?;
    let (name, host) = tenant.app("www", "{image: a}").await?;
    let load = platform.load(&host)?;
    platform.bed().control_plane().stop_api_server()?;
    let served = async {
        load.more(200).await?;
        for node in platform.nodes() {
            let ready = http::get(node.listening().health, "localhost", "/readyz").await?;
            ensure!(ready.status == 200, "it serves, so it is ready");
        }
        anyhow::Ok(())
    };
    let served = served.await;
    platform.bed().control_plane().start_api_server().await?;
    served?;
    tenant.kubectl.ok(&["scale", &format!("app/{name}"), "--replicas=2"]).await?;
    tenant
        .kubectl
        .ok(&["wait", "--for=jsonpath={.status.replicas}=2", &format!("app/{name}"), "--timeout=60s"])
        .await?;
    load.more(10).await?;
    load.stop().await
}

#[tokio::test]
async fn a_node_that_leaves_the_cluster_is_counted_no_more() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("leaving").await?;
    let kubectl = &tenant.kubectl;
    let counts = async |expected: &str| {
        let args = [
            "wait",
            "cluster/site",
            &format!("--for=jsonpath={{.status.nodes}}={expected}"),
            "--timeout=60s",
        ];
        kubectl.ok(&args).await.map(drop)
    };
    let name = unique("machine");
    kubectl.apply(&format!("{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}}}")).await?;
    let node = platform.start_node(&name).await?;
    let counted = async {
        counts("3/3").await?;
        let owner = kubectl.field(&format!("routernode/{name}"), ".metadata.ownerReferences[0].kind").await?;
        assert_eq!(owner, "Node");
        drop(node);
        let route = "{http: {host: late.site.com}, redirect: {host: www.site.com}}";
        tenant.declare("route", "late", route).await?;
        // The other two report one after the other.
        eventually("the other two serve it", WAIT, || async {
            let message = tenant.condition("route/late", "Programmed", "False Pending").await?;
            ensure!(message.starts_with(&format!("2/3 nodes, waiting for {name}")), "{message}");
            Ok(())
        })
        .await
    };
    let counted = counted.await;
    kubectl.ok(&["delete", "node", &name]).await?;
    counted?;
    tenant.ready("route/late").await?;
    counts("2/2").await
}

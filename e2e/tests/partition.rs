//! Processes that are cut off or frozen: they catch up, and do not undo what others did meanwhile.

use anyhow::{Result, ensure};
use e2e::platform::{NODES, SYSTEM, WAIT};
use e2e::{Operator, Platform, Proxy, eventually, http};
use rustix::process::Signal;

#[tokio::test]
async fn a_node_notices_that_its_connections_died_in_silence() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("silence").await?;
    let control_plane = platform.bed().control_plane();
    let proxy = Proxy::start(control_plane.addr()).await?;
    let account = "flynn-operator-node";
    let kubeconfig = control_plane.kubeconfig_for(SYSTEM, account, Some(&proxy.url())).await?;
    let launch = Platform::node("node-c", kubeconfig, "127.0.0.1:0");
    let node = Operator::start(&launch, platform.bed().folder()).await?;
    let served = async {
        let (_, host) = tenant.app("www", "{image: a}").await?;
        ensure!(platform.https(&node, &host, "/").await?.status == 200);
        proxy.lose();
        tenant
            .declare("route", "late", &format!("{{http: {{host: late-{host}}}, redirect: {{host: {host}}}}}"))
            .await?;
        eventually("the node has caught up", 2 * WAIT, || async {
            let answer = platform.https(&node, &format!("late-{host}"), "/").await?;
            ensure!(answer.status == 308, "{}", answer.status);
            Ok(())
        })
        .await?;
        assert_eq!(
            tenant.condition("route/late", "Programmed", "True Programmed").await?,
            format!("{}/3 nodes", NODES.len() + 1)
        );
        Ok(())
    };
    let served = served.await;
    drop(node);
    platform.bed().kubectl("default").ok(&["delete", "routernode/node-c"]).await?;
    served
}

#[tokio::test]
async fn a_leader_that_was_frozen_undoes_nothing() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("frozen").await?;
    let (name, host) = tenant.app("www", "{image: 'a:1'}").await?;
    let frozen = platform.leader().await?;
    platform.signal(&frozen, Signal::STOP)?;
    let went_on = async {
        for image in ["a:2", "a:3", "a:4"] {
            tenant.declare("app", &name, &format!("{{image: '{image}'}}")).await?;
            tenant.ready(&format!("app/{name}")).await?;
        }
        ensure!(platform.leader().await? != frozen, "another one leads");
        anyhow::Ok(())
    };
    let went_on = went_on.await;
    let deployment = format!("deployment/{name}-web");
    let before = tenant.kubectl.field(&deployment, ".metadata.generation").await;
    let probes = platform.signal(&frozen, Signal::CONT)?;
    went_on?;
    eventually("it is awake", WAIT, || async {
        ensure!(http::get(probes, "localhost", "/livez").await?.status == 200);
        Ok(())
    })
    .await?;
    let (_, late) = tenant.app("late", "{image: a}").await?;
    platform.serves(&late, "/", 200, "pod=").await?;
    assert_eq!(tenant.kubectl.field(&deployment, ".metadata.generation").await?, before?);
    ensure!(platform.leader().await? != frozen, "the other one leads on");
    platform.serves(&host, "/", 200, "pod=").await
}

//! What the nodes do with requests in special moments: Pods that are not ready, nodes that end, paths that are exempt.

use anyhow::{Context, Result, ensure};
use crds::Route;
use e2e::platform::WAIT;
use e2e::{Platform, eventually, http, unique};
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

#[tokio::test]
async fn a_pod_that_is_not_ready_gets_no_requests() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("unready").await?;
    let (name, host) = tenant.app("www", "{image: a, processes: {web: {replicas: 2}}}").await?;
    let load = platform.load(&host)?;
    let pods = tenant.kubectl.ok(&["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"]).await?;
    let (tired, other) = pods.split_once(' ').context("there are two Pods")?;
    platform.bed().pods().set_ready(&tenant.namespace, tired, false).await?;
    let message = tenant.condition(&format!("app/{name}"), "Available", "False Progressing").await?;
    ensure!(message.contains("1 of 2"), "{message}");
    let backend =
        platform.bed().pods().backends(&tenant.namespace, tired).into_iter().next().context("it runs")?;
    eventually("nothing reaches it any more", WAIT, || async {
        let before = backend.requests();
        load.more(20).await?;
        ensure!(backend.requests() == before, "{} more", backend.requests() - before);
        Ok(())
    })
    .await?;
    platform.serves(&host, "/", 200, &format!("pod={other}")).await?;
    platform.bed().pods().set_ready(&tenant.namespace, tired, true).await?;
    platform.serves(&host, "/", 200, &format!("pod={tired}")).await?;
    load.stop().await
}

#[tokio::test]
async fn a_port_that_changes_loses_no_request() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("port").await?;
    let (name, host) = tenant.app("www", "{image: a, processes: {web: {replicas: 2}}}").await?;
    let load = platform.load(&host)?;
    load.more(10).await?;
    tenant.declare("app", &name, "{image: a, processes: {web: {replicas: 2, port: 9000}}}").await?;
    eventually("every Pod listens on the new port", WAIT, || async {
        let ports = ["get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].ports[0].containerPort}"];
        let ports = tenant.kubectl.ok(&ports).await?;
        ensure!(ports == "9000 9000", "{ports}");
        Ok(())
    })
    .await?;
    tenant.ready(&format!("app/{name}")).await?;
    load.more(10).await?;
    load.stop().await
}

#[tokio::test]
async fn of_many_edits_in_a_row_the_last_one_stays() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("edits").await?;
    let host = format!("{}.site.com", unique("edits"));
    let routes: Api<Route> = Api::namespaced(tenant.client.clone(), &tenant.namespace);
    for number in 1..=200 {
        let route = json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "Route", "metadata": {"name": "www"},
            "spec": {"http": {"host": host, "path": if number % 2 == 0 { "/" } else { "/odd" }}, "redirect": {"port": number, "code": 302}},
        });
        routes.patch("www", &PatchParams::apply("people"), &Patch::Apply(route)).await?;
    }
    tenant.ready("route/www").await?;
    platform.serves(&host, "/a", 302, &format!("https://{host}:200/a")).await?;
    routes.delete("www", &Default::default()).await?;
    platform.serves_no_more(&host).await
}

#[tokio::test]
async fn a_node_that_is_asked_to_end_finishes_what_it_has_begun() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("drain").await?;
    let (_, host) = tenant.app("www", "{image: a}").await?;
    let node = platform.start_node("node-c").await?;
    let pod = tenant.kubectl.field("pods", ".items[0].metadata.name").await?;
    let backend =
        platform.bed().pods().backends(&tenant.namespace, &pod).into_iter().next().context("it runs")?;
    backend.hold();
    let before = backend.requests();
    let (address, authority) = (node.https()?, platform.authority().pem());
    let begun = http::get_tls(address, Some(&host), e2e::Trust::Authority(authority), &host, "/");
    let ended = async {
        eventually("the request has begun", WAIT, || async {
            ensure!(backend.requests() > before);
            Ok(())
        })
        .await?;
        let ending = node.terminate();
        let refused = eventually("it accepts no more", WAIT, || async {
            ensure!(tokio::net::TcpStream::connect(address).await.is_err());
            Ok(())
        });
        let release = async {
            refused.await?;
            backend.release();
            anyhow::Ok(())
        };
        tokio::try_join!(ending, release)
    };
    let (answer, ended) = tokio::join!(begun, ended);
    platform.bed().kubectl("default").ok(&["delete", "routernode/node-c"]).await?;
    backend.release();
    assert_eq!(answer?.status, 200);
    ensure!(ended?.0.success());
    tenant.ready("cluster/site").await
}

#[tokio::test]
async fn a_challenge_is_answered_over_plain_http() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("challenge").await?;
    let (_, host) = tenant.app("www", "{image: a}").await?;
    let node = platform.nodes()[0].http()?;
    let challenge = http::get(node, &host, "/.well-known/acme-challenge/token").await?;
    ensure!(challenge.status == 200, "{challenge:?}");
    let other = http::get(node, &host, "/.well-known/other").await?;
    ensure!(other.status == 308, "{other:?}");
    Ok(())
}

#[tokio::test]
async fn the_app_learns_who_asks_and_how() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("headers").await?;
    let (_, host) = tenant.app("www", "{image: a}").await?;
    let answer = platform.https(&platform.nodes()[0], &host, "/").await?.text();
    for header in ["> x-forwarded-for: 127.0.0.1", "> x-forwarded-proto: https", "> x-request-id: "] {
        ensure!(answer.to_lowercase().contains(header), "{header} is missing: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn metrics_tell_what_each_process_does() -> Result<()> {
    let platform = Platform::shared().await?;
    let node = http::get(platform.nodes()[0].listening().health, "localhost", "/metrics").await?;
    ensure!(
        node.status == 200 && node.text().contains("# TYPE") && node.text().ends_with("# EOF\n"),
        "{}",
        node.text()
    );
    Ok(())
}

//! There is one Cluster: another one says so and changes nothing, until it is the oldest.

use anyhow::{Result, ensure};
use e2e::platform::CLUSTER;
use e2e::{Platform, http, unique};

#[tokio::test]
async fn a_second_cluster_names_the_active_one_and_changes_nothing() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("second").await?;
    let name = unique("second");
    let second = format!(
        "{{apiVersion: flynn.io/v1alpha1, kind: Cluster, metadata: {{name: {name}}}, spec: {{domains: [{{name: second.com}}]}}}}"
    );
    tenant.kubectl.apply(&second).await?;
    let object = format!("cluster/{name}");
    let message = tenant.condition(&object, "Accepted", "False AnotherClusterActive").await?;
    ensure!(message.contains("site"), "{message}");
    tenant.condition(&object, "Ready", "False AnotherClusterActive").await?;
    let table = tenant.kubectl.ok(&["get", &object, "--no-headers"]).await?;
    ensure!(!table.contains("second.com") && table.contains("False"), "{table}");
    let (_, host) = tenant.app("www", "{image: a}").await?;
    platform.serves(&host, "/", 200, "pod=").await?;
    tenant.ready("cluster/site").await?;
    tenant.kubectl.ok(&["delete", &object]).await?;
    Ok(())
}

#[tokio::test]
async fn without_a_cluster_an_app_asks_for_one() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("none").await?;
    let (served, host) = tenant.app("www", "{image: a}").await?;
    let name = unique("late");
    tenant.kubectl.ok(&["delete", "cluster/site"]).await?;
    let told = async {
        tenant.declare("app", &name, "{image: a}").await?;
        let message = tenant.condition(&format!("app/{name}"), "Accepted", "False ClusterNotFound").await?;
        ensure!(message.contains("spec.routes"), "{message}");
        tenant.condition(&format!("app/{served}"), "Accepted", "False ClusterNotFound").await?;
        for node in platform.nodes() {
            let answer = http::get(node.http()?, &host, "/").await?;
            ensure!(answer.status == 200, "what is served goes on: {}", answer.status);
        }
        Ok(())
    };
    let told = told.await;
    tenant.kubectl.apply(CLUSTER).await?;
    told?;
    tenant.ready(&format!("app/{name}")).await?;
    platform.serves(&host, "/", 200, "pod=").await
}

#[tokio::test]
async fn the_next_oldest_cluster_takes_over_without_an_interruption() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("heir").await?;
    let (name, host) = tenant.app("www", "{image: a}").await?;
    let load = platform.load(&host)?;
    let heir = unique("heir");
    tenant.kubectl.apply(&CLUSTER.replace("name: site}", &format!("name: {heir}}}"))).await?;
    let taken_over = async {
        tenant.condition(&format!("cluster/{heir}"), "Accepted", "False AnotherClusterActive").await?;
        tenant.kubectl.ok(&["delete", "cluster/site"]).await?;
        tenant.ready(&format!("cluster/{heir}")).await?;
        tenant.ready(&format!("app/{name}")).await
    };
    let taken_over = taken_over.await;
    tenant.kubectl.apply(CLUSTER).await?;
    tenant.kubectl.ok(&["delete", &format!("cluster/{heir}")]).await?;
    tenant.ready("cluster/site").await?;
    taken_over?;
    load.stop().await
}

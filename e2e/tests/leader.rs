//! Routes that lead to the leader of a Service.

use anyhow::{Context, Result, ensure};
use e2e::platform::{DOMAIN, WAIT};
use e2e::{Platform, Tenant, eventually, unique};

/// An App with two replicas, and a Route to its leader; returns the App's name, the Route's host and the Pods, the oldest first.
async fn led(tenant: &Tenant) -> Result<(String, String, Vec<String>)> {
    let (app, _) = tenant.app("db", "{image: a, processes: {web: {replicas: 1}}}").await?;
    tenant.declare("app", &app, "{image: a, processes: {web: {replicas: 2}}}").await?;
    tenant.ready(&format!("app/{app}")).await?;
    let host = format!("{}.{DOMAIN}", unique("leader"));
    tenant
        .declare("route", "leader", &format!("{{app: {app}, http: {{host: {host}, leader: true}}}}"))
        .await?;
    tenant.ready("route/leader").await?;
    let sorted =
        ["get", "pods", "--sort-by=.metadata.creationTimestamp", "-o", "jsonpath={.items[*].metadata.name}"];
    let pods = tenant.kubectl.ok(&sorted).await?.split(' ').map(str::to_owned).collect();
    Ok((app, host, pods))
}

/// Says who leads the Service of an App.
pub(crate) async fn hold_lease(tenant: &Tenant, app: &str, holder: &str) -> Result<()> {
    let lease = format!(
        "{{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {{name: {app}-web}}, spec: {{holderIdentity: '{holder}'}}}}"
    );
    tenant.kubectl.apply(&lease).await.map(drop)
}

#[tokio::test]
async fn without_a_lease_the_oldest_pod_leads_until_it_goes() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("oldest").await?;
    let (_, host, pods) = led(&tenant).await?;
    let [first, second] = pods.as_slice() else { anyhow::bail!("{pods:?}") };
    let leads = async |pod: &str| platform.serves(&host, "/", 200, &format!("pod={pod}")).await;
    // The times of creation have whole seconds; of equals the first by name leads.
    let leader = {
        let answer = platform.https(&platform.nodes()[0], &host, "/").await?.text();
        pods.iter().find(|pod| answer.contains(pod.as_str())).context("one of both answers")?.clone()
    };
    for _ in 0..10 {
        leads(&leader).await?;
    }
    let other = if leader == *first { second } else { first };
    platform.bed().pods().set_ready(&tenant.namespace, &leader, false).await?;
    leads(other).await?;
    platform.bed().pods().set_ready(&tenant.namespace, &leader, true).await?;
    leads(&leader).await
}

#[tokio::test]
async fn the_holder_of_the_lease_leads_and_nobody_stands_in_for_it() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("lease").await?;
    let (app, host, pods) = led(&tenant).await?;
    for pod in pods.iter().chain(&pods) {
        hold_lease(&tenant, &app, pod).await?;
        platform.serves(&host, "/", 200, &format!("pod={pod}")).await?;
    }
    hold_lease(&tenant, &app, &format!("{}_8c7b1a52", pods[0])).await?;
    platform.serves(&host, "/", 200, &format!("pod={}", pods[0])).await?;
    hold_lease(&tenant, &app, "somebody-else").await?;
    let message = tenant.condition("route/leader", "ResolvedRefs", "False NoLeader").await?;
    ensure!(message.contains("somebody-else"), "{message}");
    platform.serves(&host, "/", 503, "").await?;
    tenant.kubectl.ok(&["delete", "lease", &format!("{app}-web")]).await?;
    tenant.ready("route/leader").await?;
    platform.serves(&host, "/", 200, "pod=").await
}

#[tokio::test]
async fn who_leads_is_watched_only_where_a_route_asks() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("asked").await?;
    let (app, host, pods) = led(&tenant).await?;
    hold_lease(&tenant, &app, &pods[1]).await?;
    platform.serves(&host, "/", 200, &format!("pod={}", pods[1])).await?;
    tenant.declare("route", "leader", &format!("{{app: {app}, http: {{host: {host}}}}}")).await?;
    eventually("both answer", WAIT, || async {
        let answer = platform.https(&platform.nodes()[0], &host, "/").await?.text();
        ensure!(answer.contains(&pods[0]), "{answer}");
        Ok(())
    })
    .await?;
    // What was known when nobody asked is not relied on.
    hold_lease(&tenant, &app, &pods[0]).await?;
    tenant
        .declare("route", "leader", &format!("{{app: {app}, http: {{host: {host}, leader: true}}}}"))
        .await?;
    platform.serves(&host, "/", 200, &format!("pod={}", pods[0])).await?;
    for _ in 0..10 {
        platform.serves(&host, "/", 200, &format!("pod={}", pods[0])).await?;
    }
    Ok(())
}

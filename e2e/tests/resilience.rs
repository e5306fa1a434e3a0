//! What the platform withstands while people use it. Every story prints how many answers were not 200: none.

use std::io::{Write, stdout};

use anyhow::{Result, ensure};
use e2e::load::Target;
use e2e::platform::{CLUSTER, Installed, SYSTEM, WAIT};
use e2e::{Load, Platform, Tenant, eventually};

/// An App, asked for over HTTP and HTTPS, on new connections and on ones that stay open, on every node.
struct Story {
    platform: Installed,
    tenant: Tenant,
    app: String,
    loads: Vec<Load>,
}

impl Story {
    async fn begin(title: &str) -> Result<Self> {
        let platform = Platform::alone().await?;
        let tenant = platform.tenant(title).await?;
        tenant.kubectl.apply(&CLUSTER.replace("httpsRedirect: true", "httpsRedirect: false")).await?;
        let (app, host) = tenant.app("www", "{image: a, processes: {web: {replicas: 2}}}").await?;
        let mut loads = Vec::new();
        for node in platform.nodes() {
            eventually("plain HTTP is answered", WAIT, || async {
                let answer = e2e::http::get(node.http()?, &host, "/").await?;
                ensure!(answer.status == 200, "{}", answer.status);
                Ok(())
            })
            .await?;
            for target in [Target::http(node.http()?, &host, "/"), Target::https(node.https()?, &host, "/")] {
                loads.extend([Load::start(target.clone()), Load::start(target.keep_alive())]);
            }
        }
        let story = Self { platform, tenant, app, loads };
        story.goes_on().await?;
        Ok(story)
    }

    /// Waits until the load has seen what just happened.
    async fn goes_on(&self) -> Result<()> {
        futures::future::try_join_all(self.loads.iter().map(|load| load.more(20))).await.map(drop)
    }

    /// A change that is made now is served: the whole chain works.
    async fn takes_a_change(&self, path: &str) -> Result<()> {
        let host = format!("{}.site.com", self.app);
        let route =
            format!("{{http: {{host: {host}, path: /{path}}}, redirect: {{host: www.site.com, port: 444}}}}");
        self.tenant.declare("route", path, &route).await?;
        self.tenant.ready(&format!("route/{path}")).await?;
        self.platform
            .serves(&host, &format!("/{path}"), 308, &format!("https://www.site.com:444/{path}"))
            .await?;
        self.goes_on().await
    }

    async fn end(self, title: &str) -> Result<()> {
        let tallies = futures::future::try_join_all(self.loads.into_iter().map(Load::stop)).await?;
        self.tenant.kubectl.apply(CLUSTER).await?;
        let (failed, total) = tallies
            .iter()
            .fold((0, 0), |(failed, total), tally| (failed + tally.failed(), total + tally.total()));
        // Not by println!, which the test harness shows for failed tests only.
        writeln!(stdout(), "{title}: {failed} answers other than 200 in {total} requests")?;
        tallies.iter().try_for_each(|tally| tally.all_ok())
    }
}

#[tokio::test]
async fn it_withstands_the_death_of_the_leader() -> Result<()> {
    let story = Story::begin("leader").await?;
    for round in ["a", "b"] {
        story.platform.kill_leader().await?;
        story.takes_a_change(round).await?;
    }
    story.tenant.kubectl.namespace(SYSTEM).ok(&["delete", "lease/flynn-operator"]).await?;
    story.takes_a_change("c").await?;
    story.end("kill -9 of the leader, twice, and deletion of the Lease").await
}

#[tokio::test]
async fn a_new_leader_writes_nothing_where_all_is_as_declared() -> Result<()> {
    let story = Story::begin("quiet").await?;
    let resources = "{requests: {cpu: 0.50, memory: 1024Mi}, limits: {cpu: 2, memory: '2147483648'}}"
        .replace("0.50", "'0.50'");
    let spec = format!(
        "{{image: a, env: {{A: '$(B) $$', B: ''}}, processes: {{web: {{resources: {resources}}}, worker: {{}}}}}}"
    );
    let (_, host) = story.tenant.app("odd", &spec).await?;
    story.platform.serves(&host, "/", 200, "pod=").await?;
    let tenant = &story.tenant;
    let versions = async || {
        let columns = "custom-columns=KIND:.kind,NAME:.metadata.name,VERSION:.metadata.resourceVersion";
        let ours = tenant.kubectl.ok(&["get", "apps,routes,deployments,services", "-o", columns]).await?;
        let system = tenant.kubectl.namespace(SYSTEM).ok(&["get", "secrets", "-o", columns]).await?;
        let cluster = tenant.kubectl.ok(&["get", "clusters", "-o", columns]).await?;
        anyhow::Ok(format!("{ours}{system}{cluster}"))
    };
    let before = versions().await?;
    story.platform.kill_leader().await?;
    let other = story.platform.tenant("other").await?;
    other.declare("app", "late", "{image: a, routes: None}").await?;
    other.ready("app/late").await?;
    assert_eq!(before, versions().await?);
    story.end("a new leader on a settled platform").await
}

#[tokio::test]
async fn it_withstands_the_loss_of_its_secrets() -> Result<()> {
    let story = Story::begin("secrets").await?;
    let people = Tenant::of(story.platform.bed(), "flynn").await?;
    let system = Tenant::of(story.platform.bed(), SYSTEM).await?;
    let copy = people.kubectl.field("certificate/wildcard", ".status.servedSecret").await?;
    for _ in 0..10 {
        system.kubectl.ok(&["delete", "secret", &copy]).await?;
        let read = || async { system.kubectl.ok(&["get", "secret", &copy]).await };
        eventually("the copy is back", WAIT, read).await?;
        story.goes_on().await?;
    }
    people.kubectl.ok(&["delete", "secret", "wildcard-tls"]).await?;
    people.condition("certificate/wildcard", "Issued", "False SecretNotFound").await?;
    story.takes_a_change("without").await?;
    system.kubectl.ok(&["delete", "secret", &copy]).await?; // now it is nowhere but in the memory of the processes
    eventually("the copy is back", WAIT, || async { system.kubectl.ok(&["get", "secret", &copy]).await })
        .await?;
    story.goes_on().await?;
    let leaf = story.platform.authority().sign(&["*.site.com", "site.com"])?;
    people.secret("wildcard-tls", &leaf).await?;
    people.ready("certificate/wildcard").await?;
    story.goes_on().await?;
    story.end("deletion of the copy, ten times, then of the Secret and of the copy").await
}

#[tokio::test]
async fn it_restores_a_status_that_was_blanked() -> Result<()> {
    let story = Story::begin("status").await?;
    let host = format!("{}.site.com", story.app);
    let app = format!("app/{}", story.app);
    for object in [&app, &format!("route/{host}"), "cluster/site", "routernode/node-a"] {
        let patch = ["--subresource=status", "--type=json", "-p", r#"[{"op": "remove", "path": "/status"}]"#];
        let args = [&["patch", object], &patch[..]].concat();
        story.tenant.kubectl.ok(&args).await?;
        story.tenant.condition_exists(object, "Ready").await?;
        story.goes_on().await?;
    }
    story.tenant.kubectl.ok(&["delete", "routernode/node-b"]).await?;
    story.tenant.condition_exists("routernode/node-b", "Ready").await?;
    story.tenant.ready(&format!("route/{host}")).await?;
    story.takes_a_change("after").await?;
    story
        .end("blanked statuses of App, Route, Cluster and RouterNode, and a RouterNode that was deleted")
        .await
}

#[tokio::test]
async fn it_withstands_watches_that_lost_their_history() -> Result<()> {
    let story = Story::begin("history").await?;
    story.tenant.kubectl.ok(&["create", "configmap", "news"]).await?;
    story.platform.bed().control_plane().forget_history().await?;
    story.takes_a_change("after").await?;
    story.end("410 Gone on every watch").await
}

#[tokio::test]
async fn it_withstands_a_restart_of_the_api_server() -> Result<()> {
    let story = Story::begin("restart").await?;
    story.platform.bed().control_plane().restart_api_server().await?;
    story.takes_a_change("after").await?;
    story.end("kill -9 and restart of the API server").await
}

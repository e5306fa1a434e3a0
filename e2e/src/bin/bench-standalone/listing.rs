//! Ten thousand Routes: how long it takes to load them, and to list them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use crds::Route;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;

use crate::server::Server;

const AT_ONCE: usize = 32;

pub(crate) struct Listing {
    pub(crate) load: Duration,
    /// Of one list of all, by a client.
    pub(crate) list: Duration,
    /// Of `kubectl get routes`, its own start and its pages included.
    pub(crate) kubectl: Duration,
}

pub(crate) async fn measure(server: &Server, count: usize) -> Result<Listing> {
    let routes: Api<Route> = Api::namespaced(server.client.clone(), "default");
    let create = async |number: usize| {
        let route = json!({"apiVersion": "flynn.io/v1alpha1", "kind": "Route",
            "metadata": {"name": format!("route-{number}")},
            "spec": {"http": {"host": format!("host-{number}.site.com")}, "app": "www"}});
        let route: Route = serde_json::from_value(route)?;
        routes.create(&PostParams::default(), &route).await?;
        anyhow::Ok(())
    };
    let start = Instant::now();
    stream::iter(0..count).map(&create).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let load = start.elapsed();
    let start = Instant::now();
    let listed = routes.list(&ListParams::default()).await?.items.len();
    let list = start.elapsed();
    ensure!(listed == count, "{listed} of {count} Routes were listed");
    let start = Instant::now();
    let table = server.kubectl.ok(&["get", "routes", "--no-headers"]).await?;
    let kubectl = start.elapsed();
    ensure!(table.lines().count() == count, "kubectl listed {} Routes", table.lines().count());
    Ok(Listing { load, list, kubectl })
}

//! The Routes that are there while something is measured: a number comes in, so many exist.

use anyhow::Result;
use crds::{HttpRoute, Route, RouteSpec, ServiceReference};
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{Api, ListParams, PostParams};

use crate::platform::{NAMESPACE, Platform};

/// How many calls are under way at a time.
const IN_FLIGHT: usize = 50;

/// Creates Routes until there are `size` of the population.
pub(crate) async fn grow(platform: &Platform, size: usize) -> Result<()> {
    let routes: Api<Route> = Api::namespaced(platform.client.clone(), NAMESPACE);
    let have = routes.list_metadata(&ListParams::default().labels("population=yes")).await?.items.len();
    let (routes, params) = (&routes, &PostParams::default());
    stream::iter(have..size)
        .map(|number| async move {
            let mut route = route(&member(number));
            route.metadata.labels = Some([("population".into(), "yes".into())].into());
            routes.create(params, &route).await.map(drop)
        })
        .buffer_unordered(IN_FLIGHT)
        .try_collect::<()>()
        .await?;
    Ok(())
}

/// The name of a Route of the population.
pub(crate) fn member(number: usize) -> String {
    format!("r{number:04}")
}

/// The host of a Route of this name.
pub(crate) fn host(name: &str) -> String {
    format!("{name}.bench.example")
}

/// A Route to the Service `one`.
pub(crate) fn route(name: &str) -> Route {
    let http = HttpRoute { host: host(name), path: "/".into(), ..HttpRoute::default() };
    let service = Some(ServiceReference { name: "one".into(), port: None });
    Route::new(name, RouteSpec { http: Some(http), service, ..RouteSpec::default() })
}

//! Writes a second: one after the other, and 32 at a time.

use std::time::Instant;

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use crate::server::Server;

const ONE_BY_ONE: usize = 300;
const AT_ONCE: usize = 32;
const TOGETHER: usize = 3_000;

/// Writes a second.
pub(crate) struct Writes {
    pub(crate) one_by_one: f64,
    pub(crate) together: f64,
}

pub(crate) async fn measure(server: &Server) -> Result<Writes> {
    let maps: Api<ConfigMap> = Api::namespaced(server.client.clone(), "default");
    let create = async |name: String| {
        let metadata = ObjectMeta { name: Some(name), ..ObjectMeta::default() };
        let data = Some([("key".to_owned(), "x".repeat(1000))].into());
        let map = ConfigMap { metadata, data, ..ConfigMap::default() };
        maps.create(&PostParams::default(), &map).await.map(drop)
    };
    let start = Instant::now();
    for number in 0..ONE_BY_ONE {
        create(format!("one-{number}")).await?;
    }
    let one_by_one = ONE_BY_ONE as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    let names = (0..TOGETHER).map(|number| format!("many-{number}"));
    stream::iter(names).map(&create).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(Writes { one_by_one, together: TOGETHER as f64 / start.elapsed().as_secs_f64() })
}

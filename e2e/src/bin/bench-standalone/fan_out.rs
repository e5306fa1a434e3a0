//! From a write to the last of a hundred watchers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ObjectMeta, PostParams, WatchEvent, WatchParams};
use tokio::sync::mpsc;

use crate::server::Server;

const WATCHERS: usize = 100;

/// How long each write took until every watcher had it.
pub(crate) async fn measure(server: &Server, samples: usize) -> Result<Vec<Duration>> {
    let secrets: Api<Secret> = Api::namespaced(server.client.clone(), "default");
    let version = secrets.list(&kube::api::ListParams::default()).await?.metadata.resource_version;
    let version = version.context("a list has a version")?;
    let (sender, mut arrived) = mpsc::channel(WATCHERS * samples);
    for _ in 0..WATCHERS {
        let (secrets, version, sender) = (secrets.clone(), version.clone(), sender.clone());
        tokio::spawn(async move {
            let events = secrets.watch(&WatchParams::default(), &version).await?;
            let mut events = events.boxed();
            while let Some(event) = events.try_next().await? {
                if let WatchEvent::Added(_) = event {
                    sender.send(Instant::now()).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    let mut latencies = Vec::new();
    // The first write finds watchers that are still connecting.
    for number in 0..=samples {
        let metadata = ObjectMeta { name: Some(format!("sample-{number}")), ..ObjectMeta::default() };
        let start = Instant::now();
        secrets.create(&PostParams::default(), &Secret { metadata, ..Secret::default() }).await?;
        let mut last = start;
        for _ in 0..WATCHERS {
            last = last.max(arrived.recv().await.context("every watcher ended")?);
        }
        if number > 0 {
            latencies.push(last - start);
        }
    }
    Ok(latencies)
}

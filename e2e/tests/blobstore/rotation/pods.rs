//! What runs in the Pods of an App: each is given the key that is in the Secret when it starts, and keeps it until it ends. It stores an object and reads it
//! again, as fast as S3 answers, until the API has the Pod end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use aws_types::SdkConfig;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::Site;
use e2e::amazon::AccessKey;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, ResourceExt as _};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::super::shop::BUCKET;

/// How many Pods there are.
const PODS: usize = 3;

/// The App.
pub(super) const APP: &str = "
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: www, namespace: default}
spec:
  image: registry.example/www:1
  routes: None
  blobstore: blobs
  processes: {web: {replicas: 3}}
";

/// All Pods at work; they stop when this is dropped.
pub(super) struct Workforce {
    desk: Arc<Desk>,
    task: AbortHandle,
}

struct Desk {
    /// Where a client of AWS is told to go, whatever its key.
    sdk: Box<dyn Fn(&AccessKey) -> SdkConfig + Send + Sync>,
    secrets: Api<Secret>,
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    /// The Pods at work, each with its key.
    keys: BTreeMap<String, String>,
    done: usize,
    failures: Vec<String>,
}

impl Workforce {
    /// Follows the Pods of the App from now on.
    pub(super) fn start(site: &Site) -> Self {
        let client = site.people.client.clone();
        let (url, region) = (site.amazon.proxy.url(), site.amazon.region().to_owned());
        let desk = Arc::new(Desk {
            sdk: Box::new(move |key| e2e::amazon::credentials::sdk(&url, &region, key)),
            secrets: Api::namespaced(client.clone(), "default"),
            work: Mutex::default(),
        });
        let task = tokio::spawn(follow(Api::namespaced(client, "default"), desk.clone())).abort_handle();
        Self { desk, task }
    }

    /// An error unless every Pod works, with one of these keys.
    pub(super) fn has_only(&self, keys: &BTreeSet<String>) -> Result<()> {
        let at_work = self.desk.work().keys.clone();
        ensure!(at_work.len() == PODS, "{at_work:?}");
        ensure!(at_work.values().all(|key| keys.contains(key)), "{at_work:?}");
        Ok(())
    }

    /// How many requests were answered so far, and how many of them failed.
    pub(super) fn requests(&self) -> (usize, usize) {
        let work = self.desk.work();
        (work.done, work.failures.len())
    }

    /// What failed.
    pub(super) fn failures(&self) -> Vec<String> {
        self.desk.work().failures.clone()
    }
}

impl Drop for Workforce {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Has each Pod begin when it is ready and end when it is told to. What it runs ends with this.
async fn follow(pods: Api<Pod>, desk: Arc<Desk>) {
    let mut events = watcher(pods, Config::default().labels("flynn.io/blobstore=blobs")).boxed();
    let mut ending: BTreeMap<String, watch::Sender<()>> = BTreeMap::new();
    let mut processes = tokio::task::JoinSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(pod) | Event::InitApply(pod)) => {
                let name = pod.name_any();
                let status = pod.status.as_ref();
                let is_running = status.and_then(|status| status.phase.as_deref()) == Some("Running");
                if pod.metadata.deletion_timestamp.is_some() {
                    ending.remove(&name);
                } else if is_running && !ending.contains_key(&name) {
                    let (end, ended) = watch::channel(());
                    ending.insert(name.clone(), end);
                    processes.spawn(run(name, desk.clone(), ended));
                }
            }
            Ok(Event::Delete(pod)) => drop(ending.remove(&pod.name_any())),
            _ => {}
        }
    }
}

/// A Pod's process: what it has begun it finishes.
async fn run(pod: String, desk: Arc<Desk>, ended: watch::Receiver<()>) {
    let key = match desk.key().await {
        Ok(key) => key,
        Err(error) => return desk.work().failures.push(format!("{pod} cannot start: {error:#}")),
    };
    desk.work().keys.insert(pod.clone(), key.id.clone());
    let s3 = Client::new(&(desk.sdk)(&key));
    for number in 0.. {
        if ended.has_changed().is_err() {
            break;
        }
        let result = store_and_read(&s3, &format!("{pod}/{}", number % 10), number).await;
        desk.note(result.with_context(|| format!("{pod} with {}", key.id)));
    }
    desk.work().keys.remove(&pod);
}

async fn store_and_read(s3: &Client, name: &str, number: usize) -> Result<()> {
    let told = |error: &(dyn std::error::Error + 'static)| format!("{}", DisplayErrorContext(error));
    let body = number.to_string();
    let put = s3.put_object().bucket(BUCKET).key(name).body(ByteStream::from(body.clone().into_bytes()));
    put.send().await.map_err(|error| anyhow::anyhow!("put: {}", told(&error)))?;
    let got = s3.get_object().bucket(BUCKET).key(name).send().await;
    let got = got.map_err(|error| anyhow::anyhow!("get: {}", told(&error)))?.body.collect().await?;
    ensure!(got.to_vec() == body.as_bytes(), "another object came back");
    Ok(())
}

impl Desk {
    /// The key in the Secret, as the kubelet gives it to a container that starts.
    async fn key(&self) -> Result<AccessKey> {
        let secret = serde_json::to_value(self.secrets.get("blobs").await?)?;
        let entry = |name: &str| -> Result<String> {
            let entry = secret["data"][name].as_str().with_context(|| format!("no {name}"))?;
            Ok(String::from_utf8(BASE64_STANDARD.decode(entry)?)?)
        };
        Ok(AccessKey { id: entry("AWS_ACCESS_KEY_ID")?, secret: entry("AWS_SECRET_ACCESS_KEY")? })
    }

    /// Notes what came of two requests.
    fn note(&self, result: Result<()>) {
        let mut work = self.work();
        work.done += 2;
        work.failures.extend(result.err().map(|error| format!("{error:#}")));
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

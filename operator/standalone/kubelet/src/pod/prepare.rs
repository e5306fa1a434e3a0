//! What a container of a Pod needs to start: its Secrets and ConfigMaps are read, its ports are made sure of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Container, Pod, Secret};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::declared::Declaration;
use super::environment::{Contents, Missing, Reference, environment, references};
use super::expand::expand;
use super::field::Fields;
use super::port::PodPorts;
use crate::backoff::WatchBackoff;
use crate::container::{Prepared, Source, Unprepared};
use crate::host::{Host, in_words};

/// How long a Pod waits for something before it looks again, if no watch has told it to.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The same if the API did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A container of a Pod, as a source of what it needs.
pub(crate) struct Declared {
    pub(crate) host: Arc<Host>,
    pub(crate) pod: Arc<Mutex<Arc<Pod>>>,
    pub(crate) container: Container,
    pub(crate) ports: Arc<Mutex<PodPorts>>,
    awaited: Mutex<Awaited>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Awaited {
    /// Nothing that happens would help.
    Nothing,
    /// The API, which did not answer.
    Answer,
    /// An object that is not there, or is not as it must be. The version is the one that was seen.
    Object(Reference, Option<String>),
}

/// What is in an object, and its version.
type Found = Option<(BTreeMap<String, String>, Option<String>)>;

impl Declared {
    pub(crate) fn new(
        host: Arc<Host>,
        pod: Arc<Mutex<Arc<Pod>>>,
        container: Container,
        ports: Arc<Mutex<PodPorts>>,
    ) -> Self {
        Self { host, pod, container, ports, awaited: Mutex::new(Awaited::Nothing) }
    }

    async fn gather(&self) -> Result<Prepared, Unprepared> {
        let pod = Arc::clone(&lock(&self.pod));
        if self.container.command.as_ref().is_none_or(Vec::is_empty) {
            return Err(self.without_command());
        }
        let ports = self.ports(&pod).await?;
        let variables = self.environment(&pod, &ports).await?;
        let words = self.container.command.iter().chain(&self.container.args).flatten();
        let command = words.map(|word| expand(word, |name| variables.get(name).cloned())).collect();
        let declaration =
            Declaration { container: &self.container, ports: &ports, address: self.host.address };
        let grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
        Ok(Prepared {
            command,
            environment: variables.into_iter().collect(),
            folder: self.folder(),
            limits: declaration.limits(),
            startup: declaration.probe(self.container.startup_probe.as_ref()),
            readiness: declaration.readiness(),
            liveness: declaration.probe(self.container.liveness_probe.as_ref()),
            pre_stop: declaration.pre_stop(),
            grace: Duration::from_secs(grace.try_into().unwrap_or_default()),
        })
    }

    fn without_command(&self) -> Unprepared {
        self.wait_for(Awaited::Nothing);
        let Container { name, image, .. } = &self.container;
        let image = image.as_deref().unwrap_or_default();
        Unprepared {
            reason: "ImageNeedsContainerRuntime",
            message: format!(
                "container {name} has an image ({image}) and no command: images need a cluster with a container runtime; \
                 to run it here, give it a command that starts it as a process of this machine"
            ),
        }
    }

    /// The ports, others for those that somebody else has taken; the Pod says then which.
    async fn ports(&self, pod: &Pod) -> Result<PodPorts, Unprepared> {
        let ports = {
            let mut ports = lock(&self.ports);
            ports
                .renew(&self.container, &self.host.ports)
                .map_err(|error| self.not_now(error.to_string()))?;
            ports.clone()
        };
        if ports == PodPorts::named(pod) {
            return Ok(ports);
        }
        let patch = json!({"metadata": {"uid": pod.uid(), "annotations": ports.annotations()}});
        let pods: Api<Pod> = self.host.api(pod);
        let written =
            pods.patch(&pod.name_any(), &Default::default(), &kube::api::Patch::Merge(&patch)).await;
        written.map_err(|error| self.not_now(in_words(&error)))?;
        Ok(ports)
    }

    async fn environment(&self, pod: &Pod, ports: &PodPorts) -> Result<BTreeMap<String, String>, Unprepared> {
        let mut contents = Contents::new();
        let mut versions = BTreeMap::new();
        for reference in references(&self.container) {
            let found = self.read(pod, &reference).await.map_err(|error| self.not_now(in_words(&error)))?;
            if let Some((values, version)) = found {
                versions.insert(reference.clone(), version);
                contents.insert(reference, values);
            }
        }
        let fields = Fields::new(pod, &self.container, self.host.address);
        environment(&self.container, &contents, ports, &fields, &self.host.inherited).map_err(|missing| {
            self.wait_for(match &missing {
                Missing::Object(object) => Awaited::Object(object.clone(), None),
                Missing::Key { object, .. } => {
                    Awaited::Object(object.clone(), versions.remove(object).flatten())
                }
                Missing::Field(_) => Awaited::Nothing,
            });
            Unprepared { reason: "CreateContainerConfigError", message: missing.to_string() }
        })
    }

    async fn read(&self, pod: &Pod, reference: &Reference) -> kube::Result<Found> {
        match reference {
            Reference::Secret(name) => {
                let secret = self.host.api::<Secret>(pod).get_opt(name).await?;
                Ok(secret.map(|secret| {
                    let version = secret.resource_version();
                    let data = secret.data.unwrap_or_default().into_iter();
                    (
                        data.map(|(key, value)| (key, String::from_utf8_lossy(&value.0).into_owned()))
                            .collect(),
                        version,
                    )
                }))
            }
            Reference::ConfigMap(name) => {
                let map = self.host.api::<ConfigMap>(pod).get_opt(name).await?;
                Ok(map.map(|map| {
                    let version = map.resource_version();
                    (map.data.unwrap_or_default(), version)
                }))
            }
        }
    }

    fn folder(&self) -> PathBuf {
        let own = self.container.working_dir.as_deref().unwrap_or_default();
        self.host.working_dir.join(own)
    }

    fn not_now(&self, message: String) -> Unprepared {
        self.wait_for(Awaited::Answer);
        Unprepared { reason: "CreateContainerConfigError", message }
    }

    fn wait_for(&self, awaited: Awaited) {
        *lock(&self.awaited) = awaited;
    }

    async fn wait(&self) {
        let awaited = lock(&self.awaited).clone();
        let namespace = lock(&self.pod).namespace().unwrap_or_default();
        let client = self.host.client.clone();
        match awaited {
            Awaited::Nothing => std::future::pending().await,
            Awaited::Answer => tokio::time::sleep(ASK_AGAIN).await,
            Awaited::Object(reference, version) => {
                let changed = match &reference {
                    Reference::Secret(name) => changed::<Secret>(client, &namespace, name, version).boxed(),
                    Reference::ConfigMap(name) => {
                        changed::<ConfigMap>(client, &namespace, name, version).boxed()
                    }
                };
                // Either way it is looked at again.
                let _ = tokio::time::timeout(LOOK_AGAIN, changed).await;
            }
        }
    }
}

impl Source for Declared {
    fn prepare(&self) -> BoxFuture<'_, Result<Prepared, Unprepared>> {
        self.gather().boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.wait().boxed()
    }
}

/// Ends when the object exists in another version than this one.
async fn changed<K>(client: Client, namespace: &str, name: &str, version: Option<String>)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug
        + Send
        + 'static,
{
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let objects = watcher(Api::<K>::namespaced(client, namespace), config);
    let objects = objects.backoff(WatchBackoff::default()).applied_objects();
    let mut others = objects
        .into_stream()
        .filter(|object| {
            let is_other = object.as_ref().is_ok_and(|object| object.resource_version() != version);
            std::future::ready(is_other)
        })
        .boxed();
    others.next().await;
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

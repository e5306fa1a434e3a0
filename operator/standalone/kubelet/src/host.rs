//! What all Pods of the kubelet share.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, Resource, ResourceExt as _};

use crate::events::Recorder;
use crate::pod::environment::INHERITED;
use crate::pod_logs::Logs;
use crate::port::Ports;
use crate::supervisor::Supervisor;

/// The API, the machine and what is known of both.
pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) logs: Logs,
    pub(crate) recorder: Recorder,
    pub(crate) ports: Ports,
    pub(crate) node_name: String,
    pub(crate) address: IpAddr,
    pub(crate) working_dir: PathBuf,
    pub(crate) inherited: BTreeMap<String, String>,
    pub(crate) shutdown_grace: Duration,
}

impl Host {
    /// The objects of a kind in a Pod's namespace.
    pub(crate) fn api<K>(&self, pod: &Pod) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default())
    }
}

/// The variables of the operator's environment that every process gets, with a folder of programs after those of PATH.
pub(crate) fn inherited(programs: Option<&Path>) -> BTreeMap<String, String> {
    let set = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let mut variables: BTreeMap<_, _> = set.collect();
    if let Some(programs) = programs.and_then(Path::to_str) {
        let path = variables.entry("PATH".to_owned()).or_default();
        *path = if path.is_empty() { programs.to_owned() } else { format!("{path}:{programs}") };
    }
    variables
}

/// An error of the API for a user: the API's own words, if it has said any.
pub(crate) fn in_words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(answer) => answer.message.clone(),
        other => other.to_string(),
    }
}

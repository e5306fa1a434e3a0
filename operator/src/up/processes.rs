//! The processes of the Apps: the kubelet of this machine, and its logs for the API.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use kube::Client;
use kubelet::shim::Shim;
use kubelet::{Kubelet, Options};
use standalone::{LogError, LogOptions, LogStream, Logs, PodRef};

use super::Error;

/// The subcommand that is no person's: the process between the kubelet and a container.
pub(crate) const SHIM: &str = "run-process";

/// The logs of a kubelet that starts after the API, because it is a client of it.
#[derive(Debug, Default)]
pub(super) struct LogsLater(OnceLock<kubelet::Logs>);

impl LogsLater {
    /// Gives the logs from now on.
    pub(super) fn provide(&self, logs: kubelet::Logs) {
        // There is one kubelet, so that nothing was provided before.
        let _ = self.0.set(logs);
    }
}

impl Logs for LogsLater {
    fn log(&self, pod: PodRef, options: LogOptions) -> BoxFuture<'_, Result<LogStream, LogError>> {
        Box::pin(
            async move { self.0.get().ok_or(LogError::NoRunner).and_then(|logs| read(logs, pod, options)) },
        )
    }
}

fn read(logs: &kubelet::Logs, pod: PodRef, options: LogOptions) -> Result<LogStream, LogError> {
    let PodRef { namespace, name, uid: _, container } = pod;
    let LogOptions { follow, previous, timestamps, tail_lines, since, limit_bytes } = options;
    let options = kubelet::LogOptions {
        container: Some(container),
        follow,
        previous,
        tail_lines,
        since_seconds: None,
        since_time: since,
        timestamps,
        limit_bytes,
    };
    logs.log(&namespace, &name, &options).map_err(|error| match error {
        kubelet::LogError::BadRequest(message) | kubelet::LogError::NotFound(message) => {
            LogError::NotThere(message)
        }
        kubelet::LogError::Internal(message) => LogError::Unreadable(message),
    })
}

/// Starts the kubelet of this machine. Paths that do not begin with a slash begin at the folder of the manifests.
pub(super) fn start(
    client: Client,
    node: &str,
    data: &Path,
    manifests: Option<&Path>,
) -> Result<Kubelet, Error> {
    let shim = Shim::this_program(SHIM);
    // The operator's own folder: `flynn-operator hello` is an app to try the platform with.
    let programs = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let options = Options { programs, ..Options::new(node, data.join("pods"), base(manifests), shim) };
    Kubelet::start(client, options).map_err(|cause| Error::Kubelet(cause.to_string()))
}

fn base(manifests: Option<&Path>) -> PathBuf {
    let folder = manifests.map(|path| match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(path),
    });
    let folder = folder.unwrap_or(Path::new("."));
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// Logs that are there once a kubelet is.
pub(super) fn logs() -> Arc<LogsLater> {
    Arc::default()
}

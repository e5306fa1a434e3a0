//! The commands `up` and `api`: the platform of one machine, without Kubernetes.
//!
//! ```text
//! folder.rs --> manifests.rs --> apply.rs --> the embedded API (api.rs) <--> controller, node, workloads, kubelet
//!                                                     |
//!                            readiness.rs <-----------'--> say.rs: what is waited for, where it is served
//! ```
//!
//! Everything is in one process: the controller and the node are the very roles that run on Kubernetes, and talk to the
//! embedded API through a client of the same kind. What starts last ends first.

mod api;
mod apply;
mod folder;
mod inventory;
mod machine;
mod manifests;
pub(crate) mod processes;
mod readiness;
mod say;
mod session;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use router_config::Listen;
use standalone::NoLogs;

use crate::args::{ApiArguments, DataFolder, UpArguments};
use crate::shutdown::Shutdown;
use crate::{files, startup};

/// The field manager of what is applied from the folder.
const MANAGER: &str = "flynn-operator-up";

/// Why the platform of this machine does not start, or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The manifests cannot be read at all.
    #[error(transparent)]
    Files(#[from] files::Error),
    /// The folder cannot be watched.
    #[error("{} cannot be watched ({cause}): correct its name, or raise fs.inotify.max_user_watches", .path.display())]
    Watch {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: notify::Error,
    },
    /// There is no place for the data.
    #[error("there is no folder for the data, because HOME is not set: name one with --data-dir")]
    NoHome,
    /// The embedded API.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// One of the roles.
    #[error(transparent)]
    Role(#[from] startup::Error),
    /// The processes of the Apps.
    #[error("the processes of this machine cannot be supervised ({0})")]
    Kubelet(String),
    /// The embedded API refuses what it must not.
    #[error("the embedded API refuses its own process ({0}), which is a bug")]
    Refused(#[from] kube::Error),
    /// The system refused to let us handle signals.
    #[error("signals cannot be handled ({0}): this is a limit of the system that runs the process")]
    Signals(std::io::Error),
}

/// Runs the platform until the process is asked to end.
pub(crate) async fn run(arguments: UpArguments, listen: Listen) -> Result<(), Error> {
    let mut shutdown = Shutdown::listen().map_err(Error::Signals)?;
    // Before any process of an App is started, because these inherit it.
    startup::raise_open_files();
    session::run(arguments, listen, &mut shutdown).await
}

/// Serves the embedded API and its controllers until the process is asked to end.
pub(crate) async fn run_api(arguments: ApiArguments) -> Result<(), Error> {
    let mut shutdown = Shutdown::listen().map_err(Error::Signals)?;
    let say = say::Say::new(arguments.output);
    let api = api::Embedded::start(&arguments, Arc::new(NoLogs)).await?;
    let workloads = machine::Workloads::start(api.client());
    say.event(&say::Event::Listening {
        kubeconfig: api.kubeconfig().to_owned(),
        server: api.url(),
        http: None,
        https: None,
        admin: None,
    });
    shutdown.asked().await;
    say.event(&say::Event::Stopping);
    workloads.stop().await;
    api.stop().await;
    say.event(&say::Event::Stopped);
    Ok(())
}

/// The folder for everything that is kept (XDG Base Directory Specification), by its full name.
pub(crate) fn data_folder(arguments: &DataFolder) -> Result<PathBuf, Error> {
    if let Some(folder) = &arguments.data_dir {
        return Ok(std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
    base.map(|base| base.join("flynn-operator")).ok_or(Error::NoHome)
}

/// The part of the data folder that the store has to itself.
pub(crate) fn store_folder(data: &Path) -> PathBuf {
    data.join("store")
}

/// The administrator's kubeconfig.
pub(crate) fn kubeconfig(data: &Path) -> PathBuf {
    data.join("kubeconfig")
}

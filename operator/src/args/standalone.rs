//! The arguments of the commands that run without Kubernetes.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::inspect::Logging;
use super::listening::Listening;

/// Where the platform of this machine is kept.
#[derive(Debug, Args)]
pub(crate) struct DataFolder {
    /// The folder for everything that is kept: the objects, the keys, the kubeconfig, the output of the processes. One process
    /// at a time may use it. Default: $XDG_DATA_HOME/flynn-operator, else ~/.local/share/flynn-operator.
    #[arg(long, value_name = "FOLDER", env = "FLYNN_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// Arguments of `api`, which `up` has too.
#[derive(Debug, Args)]
pub(crate) struct ApiArguments {
    #[command(flatten)]
    pub(crate) data: DataFolder,

    /// The address that the Kubernetes API listens on. Whoever reaches it needs a token; only TLS is spoken.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) api_address: IpAddr,

    /// The port of the Kubernetes API. 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 6443)]
    pub(crate) api_port: u16,

    /// A file of further users, their tokens and what they may do, read again when it changes. docs/guide.md shows one.
    #[arg(long, value_name = "FILE")]
    pub(crate) users: Option<PathBuf>,

    /// A file to which every request is logged: who, what, when, and the answer's status. Never a body.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_log: Option<PathBuf>,

    /// The form of what is printed.
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    pub(crate) output: Form,
}

/// Arguments of `up`.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// A file or a folder of manifests (*.yaml, *.yml, *.json; folders with everything below them). They are applied, and again
    /// whenever they change; what is taken out of them is deleted. Left out: nothing is applied, use kubectl.
    #[arg(value_name = "DIR")]
    pub(crate) manifests: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) api: ApiArguments,

    /// The address that the router listens on. Default: 127.0.0.1. [env: LISTEN_IP]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<IpAddr>,

    /// The port for plain HTTP. 0 takes a free one. Default: 8080. [env: DEFAULT_HTTP_PORT, where 0 is for none]
    #[arg(long, value_name = "PORT")]
    pub(crate) http_port: Option<u16>,

    /// The port for HTTPS. 0 takes a free one. Default: 8443. [env: DEFAULT_HTTPS_PORT]
    #[arg(long, value_name = "PORT")]
    pub(crate) https_port: Option<u16>,

    /// The port of loopback for the objects of local Blobstores, taken once there is one. 0 takes a free one; then Apps are replaced at
    /// each start, because it is another.
    #[arg(long, value_name = "PORT", default_value_t = 9913)]
    pub(crate) blobstore_port: u16,

    #[command(flatten)]
    pub(crate) listening: Listening,

    #[command(flatten)]
    pub(crate) logging: Logging,

    /// How many threads serve traffic, 1 to 256. Default: one for each CPU.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,

    /// How many seconds open requests may take to finish at the end, 0 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) drain_seconds: u64,
}

/// The form of what a role prints while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Lines of text, for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    pub(crate) data: DataFolder,

    /// The file to write. One that is there is replaced once the new one is complete.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    pub(crate) data: DataFolder,

    /// A file that `backup` wrote.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Arguments of `hello`.
#[derive(Debug, Args)]
pub(crate) struct HelloArguments {
    /// The port to listen on, on loopback. 0 takes a free one.
    #[arg(long, value_name = "PORT", env = "PORT", default_value_t = 0)]
    pub(crate) port: u16,

    /// The text to answer with. Default: one that names the app, the process and the port.
    #[arg(long, value_name = "TEXT", env = "HELLO_TEXT")]
    pub(crate) text: Option<String>,
}

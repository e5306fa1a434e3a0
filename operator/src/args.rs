//! The command line: what a person, a manifest or a pipeline can ask for, and the text of `--help`.

mod environment;
mod inspect;
mod listening;
mod standalone;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crds::names::SYSTEM_NAMESPACE;

pub(crate) use environment::{Environment, WrongVariable};
pub(crate) use inspect::{ADMIN_PORT, AdminArguments, Logging, RoutesArguments, TraceArguments};
pub(crate) use listening::Listening;
pub(crate) use standalone::{
    ApiArguments, BackupArguments, DataFolder, Form, HelloArguments, RestoreArguments, UpArguments,
};

/// Turns manifests into a running, Flynn-compatible platform on Kubernetes.
///
/// What is declared in `flynn.io/v1alpha1` is watched, planned by a pure function, and made so: the `controller` writes
/// objects and statuses, every `node` serves the traffic.
#[derive(Debug, Parser)]
#[command(name = "flynn-operator", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The kubeconfig that names the API server. Default: the files in the variable KUBECONFIG, else ~/.kube/config, else
    /// the service account of the Pod.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The form of the log, which goes to standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "FLYNN_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,

    /// What is logged: a level (error, warn, info, debug, trace), or levels by module such as
    /// `info,flynn_operator=debug`. Keys and certificates are never logged.
    /// Default: `info`, and `warn` for `up`, which tells by itself what happens.
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG")]
    pub(crate) log: Option<String>,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One line of text per record, for people.
    Text,
    /// One JSON object per record, for programs.
    Json,
}

/// The roles and the tools.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes everything that has to be written: objects, copies of certificates, statuses, events. Several may run; the
    /// holder of the Lease `flynn-operator` writes, the others are ready to take over.
    Controller(ControllerArguments),
    /// Serves the traffic of this node by what is declared. Watches the API by itself, and goes on serving without it.
    Node(NodeArguments),
    /// Runs the whole platform on this machine, without Kubernetes: an embedded Kubernetes API for kubectl, the controller, the
    /// router, and the processes of the Apps. Applies the manifests of a folder, waits until they are ready, and prints where
    /// they are served. Ctrl-C ends it all.
    Up(UpArguments),
    /// Serves the embedded Kubernetes API and its controllers alone: no router, no processes.
    Api(ApiArguments),
    /// Prints the authority (PEM) that clients of self-signed Certificates have to trust.
    Ca,
    /// Writes everything that the platform of this machine keeps to one file, while it runs or while it does not.
    Backup(BackupArguments),
    /// Fills an empty data folder from such a file.
    Restore(RestoreArguments),
    /// Answers every HTTP request on $PORT with a text: an app to try the platform with.
    Hello(HelloArguments),
    /// Prints the table of a running node: which host and path goes where, with endpoints and certificates.
    Routes(RoutesArguments),
    /// Tells what becomes of a request on a running node: which route serves it and why, with which certificate and endpoints, or
    /// who refuses it.
    Trace(TraceArguments),
    /// Prints what applying manifests would change, and writes nothing. Exit code 0: no difference; 2: a difference; 1: an
    /// error.
    Plan(PlanArguments),
    /// Prints the IAM policy with the least that the operator needs for what the manifests declare of AWS, as JSON.
    AwsPolicy(AwsPolicyArguments),
    /// Prints the TLSPin of a certificate: the base64 of the SHA-256 of its DER form, for `flynn cluster add --tls-pin`.
    Pin(PinArguments),
    /// Prints the whole installation as YAML: custom resources, namespace, permissions, Deployment and DaemonSet.
    Manifests(ManifestsArguments),
}

/// Arguments of `controller`.
#[derive(Debug, Args)]
pub(crate) struct ControllerArguments {
    /// Where /healthz, /readyz and /metrics are served. Port 0 takes a free one; the line on standard output tells which.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8081")]
    pub(crate) health_address: SocketAddr,

    /// The namespace of the Lease.
    #[arg(long, value_name = "NAMESPACE", default_value = SYSTEM_NAMESPACE)]
    pub(crate) namespace: String,

    /// The name of this process in the Lease; no two may have the same. Default: the host name and a random part.
    #[arg(long, value_name = "NAME")]
    pub(crate) identity: Option<String>,

    /// How many seconds the holder of the Lease may be silent before another takes over, 3 to 3600. It renews three times as
    /// often.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(3..=3600))]
    pub(crate) lease_duration_seconds: u64,
}

/// Arguments of `node`.
#[derive(Debug, Args)]
pub(crate) struct NodeArguments {
    /// The name of this node: of its RouterNode, and of the Kubernetes Node that owns it, if there is one.
    #[arg(long, value_name = "NAME", env = "NODE_NAME")]
    pub(crate) node_name: String,

    /// Where plain HTTP is served. Port 0 takes a free one; the line on standard output tells which. Default: 0.0.0.0:80.
    /// [env: LISTEN_IP, and DEFAULT_HTTP_PORT, where 0 is for none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) http: Option<SocketAddr>,

    /// Where HTTPS is served. Port 0 takes a free one. Default: 0.0.0.0:443. [env: LISTEN_IP, and DEFAULT_HTTPS_PORT]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) https: Option<SocketAddr>,

    #[command(flatten)]
    pub(crate) listening: Listening,

    #[command(flatten)]
    pub(crate) logging: Logging,

    /// Where /healthz, /readyz and /metrics are served. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8081")]
    pub(crate) health_address: SocketAddr,

    /// How many threads serve traffic, 1 to 256. Default: one for each CPU.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) workers: Option<u16>,

    /// An address to publish in the RouterNode, for example `http://10.0.0.7:80`; give it once for each. Default: those
    /// that are listened on.
    #[arg(long = "address", value_name = "URL")]
    pub(crate) addresses: Vec<String>,

    /// Lets another process of the same user listen on the same ports if it shares them too, so that a node is replaced without
    /// a gap. Without it, a port that anybody listens on is in use.
    #[arg(long)]
    pub(crate) share_ports: bool,

    /// How many seconds open requests may take to finish after SIGTERM, 0 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) drain_seconds: u64,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// A file or a folder of manifests (*.yaml, *.yml, *.json; folders with everything below them), or - for standard input.
    /// Give it once for each.
    #[arg(short, long = "filename", value_name = "PATH", required = true)]
    pub(crate) filenames: Vec<PathBuf>,

    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,

    /// What the manifests are compared with.
    #[arg(long, value_enum, default_value_t = Against::None)]
    pub(crate) against: Against,

    /// Reads AWS too, where the active Cluster has spec.aws, and shows the calls that the leader would make there; they count as a
    /// difference. It only reads, with the credentials of the AWS SDK's own chain. The nodes are those of --against cluster, or
    /// the instances that the manifest lists; Blobstores are planned with --against cluster alone.
    #[arg(long)]
    pub(crate) aws: bool,

    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    pub(crate) namespace: String,

    /// Plans for a machine without Kubernetes (`flynn-operator up`), where Apps run commands and not images.
    #[arg(long)]
    pub(crate) standalone: bool,
}

/// Arguments of `aws-policy`.
#[derive(Debug, Args)]
pub(crate) struct AwsPolicyArguments {
    /// A file or a folder of manifests (*.yaml, *.yml, *.json; folders with everything below them), or - for standard input.
    /// Give it once for each.
    #[arg(short, long = "filename", value_name = "PATH", required = true)]
    pub(crate) filenames: Vec<PathBuf>,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Tables, for people.
    Table,
    /// One JSON object, for programs.
    Json,
}

/// What manifests are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Against {
    /// An empty cluster; no API server is asked.
    None,
    /// The cluster of the kubeconfig, which is only read.
    Cluster,
}

/// Arguments of `pin`.
#[derive(Debug, Args)]
pub(crate) struct PinArguments {
    /// A file with a certificate or a chain as PEM, the leaf first, or - for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Arguments of `manifests`.
#[derive(Debug, Args)]
pub(crate) struct ManifestsArguments {
    /// The image of both workloads, as the nodes can pull it.
    #[arg(long, value_name = "IMAGE", default_value = concat!("flynn-operator:", env!("CARGO_PKG_VERSION")))]
    pub(crate) image: String,

    /// A folder to write files and a kustomization.yaml into, for `kubectl apply -k`. Default: everything goes to standard
    /// output, for `kubectl apply -f -`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_argument_is_explained() {
        for command in Arguments::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }

    #[test]
    fn a_node_needs_a_name() {
        assert!(Arguments::try_parse_from(["flynn-operator", "node", "--node-name", "a"]).is_ok());
        assert!(Arguments::try_parse_from(["flynn-operator", "plan"]).is_err());
    }
}

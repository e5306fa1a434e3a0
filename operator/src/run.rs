//! Runs what the command line asks for: a role that stays, or a tool that prints and ends.
//!
//! In come the parsed arguments; out goes the exit code, or an error that is one sentence for the person who started it.

use std::process::ExitCode;

use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::args::{Arguments, Command, Environment, Global, LogFormat, WrongVariable};
use crate::{
    aws_policy, ca, controller, hello, inspect, keep, manifests, metrics, node, pin, plan_command, startup,
    up,
};

/// The clients' own words for a failure are left out: whoever asked tells it, with the cause. Those of the SDK's chain of credentials would have the whole answer in
/// them, whatever it is.
const QUIET: &str =
    ",kube_client::client=off,kube_runtime::watcher=off,h2=error,aws_config::meta::credentials::chain=off";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The filter of the log is not one.
    #[error("--log (or RUST_LOG) is not a filter such as `info` or `info,flynn_operator=debug`: {0}")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// A variable that Flynn's router knew is not what it may be.
    #[error(transparent)]
    Variable(#[from] WrongVariable),
    /// The system gives no threads.
    #[error("the threads of the process cannot be started: {0}")]
    Threads(#[source] std::io::Error),
    /// A role could not begin, or go on.
    #[error(transparent)]
    Role(#[from] startup::Error),
    /// `up` or `api` failed.
    #[error(transparent)]
    Up(#[from] up::Error),
    /// `ca` failed.
    #[error(transparent)]
    Ca(#[from] ca::Error),
    /// `backup` or `restore` failed.
    #[error(transparent)]
    Keep(#[from] keep::Error),
    /// `hello` failed.
    #[error(transparent)]
    Hello(#[from] hello::Error),
    /// `routes` or `trace` failed.
    #[error(transparent)]
    Inspect(#[from] inspect::Error),
    /// `plan` failed.
    #[error(transparent)]
    Plan(#[from] plan_command::Error),
    /// `aws-policy` failed.
    #[error(transparent)]
    AwsPolicy(#[from] aws_policy::Error),
    /// `pin` failed.
    #[error(transparent)]
    Pin(#[from] pin::Error),
    /// `manifests` failed.
    #[error(transparent)]
    Manifests(#[from] manifests::Error),
}

/// Runs a command to its end.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let Arguments { global, command } = arguments;
    let environment = environment(&command)?;
    log_to_stderr(&global, &command, &environment)?;
    environment.unread.iter().for_each(|sentence| tracing::warn!("{sentence}"));
    match command {
        Command::Controller(controller) => {
            runtime()?.block_on(async {
                let client = startup::connect(global.kubeconfig.as_deref()).await?;
                controller::run(client, controller, metrics::registry()).await
            })?;
        }
        Command::Node(node) => {
            let listen = node.listen(&environment);
            runtime()?.block_on(async {
                let client = startup::connect(global.kubeconfig.as_deref()).await?;
                node::run(client, node, listen, metrics::registry()).await
            })?;
        }
        Command::Up(arguments) => {
            let listen = arguments.listen(&environment);
            runtime()?.block_on(up::run(arguments, listen))?;
        }
        Command::Api(arguments) => runtime()?.block_on(up::run_api(arguments))?,
        Command::Ca => runtime()?.block_on(ca::run(global.kubeconfig.as_deref()))?,
        Command::Backup(arguments) => runtime()?.block_on(keep::backup(&arguments))?,
        Command::Restore(arguments) => keep::restore(&arguments)?,
        Command::Hello(arguments) => runtime()?.block_on(hello::run(arguments))?,
        Command::Routes(arguments) => runtime()?.block_on(inspect::routes(&arguments))?,
        Command::Trace(arguments) => runtime()?.block_on(inspect::trace(&arguments))?,
        Command::Plan(plan) => {
            return Ok(runtime()?.block_on(plan_command::run(&global, &plan))?);
        }
        Command::AwsPolicy(arguments) => aws_policy::run(&arguments)?,
        Command::Pin(pin) => pin::run(&pin)?,
        Command::Manifests(manifests) => manifests::run(&manifests)?,
    }
    Ok(ExitCode::SUCCESS)
}

// Two threads: planning may take a moment on one, and the probes are still answered. The traffic has threads of its own.
fn runtime() -> Result<Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(Error::Threads)
}

/// The variables of Flynn's router, which the commands with a router know.
fn environment(command: &Command) -> Result<Environment, WrongVariable> {
    match command {
        Command::Node(_) | Command::Up(_) => Environment::of_this_process(),
        _ => Ok(Environment::default()),
    }
}

fn log_to_stderr(global: &Global, command: &Command, environment: &Environment) -> Result<(), Error> {
    let level = match command {
        _ if environment.debug => "debug",
        Command::Up(_) | Command::Api(_) => "warn",
        _ => "info",
    };
    let filter = match &global.log {
        Some(filter) => EnvFilter::try_new(filter)?,
        None => unless_asked(level)?,
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match global.log_format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

/// What is logged from this level on, unless somebody asks for something else.
fn unless_asked(level: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(format!("{level}{QUIET}"))
}

#[cfg(test)]
mod tests {
    use tracing::{Level, enabled};

    use super::unless_asked;

    #[test]
    fn what_a_provider_of_credentials_answered_is_not_logged() {
        for level in ["info", "warn", "debug"] {
            let log = tracing_subscriber::fmt().with_env_filter(unless_asked(level).unwrap()).finish();
            tracing::subscriber::with_default(log, || {
                assert!(!enabled!(target: "aws_config::meta::credentials::chain", Level::WARN), "{level}");
                assert!(enabled!(target: "aws_config::imds::credentials", Level::WARN), "{level}");
            });
        }
    }
}

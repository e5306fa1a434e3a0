//! `make run`: the whole platform on one machine, to play with. Nothing comes in; lines to try go out, until Ctrl-C.
//!
//! ```text
//!   your shell --127.0.0.1:8080, 8443, 6443--> sockets -.
//!   - - - - - - - - - - - - - - - - - - - - - - - - - - | - - - a network namespace (e2e/netns)
//!     control plane <--> controller                     |
//!           ^'---------> node <--- forward.rs <---------'
//!           '----------> Pods
//! ```
//!
//! The program runs twice: [`outside`] opens the sockets, starts itself again in a network of its own ([`inside`]) and
//! hands them over, because a socket stays in the network in which it was made.

mod forward;
mod inside;
mod outside;
mod platform;
mod progress;
mod readiness;
mod requests;
mod role;
mod sockets;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::progress::Progress;

/// Starts a real Kubernetes control plane, the operator and a router node, applies manifests/examples/quickstart, and
/// prints requests to try. Ctrl-C ends everything.
#[derive(Debug, Parser)]
#[command(name = "playground", max_term_width = 100)]
struct Arguments {
    /// The port of 127.0.0.1 for plain HTTP. If it is taken, the next free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    http_port: u16,

    /// The port of 127.0.0.1 for HTTPS. If it is taken, the next free one.
    #[arg(long, value_name = "PORT", default_value_t = 8443, value_parser = clap::value_parser!(u16).range(1..))]
    https_port: u16,

    /// The port of 127.0.0.1 for the Kubernetes API. If it is taken, the next free one.
    #[arg(long, value_name = "PORT", default_value_t = 6443, value_parser = clap::value_parser!(u16).range(1..))]
    api_port: u16,

    /// The folder for everything that is written. It is emptied first. Default: target/playground.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Ends as soon as everything is ready and the requests that are printed were tried, with exit code 0 if all is well.
    #[arg(long)]
    once: bool,

    /// Runs in the network namespace, with the sockets from standard input. Its value is when the program began.
    #[arg(long, hide = true, requires = "folder")]
    inside: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (arguments.inside, &arguments.folder) {
        (Some(began), Some(folder)) => inside::run(folder, Progress::since(began)).await,
        _ => outside::run(&arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<outside::AlreadySaid>() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("playground: {error:#}");
            ExitCode::FAILURE
        }
    }
}

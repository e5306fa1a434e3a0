//! `flynn-router`: the router alone, from a file or from standard input, without Kubernetes.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod feed;
mod overrides;

use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use args::{Args, Command};
use feed::Feed;

/// How long requests may take to finish after SIGTERM or SIGINT.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let level = if env::var_os("DEBUG").is_some_and(|value| !value.is_empty()) { "debug" } else { "info" };
    // A client can make `h2` warn as often as it likes.
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},h2=error")));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    if let Some(Command::Schema) = args.command {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(router_config::Config))?;
        println!("{schema}");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut terminate, mut interrupt) = runtime
        .block_on(async {
            io::Result::Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
        })
        .context("cannot listen for signals")?;
    if let Err(error) = router::raise_open_files() {
        tracing::warn!(%error, "the number of open files cannot be raised");
    }
    let server = Feed::start(&args)?;
    runtime.block_on(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = feed::warn(server.faults()) => {}
        }
    });
    server.shutdown(GRACE);
    Ok(())
}

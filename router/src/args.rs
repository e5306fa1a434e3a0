//! The command line of `flynn-router`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Routes HTTP and HTTPS requests to endpoints, by a configuration that can change while it runs.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The configuration as JSON; it is read again whenever it changes. `-`: each line on standard input is one whole
    /// configuration, and for each a line on standard output says how it is served
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Option<PathBuf>,

    /// Worker threads [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) workers: Option<u16>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Prints the JSON Schema of the configuration
    Schema,
}

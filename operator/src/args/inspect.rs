//! The arguments of the commands that ask a running node, and of what a node tells about its requests.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use router::{AccessLog, LogForm};

use super::{DataFolder, Output};

/// The port of a node's admin API, unless another one is given.
pub(crate) const ADMIN_PORT: u16 = 9912;

/// Which node is asked.
#[derive(Debug, Args)]
pub(crate) struct AdminArguments {
    /// The address of the node's admin API. Default: that of `up` with the same data folder, else port 9912 of this machine. For a
    /// node on Kubernetes: `kubectl -n flynn-system port-forward POD 9912`, with the Pod of the node.
    #[arg(long, value_name = "ADDRESS:PORT", env = "FLYNN_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,

    #[command(flatten)]
    pub(crate) data: DataFolder,
}

/// Arguments of `routes`.
#[derive(Debug, Args)]
pub(crate) struct RoutesArguments {
    #[command(flatten)]
    pub(crate) admin: AdminArguments,

    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub(crate) struct TraceArguments {
    /// The URL of the request, whole: https://host/path.
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// The method of the request.
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    pub(crate) method: String,

    /// The address that the request comes from. Default: this machine.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) client: Option<IpAddr>,

    /// The name in the TLS handshake, if it is another than the host of the URL.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,

    #[command(flatten)]
    pub(crate) admin: AdminArguments,

    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

/// What is told about finished requests.
#[derive(Debug, Clone, Args)]
pub(crate) struct Logging {
    /// Whether each finished request is logged, and how: as a JSON object, or in the combined form of web servers.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = LogKind::Off)]
    pub(crate) access_log: LogKind,

    /// Which part of the requests is logged, drawn at random: 1 is all of them, 0.01 one in a hundred.
    #[arg(long, value_name = "PART", default_value_t = 1.0, value_parser = part)]
    pub(crate) access_log_sample: f64,

    /// Logs paths with their queries, which often hold what nobody should read.
    #[arg(long)]
    pub(crate) access_log_query: bool,

    /// The file that the access log is added to. Default: standard output; for `up` the file access.log in the data folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) access_log_file: Option<PathBuf>,
}

/// Whether and how requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogKind {
    /// They are not.
    Off,
    /// One JSON object a line.
    Json,
    /// The combined form of web servers.
    Combined,
}

impl Logging {
    /// What the router is told. `file` is where the lines go unless another one was given.
    pub(crate) fn access_log(&self, file: Option<PathBuf>) -> Option<AccessLog> {
        let form = match self.access_log {
            LogKind::Off => return None,
            LogKind::Json => LogForm::Json,
            LogKind::Combined => LogForm::Combined,
        };
        Some(AccessLog {
            sample: self.access_log_sample,
            query: self.access_log_query,
            file: self.access_log_file.clone().or(file),
            ..AccessLog::of(form)
        })
    }
}

fn part(text: &str) -> Result<f64, &'static str> {
    let part = text.parse().ok().filter(|part| (0.0..=1.0).contains(part));
    part.ok_or("a part is a number from 0 to 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_may_have_the_port_of_the_admin_api() {
        assert!(crds::RESERVED_PORTS.contains(&ADMIN_PORT));
    }

    #[test]
    fn a_part_is_between_nothing_and_all() {
        assert_eq!(part("0.01"), Ok(0.01));
        for text in ["-1", "1.1", "x", "NaN"] {
            assert!(part(text).is_err(), "{text}");
        }
    }
}

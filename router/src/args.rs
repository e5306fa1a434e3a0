//! The command line of `flynn-router`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use router::{AccessLog, LogForm};

/// Routes HTTP, HTTPS and TCP to endpoints, by a configuration that can change while it runs.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = VARIABLES)]
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

    /// The most client connections at once; beyond it, those that wait for their client make room, or new ones are closed
    /// [default: half of the files that the process may open]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: Option<u32>,

    /// The most connections at once of one client, an IPv4 address or an IPv6 /64 [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections_per_client: Option<u32>,

    /// Other processes of the same user may listen on the same ports, if they have this flag too; each gets its part of the
    /// connections. They share nothing else: counts, limits and the admin API are of one process
    #[arg(long)]
    pub(crate) share_ports: bool,

    /// Logs each finished request, as `json` or in the `combined` form of web servers; `off`: none [default: off]
    #[arg(long, value_name = "FORM", value_parser = log_form)]
    pub(crate) access_log: Option<LogKind>,

    /// Which part of the requests is logged, drawn at random: 1 is all of them, 0.01 one in a hundred [default: 1]
    #[arg(long, value_name = "PART", value_parser = part)]
    pub(crate) access_log_sample: Option<f64>,

    /// Logs paths with their queries, which often hold what nobody should read
    #[arg(long)]
    pub(crate) access_log_query: bool,

    /// The file that the access log is added to [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) access_log_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) flags: Flags,
}

/// A form of the access log, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogKind {
    Off,
    As(LogForm),
}

fn log_form(text: &str) -> Result<LogKind, &'static str> {
    match text {
        "off" => Ok(LogKind::Off),
        form => form.parse().map(LogKind::As).map_err(|_| "it is `json`, `combined` or `off`"),
    }
}

fn part(text: &str) -> Result<f64, &'static str> {
    let part = text.parse().ok().filter(|part| (0.0..=1.0).contains(part));
    part.ok_or("a part is a number from 0 to 1")
}

impl Args {
    /// Which requests are logged.
    pub(crate) fn access_log(&self) -> Option<AccessLog> {
        let Some(LogKind::As(form)) = self.access_log else { return None };
        Some(AccessLog {
            sample: self.access_log_sample.unwrap_or(1.0),
            query: self.access_log_query,
            file: self.access_log_file.clone(),
            ..AccessLog::of(form)
        })
    }
}

/// What stands above the configuration.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Instead of what the configuration says")]
pub(crate) struct Flags {
    /// The port of plain HTTP; 0: none [env: DEFAULT_HTTP_PORT]
    #[arg(long, value_name = "PORT")]
    pub(crate) http_port: Option<u16>,

    /// The port of HTTPS [env: DEFAULT_HTTPS_PORT]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) https_port: Option<u16>,

    /// More ports of plain HTTP, with commas between; only hosts that name the port are served there
    /// [env: ADDITIONAL_HTTP_PORTS]
    #[arg(long, value_name = "PORTS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) additional_http_ports: Option<Vec<u16>>,

    /// More ports of HTTPS, likewise [env: ADDITIONAL_HTTPS_PORTS]
    #[arg(long, value_name = "PORTS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) additional_https_ports: Option<Vec<u16>>,

    /// The address to listen on, with every port but that of the admin API [env: LISTEN_IP]
    #[arg(long, alias = "tcp-ip", value_name = "IP")]
    pub(crate) listen_ip: Option<IpAddr>,

    /// The first port that is held for TCP routes [default, if the last one is given: 3000]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) tcp_range_start: Option<u16>,

    /// The last port that is held for TCP routes [default, if the first one is given: 3500]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) tcp_range_end: Option<u16>,

    /// The port of the admin API; on this machine only, unless the configuration gives its address [env: PORT]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) api_port: Option<u16>,

    /// Connections to HTTP and HTTPS may begin with a PROXY protocol header, version 1 or 2 [env: PROXY_PROTOCOL=true]
    #[arg(long)]
    pub(crate) proxy_protocol: bool,

    /// The default certificate with its chain, as PEM [env: TLSCERT, the PEM itself]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The key of the default certificate, as PEM [env: TLSKEY, the PEM itself]
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// The page of a 503, as HTML [env: ERROR_503_PAGE_URL, a file: URL]
    #[arg(long, value_name = "FILE")]
    pub(crate) unavailable_page: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Prints the JSON Schema of the configuration
    Schema,
}

const VARIABLES: &str = "\
Environment:
  A flag wins over its variable, and both over the configuration. An empty variable is as good as none.
  COOKIE_KEY  The key of sticky sessions: 32 bytes in base64. It has no flag, because a command line can be read by all
  DEBUG       Set to anything: the log tells more
  RUST_LOG    What the log tells, by module; it wins over DEBUG";

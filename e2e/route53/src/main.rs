//! Runs the double of Route 53 for processes that are no Rust tests, until it is ended.
//!
//! It prints one line of JSON with its addresses and the ids of its zones when it is ready.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use route53_double::Route53;
use route53_double::settings::{Probes, Settings, Sync};
use serde_json::{Map, json};

/// A strict double of Amazon Route 53: its API, its health checkers and its name servers.
#[derive(Parser)]
#[command(name = "route53-double")]
struct Arguments {
    /// Where the API and the control endpoint listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the name server listens, for UDP and TCP.
    #[arg(long, default_value = "127.0.0.1:0")]
    dns: SocketAddr,
    /// A public hosted zone to begin with; can be repeated.
    #[arg(long = "zone", value_name = "NAME")]
    zones: Vec<String>,
    /// Milliseconds until a change is in sync.
    #[arg(long, default_value_t = 500)]
    sync_after: u64,
    /// Probe the addresses of health checks every so many milliseconds; 0 leaves their health to the control endpoint.
    #[arg(long, default_value_t = 0)]
    probe_every: u64,
    /// Let every request pass, however many there are.
    #[arg(long)]
    no_throttle: bool,
    /// Let health checks name private and loopback addresses, which AWS refuses.
    #[arg(long)]
    allow_local_addresses: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let double = Route53::start(settings(&arguments)).await.context("cannot start the double")?;
    let mut zones = Map::new();
    for name in &arguments.zones {
        let id = double.create_zone(name).with_context(|| format!("cannot make the zone {name}"))?;
        zones.insert(name.clone(), json!(id));
    }
    let ready = json!({ "endpoint": double.endpoint(), "dns": double.dns(), "zones": zones });
    // The reader may be gone already; the double serves all the same.
    let _ = writeln!(std::io::stdout(), "{ready}");
    tokio::signal::ctrl_c().await.context("cannot wait for an interrupt")
}

fn settings(arguments: &Arguments) -> Settings {
    let mut settings = Settings {
        listen: arguments.listen,
        dns: arguments.dns,
        sync: Sync::After(Duration::from_millis(arguments.sync_after)),
        allow_local_addresses: arguments.allow_local_addresses,
        ..Settings::default()
    };
    if arguments.no_throttle {
        settings.rates = None;
    }
    if arguments.probe_every > 0 {
        let interval = Duration::from_millis(arguments.probe_every);
        settings.probes = Some(Probes { interval, timeout: Duration::from_secs(4) });
    }
    settings
}

//! `make bench-standalone`: the embedded API beside a real control plane in one run, and then the whole of `up`.
//!
//! ```text
//! for each API:  server.rs (start, memory) --> writes.rs, fan_out.rs, listing.rs --+
//! up:            platform.rs (first 200, memory, apply to first 200) --------------+--> report.rs
//! ```
//!
//! It asserts nothing: it prints tables. The real control plane runs as the suite starts it, with an etcd that does not sync to the
//! disk; the embedded store syncs every write. It runs in `e2e/netns`.

mod fan_out;
mod listing;
mod platform;
mod report;
mod server;
mod writes;

use anyhow::Result;
use clap::Parser;

use crate::report::Report;
use crate::server::Server;

/// Measures the embedded API beside a real control plane, and `flynn-operator up`, and prints tables.
#[derive(Debug, Parser)]
#[command(name = "bench-standalone", max_term_width = 100)]
struct Arguments {
    /// How many Routes are listed.
    #[arg(long, default_value_t = 10_000)]
    routes: usize,

    /// How many samples are taken of each latency.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let samples = usize::from(arguments.samples);
    let mut report = Report::default();
    for kind in server::Kind::ALL {
        eprintln!("{}: starting", kind.name());
        let server = Server::start(kind).await?;
        report.started(&server)?;
        eprintln!("{}: writes", kind.name());
        report.writes(writes::measure(&server).await?);
        eprintln!("{}: watchers", kind.name());
        report.fan_out(fan_out::measure(&server, samples).await?);
        eprintln!("{}: {} Routes", kind.name(), arguments.routes);
        report.listing(arguments.routes, listing::measure(&server, arguments.routes).await?);
        report.loaded(&server)?;
    }
    eprintln!("up: the quickstart");
    report.platform(platform::measure(samples).await?);
    println!("{report}");
    Ok(())
}

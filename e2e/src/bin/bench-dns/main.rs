//! `make bench-dns`: the life of a node's record, from Kubernetes' word to the DNS answer, on a real control plane and the doubles of AWS.
//!
//! ```text
//! Site (50 nodes) --> one event at a time (measure.rs) --> a client asks DNS until it sees it --> report.rs beside external-dns
//! ```
//!
//! It asserts nothing: it prints a table. The health checkers of the double look every 100 ms; real ones every 10 s or more, so that what they add is
//! given as such. It runs in `e2e/netns`.

mod measure;
mod report;

use anyhow::Result;
use clap::Parser;
use e2e::Site;
use e2e::site::CLUSTER;

use crate::report::Report;

/// Measures the life of a node's record, and prints a table.
#[derive(Debug, Parser)]
#[command(name = "bench-dns", max_term_width = 100)]
struct Arguments {
    /// How many nodes there are.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(4..=50))]
    nodes: u16,

    /// How many samples are taken of what can be repeated.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { nodes, samples } = Arguments::parse();
    let mut report = Report::new(nodes.into());
    eprintln!("{nodes} nodes are published");
    let (mut site, mut nodes) = Site::led(CLUSTER, nodes.into()).await?;
    measure::whole(&site, &nodes).await?;
    eprintln!("a look in sync");
    report.reads(measure::reads(&site).await?);
    eprintln!("nodes that are added");
    report.added(measure::added(&site, &mut nodes, samples.into()).await?);
    eprintln!("a node that is cordoned");
    report.cordoned(measure::cordoned(&site, &nodes, samples.into()).await?);
    eprintln!("the controller is killed in the middle of a change");
    report.killed(measure::killed(&mut site, &nodes).await?);
    eprintln!("a node that is not ready, and one that is dead");
    report.ill(measure::ill(&site, &nodes).await?);
    eprintln!("an empty list of nodes");
    report.emptied(measure::emptied(&site).await?, nodes.len());
    eprintln!("all nodes are cordoned");
    report.all_cordoned(measure::all_cordoned(&site, &nodes).await?, nodes.len());
    println!("{report}");
    Ok(())
}

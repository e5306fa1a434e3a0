//! `make idle`: a crowd of idle connections and readers that take nothing, while somebody else goes on asking.
//!
//! ```text
//! crowd.rs (50,000 idle connections)  --+
//! readers.rs (take nothing)           --+--> router.rs (the real one) --> endpoint.rs
//! visitor.rs (measures, in a thread)  --+
//! ```
//!
//! It opens as many files as the system allows; if they do not suffice for all connections, it says so and takes fewer.
//! It fails if the visitor is not served, if an idle connection is lost, if a reader gets no response or is not given up, or
//! if one of them costs more memory than `report.rs` allows. No time is judged. A release build gives the figures of a release;
//! the futures of a debug build are larger.

mod address;
mod crowd;
mod endpoint;
mod readers;
mod report;
mod router;
mod visitor;

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use e2e::eventually;
use rustix::process::{Resource, getrlimit};
use tokio::time::sleep;

use crate::crowd::{Crowd, Kind};
use crate::endpoint::Endpoint;
use crate::readers::Readers;
use crate::report::Report;
use crate::router::Router;
use crate::visitor::Visitor;

/// Measures what idle connections and slow readers cost the router, and what others notice of them.
#[derive(Debug, Parser)]
#[command(name = "siege", max_term_width = 100)]
struct Arguments {
    /// How many idle connections, without and with TLS.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,

    /// How many clients ask for much and take nothing.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    readers: u32,

    /// For how long the visitor is watched in each phase, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// How long the router may take to give the readers up: much longer than their rule.
const PATIENCE: Duration = Duration::from_secs(120);

/// Open files that are no connection of the crowd or of a reader.
const OTHERS: u32 = 300;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let watch = Duration::from_secs(arguments.seconds);
    let connections = possible(&arguments);
    if connections < arguments.connections {
        eprintln!("This system lets a process open too few files: {connections} connections are what fits.");
    }
    let endpoint = Endpoint::start()?;
    let mut report = Report::default();
    for kind in [Kind::Tls, Kind::Plain] {
        let router = Router::start(endpoint.address(), connections + arguments.readers + OTHERS).await?;
        let visitor = Visitor::start(router.http)?;
        report.visits("nobody else", &visitor.during(sleep(watch)).await?.0);

        eprintln!("{connections} connections, {}", kind.idle());
        let before = router.memory()?;
        let crowd = Crowd::gather(kind, &router, connections).await?;
        report.cost(kind.idle(), before, router.memory()?, connections);
        report.visits(kind.idle(), &visitor.during(sleep(watch)).await?.0);
        if kind == Kind::Plain {
            read_slowly(&arguments, &router, &endpoint, &visitor, &mut report).await?;
        }
        crowd.is_whole()?;
    }
    println!("{report}");
    report.verdict()
}

/// As many idle connections as are wanted, or as the open files suffice for: in the router and here a reader needs two.
fn possible(arguments: &Arguments) -> u32 {
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let left = allowed.saturating_sub(2 * u64::from(arguments.readers) + u64::from(OTHERS));
    arguments.connections.min(u32::try_from(left).unwrap_or(u32::MAX))
}

/// Adds slow readers to the crowd, until the router has given up the last one.
async fn read_slowly(
    arguments: &Arguments,
    router: &Router,
    endpoint: &Endpoint,
    visitor: &Visitor,
    report: &mut Report,
) -> Result<()> {
    eprintln!("{} slow readers", arguments.readers);
    let (before, kernel) = (router.memory()?, router::socket_memory()?);
    let attack = visitor.during(async {
        let readers = Readers::start(router.http, arguments.readers).await?;
        let peak = eventually("all readers wait", PATIENCE, || async {
            let waiting = endpoint.waiting();
            ensure!(waiting == arguments.readers, "{waiting} of {} wait", arguments.readers);
            Ok((router.memory()?, router::socket_memory()?))
        });
        let peak = peak.await?;
        eventually("the router has given all readers up", PATIENCE, || async {
            let waiting = endpoint.waiting();
            ensure!(waiting == 0, "{waiting} are left");
            Ok(())
        })
        .await?;
        drop(readers);
        anyhow::Ok(peak)
    });
    let (visits, peak) = attack.await?;
    let (memory, sockets) = peak?;
    report.cost("slow readers", before, memory, arguments.readers);
    report.cost("slow readers, in the kernel", kernel, sockets, arguments.readers);
    report.visits("idle, and slow readers", &visits);
    Ok(())
}

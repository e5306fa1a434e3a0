//! `make idle`: a crowd of idle connections and readers that take nothing, while somebody else goes on asking.
//!
//! ```text
//! crowd.rs (50,000 idle connections, in processes of their own)  --+
//! readers.rs (take nothing)                                      --+--> routers.rs (real ones) --> endpoint.rs
//! visitor.rs (measures, in a thread)                             --+
//! ```
//!
//! Where a process may open too few files, there are several routers on the same ports. It fails if the visitor is not served, if an
//! idle connection is lost, if a reader gets no response or is not given up, or if one of them costs more memory than `report.rs`
//! allows. No time is judged. A release build gives the figures of a release; the futures of a debug build are larger.

mod address;
mod crowd;
mod endpoint;
mod readers;
mod report;
mod routers;
mod visitor;

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use e2e::eventually;
use rustix::process::{Resource, getrlimit};
use tokio::time::sleep;

use crate::crowd::part::Part;
use crate::crowd::{Crowd, Kind};
use crate::endpoint::Endpoint;
use crate::readers::Readers;
use crate::report::{NOBODY, Report};
use crate::routers::{Load, Routers};
use crate::visitor::Visitor;

/// Measures what idle connections and slow readers cost the router, and what others notice of them.
#[derive(Debug, Parser)]
#[command(name = "siege", max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,

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

#[derive(Debug, Clone, Copy, Subcommand)]
enum Role {
    /// Holds a part of the crowd, for another process of this program
    #[command(hide = true)]
    Part(Part),
}

/// How long the routers may take to give the readers up: much longer than their rule.
const PATIENCE: Duration = Duration::from_secs(120);

/// Open files of a process that are no connection of the crowd or of a reader.
const OTHERS: u32 = 300;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Part(part)) => part.hold().await,
        None => besiege(&arguments).await,
    }
}

async fn besiege(arguments: &Arguments) -> Result<()> {
    let &Arguments { connections, readers, seconds, .. } = arguments;
    let watch = Duration::from_secs(seconds);
    let load = Load { connections, readers };
    let files = open_files();
    let count = load.routers(files);
    let endpoint = Endpoint::start()?;
    let mut report = Report::default();
    for kind in [Kind::Tls, Kind::Plain] {
        let routers = Routers::start(count, endpoint.address(), load).await?;
        let visitor = Visitor::start(routers.http)?;
        report.visits(NOBODY, &visitor.during(sleep(watch)).await.0);

        eprintln!("{connections} connections, {}; routers: {count}", kind.idle());
        let before = routers.memory()?;
        let mut crowd = Crowd::gather(kind, &routers, connections, files).await?;
        eprintln!("files that each router has open: {:?}", routers.files()?);
        report.cost(kind.idle(), before, routers.memory()?, connections);
        report.visits(kind.idle(), &visitor.during(sleep(watch)).await.0);
        if kind == Kind::Plain {
            read_slowly(readers, &routers, &endpoint, &visitor, &mut report).await?;
        }
        crowd.is_whole().await?;
    }
    println!("Routers on the same ports: {count}\n\n{report}");
    report.verdict()
}

/// How many files a process may open.
fn open_files() -> u32 {
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    u32::try_from(allowed).unwrap_or(u32::MAX)
}

/// Adds slow readers to the crowd, until the routers have given up the last one.
async fn read_slowly(
    count: u32,
    routers: &Routers,
    endpoint: &Endpoint,
    visitor: &Visitor,
    report: &mut Report,
) -> Result<()> {
    eprintln!("{count} slow readers");
    let (before, kernel) = (routers.memory()?, routers::socket_memory()?);
    let attack = visitor.during(async {
        let readers = Readers::start(routers.http, count).await?;
        let peak = eventually("all readers wait", PATIENCE, || async {
            let waiting = endpoint.waiting();
            ensure!(waiting == count, "{waiting} of {count} wait");
            Ok((routers.memory()?, routers::socket_memory()?))
        });
        let peak = peak.await?;
        eventually("the routers have given all readers up", PATIENCE, || async {
            let waiting = endpoint.waiting();
            ensure!(waiting == 0, "{waiting} are left");
            Ok(())
        })
        .await?;
        drop(readers);
        anyhow::Ok(peak)
    });
    let (visits, peak) = attack.await;
    let (memory, sockets) = peak?;
    report.cost("slow readers", before, memory, count);
    report.cost("slow readers, in the kernel", kernel, sockets, count);
    report.visits("idle, and slow readers", &visits);
    Ok(())
}

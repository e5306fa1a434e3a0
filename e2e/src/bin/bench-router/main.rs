//! `make bench`: the router beside nginx and HAProxy in one run, one worker each, on one core each in turn.
//!
//! ```text
//! backend.rs (nginx, core 1) <-- proxy.rs + proxy/{ours,nginx,haproxy}.rs (core 0) <-- load.rs (wrk, h2load, core 1)
//!                                      '-- round.rs: every case, every proxy, again and again --> report.rs
//! ```
//!
//! It asserts nothing about speed: it prints one table of ratios. A load that gets a wrong answer is an error. All figures of a
//! case are taken in turns, so that a noisy machine is noisy for all of them; what is shown is the median of the rounds.

mod backend;
mod case;
mod idle;
mod load;
mod proxy;
mod report;
mod round;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use crate::backend::Backend;
use crate::case::Case;
use crate::proxy::Proxy;
use crate::report::Report;

/// Measures the router beside nginx and HAProxy, and prints a table of ratios.
#[derive(Debug, Parser)]
#[command(name = "bench-router", max_term_width = 100)]
struct Arguments {
    /// How often each case is measured on each proxy.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// How long one measurement takes, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,

    /// How many hosts the proxies know.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    hosts: u32,

    /// How many idle connections the memory is measured with.
    #[arg(long, default_value_t = 5_000)]
    idle: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir()?;
    let backend = Backend::start(dir.path()).await?;
    let mut report = Report::default();
    let mut proxies = Vec::new();
    for kind in proxy::Kind::ALL {
        eprintln!("{}: starting with {} hosts", kind.name(), arguments.hosts);
        let proxy = Proxy::start(kind, dir.path(), backend.address(), arguments.hosts).await?;
        report.memory(kind, proxy.memory()?);
        proxies.push(proxy);
    }
    let seconds = Duration::from_secs(arguments.seconds);
    for case in Case::ALL {
        for round in 1..=arguments.rounds {
            eprintln!("{}: round {round} of {}", case.name(), arguments.rounds);
            for proxy in &proxies {
                report.figures(
                    case,
                    proxy.kind,
                    round::measure(proxy, case, seconds, arguments.hosts).await?,
                );
            }
        }
    }
    for proxy in &proxies {
        eprintln!("{}: {} idle connections", proxy.kind.name(), arguments.idle);
        report.idle(proxy.kind, idle::memory(proxy, arguments.idle).await?);
    }
    println!("{report}");
    Ok(())
}

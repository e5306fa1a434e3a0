//! `make bench-apply`: from an API call to the first answer that shows it, on a real control plane, at several sizes.
//!
//! ```text
//! for each size:   population.rs --Routes--> API
//!   for each edit: edit.rs --one call--> API ~~> controller, node ~~> probe.rs sees the answer      latency, one at a time
//!                  edit.rs --many calls--> API                                                       CPU of both processes
//!   a second node: cold_start.rs                                                                     time, refusals
//! ```
//!
//! It asserts nothing: it prints a table. Everything shares one machine, the control plane included, so that a quiet machine
//! matters. It runs in `e2e/netns`.

mod cold_start;
mod edit;
mod measure;
mod platform;
mod population;
mod probe;
mod report;

use anyhow::Result;
use clap::Parser;
use e2e::usage;

use crate::edit::Edit;
use crate::platform::Platform;
use crate::report::Report;

/// Measures from an API call to the first answer that shows it, and prints a table.
#[derive(Debug, Parser)]
#[command(name = "bench-apply", max_term_width = 100)]
struct Arguments {
    /// How many Routes there are, in increasing order.
    #[arg(long, value_delimiter = ',', default_value = "10,1000,10000")]
    sizes: Vec<usize>,

    /// How many samples are taken of each kind of edit.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let samples = usize::from(arguments.samples);
    let platform = Platform::start().await?;
    let mut report = Report::new(samples);
    for size in arguments.sizes {
        eprintln!("{size} Routes: creating them");
        population::grow(&platform, size).await?;
        usage::settle(&platform.processes()).await?;
        report.memory(size, &platform)?;
        for edit in Edit::ALL {
            eprintln!("{size} Routes: {}", edit.name());
            report.edit(size, edit, &measure::edit(&platform, edit, size, samples).await?);
        }
        eprintln!("{size} Routes: a cold start");
        report.cold_start(size, &cold_start::measure(&platform, size).await?);
    }
    println!("{report}");
    Ok(())
}

//! Takes the samples of one kind of edit: first one at a time, with a probe that looks for the effect; then many in a row
//! without a probe, for the CPU time of the processes.

use std::time::Duration;

use anyhow::Result;
use e2e::usage;
use tokio::time::{Instant, sleep};

use crate::edit::{Edit, Prepared};
use crate::platform::Platform;
use crate::probe::{Wanted, Watching};

/// The time between two edits while the CPU time is measured.
const PACE: Duration = Duration::from_millis(30);

/// The time in which the rest of the work of the last edits is done, such as statuses.
const AFTERMATH: Duration = Duration::from_secs(3);

/// What was measured of a kind of edit.
#[derive(Debug)]
pub(crate) struct Figures {
    /// From just before the call to the first answer that shows it.
    pub(crate) seen: Vec<Duration>,
    /// The call alone.
    pub(crate) call: Vec<Duration>,
    /// The CPU time of controller and node, an edit.
    pub(crate) cpu: [Duration; 2],
}

/// Measures one kind of edit.
pub(crate) async fn edit(platform: &Platform, edit: Edit, size: usize, samples: usize) -> Result<Figures> {
    let even = samples + samples % 2; // as many there as back
    let first = size * 2; // the numbers of another size are others
    let mut figures = Figures { seen: Vec::new(), call: Vec::new(), cpu: Default::default() };
    for number in 0..even {
        let (seen, call) = sample(platform, &edit.prepare(platform, number + first)?).await?;
        figures.seen.push(seen);
        figures.call.push(call);
        // Not in step with anything that happens once a second, and after what the edit leaves to do.
        sleep(Duration::from_millis(100 + (number as u64 * 37) % 100)).await;
    }
    figures.cpu = cpu(platform, edit, first + even, even).await?;
    Ok(figures)
}

async fn sample(platform: &Platform, edit: &Prepared) -> Result<(Duration, Duration)> {
    let address = match edit.wanted {
        Wanted::Leaf(_) => platform.node.https()?,
        Wanted::Status(_) | Wanted::Server(_) => platform.http()?,
    };
    let watching = Watching::start(address, edit.host.clone(), edit.wanted.clone()).await?;
    let begin = Instant::now();
    edit.make(platform).await?;
    let call = begin.elapsed();
    Ok((watching.seen().await?.duration_since(begin.into_std()), call))
}

/// The CPU time of both processes for an edit, beyond what they use anyway.
async fn cpu(platform: &Platform, edit: Edit, first: usize, count: usize) -> Result<[Duration; 2]> {
    let edits: Result<Vec<_>> = (first..first + count).map(|number| edit.prepare(platform, number)).collect();
    let edits = edits?;
    usage::settle(&platform.processes()).await?;
    let used = || -> Result<[Duration; 2]> {
        let [controller, node] = platform.processes();
        Ok([usage::cpu(controller)?, usage::cpu(node)?])
    };
    let (idle_before, idle_begin) = (used()?, Instant::now());
    sleep(AFTERMATH).await;
    let (before, idle, begin) = (used()?, idle_begin.elapsed(), Instant::now());
    for edit in &edits {
        edit.make(platform).await?;
        sleep(PACE).await;
    }
    sleep(AFTERMATH).await;
    let (after, busy) = (used()?, begin.elapsed());
    Ok([0, 1].map(|process| {
        let at_rest = (before[process] - idle_before[process]).as_secs_f64() / idle.as_secs_f64();
        let beyond = (after[process] - before[process]).as_secs_f64() - at_rest * busy.as_secs_f64();
        Duration::from_secs_f64((beyond / count as f64).max(0.0))
    }))
}

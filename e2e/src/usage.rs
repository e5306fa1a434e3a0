//! What a process costs: its id comes in; CPU time and resident memory go out, as `/proc` tells.

use std::fs::read_to_string;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

/// A tick of the times in `/proc/PID/stat` (USER_HZ, 100 on every Linux).
const TICK: Duration = Duration::from_millis(10);

/// A quiet process uses less CPU time than this in a [`LOOK`].
const QUIET: Duration = Duration::from_millis(40);
const LOOK: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(600);

/// The CPU time that a process has used, in user and system mode.
///
/// # Errors
/// When there is no such process.
pub fn cpu(process: u32) -> Result<Duration> {
    let stat = read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("a stat without a name")?;
    let mut times = fields.split(' ').skip(11).map_while(|ticks| ticks.parse::<u32>().ok());
    let (user, system) = times.next().zip(times.next()).context("a stat without times")?;
    Ok(TICK * (user + system))
}

/// The resident memory of a process, in MiB.
///
/// # Errors
/// When there is no such process.
pub fn memory(process: u32) -> Result<f64> {
    let status = read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}

/// Waits until none of the processes has had anything to do for three seconds.
///
/// # Errors
/// When one of them is gone, or they do not come to rest within ten minutes.
pub async fn settle(processes: &[u32]) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let total = || processes.iter().map(|process| cpu(*process)).sum::<Result<Duration>>();
    let mut quiet = 0;
    while quiet < 3 {
        anyhow::ensure!(Instant::now() < deadline, "the processes do not come to rest");
        let before = total()?;
        sleep(LOOK).await;
        quiet = if total()? - before < QUIET { quiet + 1 } else { 0 };
    }
    Ok(())
}

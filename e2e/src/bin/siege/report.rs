//! The tables of `make idle`, and what is judged: memory, and that everybody else was served.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::visitor::Visits;

/// The most that one may cost, in bytes. What is above that is a buffer that is held where none is needed. Some hundreds of
/// connections cost more each, because of what a process needs once.
const ALLOWED: [(&str, f64); 4] = [
    ("idle, without TLS", 6_000.0),
    ("idle, with TLS", 20_000.0),
    ("slow readers", 40_000.0),
    ("slow readers, in the kernel", 400_000.0),
];

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    costs: Vec<Cost>,
    visits: Vec<(String, Summary)>,
    faults: Vec<String>,
}

#[derive(Debug)]
struct Cost {
    what: &'static str,
    count: u32,
    before: f64,
    with: f64,
    each: f64,
}

#[derive(Debug)]
struct Summary {
    served: usize,
    failed: usize,
    median: Duration,
    p99: Duration,
    longest: Duration,
}

impl Report {
    /// Notes what `count` of something cost, from the memory before and with them, in MiB.
    pub(crate) fn cost(&mut self, what: &'static str, before: f64, with: f64, count: u32) {
        let each = (with - before) * 1024.0 * 1024.0 / f64::from(count);
        let allowed = ALLOWED.iter().find(|(name, _)| *name == what).map_or(0.0, |(_, bytes)| *bytes);
        if each > allowed {
            self.faults.push(format!("{what}: {each:.0} bytes each, and {allowed:.0} are allowed"));
        }
        self.costs.push(Cost { what, count, before, with, each });
    }

    /// Notes what the visitor noticed.
    pub(crate) fn visits(&mut self, beside: &str, visits: &Visits) {
        let mut times = visits.times.clone();
        times.sort_unstable();
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1));
        let [median, p99, longest] = [50, 99, 100].map(|percent| at(percent).copied().unwrap_or_default());
        if let Some(reason) = visits.failures.first() {
            self.faults
                .push(format!("{beside}: {} visits failed, the first: {reason}", visits.failures.len()));
        }
        let summary = Summary { served: times.len(), failed: visits.failures.len(), median, p99, longest };
        self.visits.push((beside.to_owned(), summary));
    }

    /// Fails if something was not as it has to be.
    pub(crate) fn verdict(&self) -> Result<()> {
        ensure!(self.faults.is_empty(), "{}", self.faults.join("\n"));
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| connections | | MiB before | MiB with them | bytes each |")?;
        writeln!(f, "| ---: | --- | ---: | ---: | ---: |")?;
        for Cost { what, count, before, with, each } in &self.costs {
            writeln!(f, "| {count} | {what} | {before:.1} | {with:.1} | {each:.0} |")?;
        }
        writeln!(f, "\n| another client beside | served | not served | median ms | p99 ms | longest ms |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
        for (beside, Summary { served, failed, median, p99, longest }) in &self.visits {
            let [median, p99, longest] = [median, p99, longest].map(|time| time.as_secs_f64() * 1000.0);
            writeln!(f, "| {beside} | {served} | {failed} | {median:.2} | {p99:.2} | {longest:.2} |")?;
        }
        Ok(())
    }
}

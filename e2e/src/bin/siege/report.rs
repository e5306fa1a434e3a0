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

/// Whoever else there is, this is the measure.
pub(crate) const NOBODY: &str = "nobody else";

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    costs: Vec<Cost>,
    visits: Vec<(String, Summary)>,
    /// The median and the 99th percentile of the visitor who was alone.
    alone: [Duration; 2],
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
    /// The median and the 99th percentile.
    times: [Duration; 2],
    /// How many times as long as alone they are.
    ratios: [f64; 2],
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
        if times.is_empty() {
            self.faults.push(format!("{beside}: no visit was served"));
        }
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
        let [median, p99, longest] = [50, 99, 100].map(|percent| at(percent).copied().unwrap_or_default());
        let now = [median, p99];
        if beside == NOBODY {
            self.alone = now;
        }
        let ratios = [0, 1].map(|which| now[which].as_secs_f64() / self.alone[which].as_secs_f64());
        if let Some(reason) = visits.failures.first() {
            self.faults
                .push(format!("{beside}: {} visits failed, the first: {reason}", visits.failures.len()));
        }
        let (served, failed) = (times.len(), visits.failures.len());
        self.visits.push((beside.to_owned(), Summary { served, failed, times: now, ratios, longest }));
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
        writeln!(
            f,
            "\n| another client beside | served | not served | median ms | times alone | p99 ms | times alone | longest ms |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for (beside, summary) in &self.visits {
            let Summary { served, failed, times: [median, p99], ratios: [usual, slow], longest } = summary;
            let [median, p99, longest] = [median, p99, longest].map(|time| time.as_secs_f64() * 1000.0);
            writeln!(
                f,
                "| {beside} | {served} | {failed} | {median:.2} | {usual:.1} | {p99:.2} | {slow:.1} | {longest:.2} |"
            )?;
        }
        Ok(())
    }
}

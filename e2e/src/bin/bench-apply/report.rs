//! The table: figures come in, Markdown goes out, with what others were measured to take beside it.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use e2e::usage;

use crate::cold_start::ColdStart;
use crate::edit::Edit;
use crate::measure::Figures;
use crate::platform::Platform;

/// From the API call to the first 200 of a new host, p50/p99 in ms; measured earlier on the same control plane.
const OTHERS: &str = "\
Others, measured earlier on the same control plane and machine, ms from the API call to the first 200 of a new host (p50/p99):

| | 10 | 1,000 | 10,000 |
| --- | --- | --- | --- |
| Traefik | 54/237 | 107/280 | 573/671 |
| Contour with Envoy | 113/119 | 147/208 | 457/531 (214 + 149 ms of CPU an edit) |
| HAProxy's ingress | 118/173 | 287/372 | |
| Contour, a lone edit after a quiet time | 13.5 | | 344 |
| Contour, an endpoint changed | 8/11 | 8/11 | 8/11 |

Their cold start with 10,000 routes: Contour 2.3 s; Traefik 3.7 s, which answers 404 for its first 0.8 s.";

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    samples: usize,
    edits: Vec<String>,
    memory: Vec<(usize, [f64; 2])>,
    cold_starts: Vec<String>,
}

impl Report {
    pub(crate) fn new(samples: usize) -> Self {
        Self { samples, edits: Vec::new(), memory: Vec::new(), cold_starts: Vec::new() }
    }

    /// Adds the memory of both processes.
    pub(crate) fn memory(&mut self, size: usize, platform: &Platform) -> Result<()> {
        let [controller, node] = platform.processes();
        self.memory.push((size, [usage::memory(controller)?, usage::memory(node)?]));
        Ok(())
    }

    /// Adds a kind of edit.
    pub(crate) fn edit(&mut self, size: usize, edit: Edit, figures: &Figures) {
        let [controller, node] = figures.cpu.map(milliseconds);
        let of = |samples: &[Duration]| [50, 99].map(|percent| milliseconds(percentile(samples, percent)));
        let ([seen, seen_99], [call, call_99]) = (of(&figures.seen), of(&figures.call));
        self.edits.push(format!(
            "| {size} | {} | {seen:.1} | {seen_99:.1} | {call:.1} | {call_99:.1} | {controller:.1} | {node:.1} |",
            edit.name()
        ));
    }

    /// Adds a cold start.
    pub(crate) fn cold_start(&mut self, size: usize, outcome: &ColdStart) {
        let [listens, complete, again] = [outcome.listens, outcome.complete, outcome.again].map(milliseconds);
        let refused: u64 = outcome.refused.values().sum();
        self.cold_starts.push(format!(
            "| {size} | {listens:.0} | {complete:.0} | {again:.0} | {refused} {:?} | {} |",
            outcome.refused, outcome.broken
        ));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "From the API call to the first answer that shows it, ms; {} edits each, one at a time:\n",
            self.samples
        )?;
        writeln!(f, "| Routes | edit | p50 | p99 | API call p50 | p99 | CPU controller | CPU node |")?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
        self.edits.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(
            f,
            "\nCPU is ms an edit, user and system, beyond idling, at up to 33 edits a second. Resident memory, MiB:\n"
        )?;
        writeln!(f, "| Routes | controller | node |\n| --- | --- | --- |")?;
        for (size, [controller, node]) in &self.memory {
            writeln!(f, "| {size} | {controller:.1} | {node:.1} |")?;
        }
        if let [(small, less), .., (large, more)] = self.memory.as_slice() {
            let each = |process: usize| (more[process] - less[process]) * 1024.0 / (large - small) as f64;
            writeln!(f, "| one more, KiB | {:.2} | {:.2} |", each(0), each(1))?;
        }
        writeln!(f, "\nCold start of a node, ms from the start of its process:\n")?;
        writeln!(
            f,
            "| Routes | listens | every host has answered 200 | of that, asking them | other answers until then | broken connections |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
        self.cold_starts.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "\n{OTHERS}")
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The nearest rank.
fn percentile(samples: &[Duration], percent: usize) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample() {
        let samples: Vec<Duration> = (1..=50).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&samples, 50), Duration::from_millis(25));
        assert_eq!(percentile(&samples, 99), Duration::from_millis(50));
        assert_eq!(percentile(&samples[..1], 50), Duration::from_millis(50));
    }
}

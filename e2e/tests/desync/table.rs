//! The counts of the grid, as a Markdown table with a line for each section of the list.

use std::fmt::Write;

use crate::backend::Kind;
use crate::probe::Probe;
use crate::verdict::{Outcome, Verdict};

/// Renders the table.
pub(crate) fn render(probes: &[Probe], verdicts: &[(Kind, Verdict)]) -> String {
    let names: Vec<_> = verdicts.iter().map(|(kind, _)| format!("{} saw", kind.name())).collect();
    let mut table = format!("| probes | | refused | forwarded | {} | desyncs |\n", names.join(" | "));
    table.push_str(&format!("| --- |{}\n", " ---: |".repeat(names.len() + 4)));
    let mut sections: Vec<_> = probes.iter().map(|probe| probe.section).collect();
    sections.dedup();
    for section in sections {
        line(&mut table, section, verdicts, |place| probes[place].section == section);
    }
    line(&mut table, "**all**", verdicts, |_| true);
    table
}

fn line(table: &mut String, name: &str, verdicts: &[(Kind, Verdict)], is_in: impl Fn(usize) -> bool) {
    let sums: Vec<_> = verdicts.iter().map(|(_, verdict)| Sum::of(&verdict.outcomes, &is_in)).collect();
    let strays: usize = verdicts.iter().map(|(_, verdict)| verdict.strays.len()).sum();
    let desyncs =
        sums.iter().map(|sum| sum.desyncs).sum::<usize>() + if name.contains("all") { strays } else { 0 };
    let distinct = |of: fn(&Sum) -> usize| {
        let mut values: Vec<_> = sums.iter().map(|sum| of(sum).to_string()).collect();
        values.dedup();
        values.join(" / ")
    };
    let seen: Vec<_> = sums.iter().map(|sum| sum.seen.to_string()).collect();
    // Cannot fail: a string takes every byte.
    let _ = writeln!(
        table,
        "| {name} | {} | {} | {} | {} | {desyncs} |",
        distinct(|sum| sum.probes),
        distinct(|sum| sum.refused),
        distinct(|sum| sum.forwarded),
        seen.join(" | "),
    );
}

#[derive(Default)]
struct Sum {
    probes: usize,
    refused: usize,
    forwarded: usize,
    seen: usize,
    desyncs: usize,
}

impl Sum {
    fn of(outcomes: &[Outcome], is_in: impl Fn(usize) -> bool) -> Self {
        let chosen = outcomes.iter().enumerate().filter(|(place, _)| is_in(*place));
        chosen.fold(Self::default(), |sum, (_, outcome)| Self {
            probes: sum.probes + 1,
            refused: sum.refused + outcome.refused,
            forwarded: sum.forwarded + outcome.forwarded,
            seen: sum.seen + outcome.seen.len(),
            desyncs: sum.desyncs + outcome.desyncs,
        })
    }
}

//! The table: figures come in; Markdown goes out, each figure beside its ratio to the others'.

use std::fmt;

use crate::case::Case;
use crate::proxy::Kind;
use crate::round::Figures;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    figures: Vec<(Case, Kind, Figures)>,
    memory: Vec<(Kind, f64)>,
    idle: Vec<(Kind, f64)>,
}

/// One thing that is measured of a case.
type Measure = (&'static str, fn(&Figures) -> f64);

const MEASURES: [Measure; 3] = [
    ("CPU, µs a request", |figures| figures.cpu),
    ("requests a second", |figures| figures.per_second),
    ("p99, ms", |figures| figures.p99),
];

impl Report {
    pub(crate) fn figures(&mut self, case: Case, kind: Kind, figures: Figures) {
        self.figures.push((case, kind, figures));
    }

    /// Adds the memory of a proxy at rest, in MiB.
    pub(crate) fn memory(&mut self, kind: Kind, memory: f64) {
        self.memory.push((kind, memory));
    }

    /// Adds the memory of an idle connection, in KiB.
    pub(crate) fn idle(&mut self, kind: Kind, memory: f64) {
        self.idle.push((kind, memory));
    }

    fn median(&self, case: Case, kind: Kind, measure: fn(&Figures) -> f64) -> f64 {
        let of = self.figures.iter().filter(|(c, k, _)| (*c, *k) == (case, kind));
        let mut figures: Vec<_> = of.map(|(_, _, figures)| measure(figures)).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Kind::ALL.map(Kind::name);
        writeln!(f, "| | | {} | ours / nginx | ours / HAProxy |", names.join(" | "))?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- |")?;
        for (name, measure) in MEASURES {
            for case in Case::ALL {
                row(f, case.name(), name, Kind::ALL.map(|kind| self.median(case, kind, measure)))?;
            }
        }
        let of = |figures: &[(Kind, f64)]| {
            Kind::ALL
                .map(|kind| figures.iter().find(|(k, _)| *k == kind).map_or(f64::NAN, |(_, figure)| *figure))
        };
        row(f, "at rest, with all hosts", "memory, MiB", of(&self.memory))?;
        row(f, "an idle connection", "memory, KiB", of(&self.idle))
    }
}

fn row(f: &mut fmt::Formatter<'_>, case: &str, measure: &str, figures: [f64; 3]) -> fmt::Result {
    let [ours, nginx, haproxy] = figures;
    let figures = figures.map(|figure| match figure {
        large if large >= 1000.0 => format!("{large:.0}"),
        small => format!("{small:.1}"),
    });
    // nginx has the memory of its connections from the start, so that an idle one costs nothing that can be seen.
    let ratios = [ours / nginx, ours / haproxy].map(|ratio| match ratio {
        ratio if ratio.is_finite() => format!("{ratio:.2}"),
        _ => "-".to_owned(),
    });
    writeln!(f, "| {measure} | {case} | {} | {} |", figures.join(" | "), ratios.join(" | "))
}

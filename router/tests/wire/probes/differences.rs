//! The listed differences: a table in `docs/flynn-differences.md`, read by people and by this test.
//!
//! A row names the probes (or `*` for any), the side, the lines that only Flynn gave, those that only we give, and why.

use std::fs;
use std::path::Path;

/// What differs on one side of one probe.
pub(super) struct Difference {
    side: &'static str,
    flynn: Vec<String>,
    ours: Vec<String>,
}

impl Difference {
    pub(super) fn between(side: &'static str, mut flynn: Vec<String>, mut ours: Vec<String>) -> Self {
        flynn.retain(|line| {
            let same = ours.iter().position(|other| other == line);
            same.map(|place| ours.remove(place)).is_none()
        });
        Self { side, flynn, ours }
    }
}

/// The table.
pub(super) struct Differences {
    rows: Vec<Row>,
}

struct Row {
    text: String,
    /// With whether it has explained something of that probe.
    probes: Vec<(String, bool)>,
    side: String,
    flynn: Vec<String>,
    ours: Vec<String>,
}

impl Differences {
    pub(super) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/flynn-differences.md");
        let text = fs::read_to_string(path).unwrap();
        let table = text.lines().skip_while(|line| !line.starts_with("| probe |")).skip(2);
        Self { rows: table.take_while(|line| line.starts_with('|')).map(Row::read).collect() }
    }

    /// What no row explains, as the row that would.
    pub(super) fn explain(&mut self, probe: &str, mut difference: Difference) -> Option<String> {
        for row in &mut self.rows {
            row.explain(probe, &mut difference);
        }
        let Difference { side, flynn, ours } = difference;
        (!flynn.is_empty() || !ours.is_empty())
            .then(|| format!("| `{probe}` | {side} | {} | {} | why? |", cell(&flynn), cell(&ours)))
    }

    pub(super) fn unused(&self) -> Vec<String> {
        let is_useless = |row: &&Row| row.probes.iter().any(|(_, used)| !used);
        self.rows.iter().filter(is_useless).map(|row| row.text.clone()).collect()
    }
}

impl Row {
    fn read(line: &str) -> Self {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").collect();
        let [probes, side, flynn, ours, why] = cells[..] else {
            panic!("a row has five cells: {line}");
        };
        assert!(why.trim().len() > 10, "a row says why: {line}");
        Self {
            text: line.to_owned(),
            probes: codes(probes).into_iter().map(|name| (name, false)).collect(),
            side: side.trim().to_owned(),
            flynn: codes(flynn),
            ours: codes(ours),
        }
    }

    fn explain(&mut self, probe: &str, difference: &mut Difference) {
        let Some((_, used)) = self.probes.iter_mut().find(|(name, _)| name == "*" || name == probe) else {
            return;
        };
        let all = |lines: &[String], of: &[String]| lines.iter().all(|line| of.contains(line));
        if self.side != difference.side
            || !all(&self.flynn, &difference.flynn)
            || !all(&self.ours, &difference.ours)
        {
            return;
        }
        *used = true;
        difference.flynn.retain(|line| !self.flynn.contains(line));
        difference.ours.retain(|line| !self.ours.contains(line));
    }
}

/// What a cell has between backticks.
fn codes(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn cell(lines: &[String]) -> String {
    match lines {
        [] => "\u{2013}".into(),
        lines => lines.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join("<br>"),
    }
}

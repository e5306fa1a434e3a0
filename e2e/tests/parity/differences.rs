//! Two outcomes of a step come in, and what no row of `docs/api-parity.md` explains goes out.
//!
//! A row of a table there whose first cell is code is a rule: the steps (`topic: title`, with `*` for any text), the
//! lines that differ in them (`- ` begins one that only the real API prints, `+ ` one that only ours does), and the reason.
//! A line that only one server prints has to be one of those; a rule that explains nothing is outdated.

use anyhow::{Context, Result, ensure};
use regex::Regex;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::play::Outcome;

/// How many equal lines are shown around a difference.
const CONTEXT: usize = 2;

/// A row of the list.
#[derive(Debug)]
pub(crate) struct Rule {
    row: String,
    steps: Vec<Regex>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    text: String,
    pattern: Regex,
    used: bool,
}

/// The rules of the list.
pub(crate) fn rules(document: &str) -> Result<Vec<Rule>> {
    document.lines().filter(|line| line.starts_with("| `")).map(Rule::parse).collect()
}

/// What the rules do not explain of how a step differs, to be read by a person; none if they explain all.
pub(crate) fn unexplained(topic: &str, real: &Outcome, ours: &Outcome, rules: &mut [Rule]) -> Option<String> {
    if real.lines == ours.lines {
        return None;
    }
    let id = format!("{topic}: {}", real.title);
    let mut explained = |line: &str| {
        let of_step = rules.iter_mut().filter(|rule| rule.steps.iter().any(|steps| steps.is_match(&id)));
        let lines = of_step.flat_map(|rule| &mut rule.lines).filter(|known| known.pattern.is_match(line));
        lines.map(|known| known.used = true).count() > 0
    };
    let (mut unexplained, mut shown) = (false, vec![format!("{id}\n    {}", real.source)]);
    for operation in capture_diff_slices(Algorithm::Patience, &real.lines, &ours.lines) {
        if let DiffOp::Equal { old_index, len, .. } = operation {
            shown.extend(context(&real.lines[old_index..old_index + len]));
            continue;
        }
        for line in sides(&operation, real, ours) {
            let listed = explained(&line);
            unexplained |= !listed;
            shown.push(if listed { format!("{line}    <- listed") } else { line });
        }
    }
    unexplained.then(|| shown.join("\n"))
}

/// The rows that explained nothing.
pub(crate) fn outdated(rules: &[Rule]) -> Vec<String> {
    let unused = |rule: &Rule| {
        let lines: Vec<_> = rule.lines.iter().filter(|line| !line.used).map(|line| &*line.text).collect();
        (!lines.is_empty()).then(|| format!("{}\n    no such line differs: {}", rule.row, lines.join(" or ")))
    };
    rules.iter().filter_map(unused).collect()
}

impl Rule {
    fn parse(row: &str) -> Result<Self> {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        ensure!(cells.len() == 3 && !cells[2].is_empty(), "steps, lines and a reason: {row}");
        let steps = code(cells[0]).iter().map(|steps| glob(steps)).collect::<Result<Vec<_>>>()?;
        let lines = code(cells[1]).into_iter();
        let lines = lines.map(|text| Ok(Line { pattern: glob(&text)?, text, used: false }));
        let lines = lines.collect::<Result<Vec<_>>>()?;
        ensure!(!steps.is_empty() && !lines.is_empty(), "steps and lines are code: {row}");
        Ok(Self { row: row.to_owned(), steps, lines })
    }
}

/// What is between backticks.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(|text| text.replace("\\|", "|")).collect()
}

fn glob(text: &str) -> Result<Regex> {
    let parts: Vec<_> = text.split('*').map(regex::escape).collect();
    Regex::new(&format!("^{}$", parts.join(".*"))).context("the pattern is too long")
}

fn sides(operation: &DiffOp, real: &Outcome, ours: &Outcome) -> Vec<String> {
    let removed =
        real.lines[operation.old_range()].iter().map(|line| format!("- {line}").trim_end().to_owned());
    let added =
        ours.lines[operation.new_range()].iter().map(|line| format!("+ {line}").trim_end().to_owned());
    removed.chain(added).collect()
}

fn context(lines: &[String]) -> Vec<String> {
    let show = |line: &String| format!("  {line}");
    if lines.len() <= 2 * CONTEXT {
        return lines.iter().map(show).collect();
    }
    let first = lines[..CONTEXT].iter().map(show);
    first.chain(["  ...".to_owned()]).chain(lines[lines.len() - CONTEXT..].iter().map(show)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "| steps | lines | why |\n| --- | --- | --- |\n| `get: all*` | `- b*` `+ c` | it is so |\n";

    fn outcome(lines: &[&str]) -> Outcome {
        let lines = lines.iter().map(ToString::to_string).collect();
        Outcome { title: "all of it".into(), source: "$ kubectl get all".into(), lines }
    }

    fn compared(topic: &str, real: &[&str], ours: &[&str]) -> (Option<String>, Vec<String>) {
        let mut rules = rules(LIST).expect("the list is well-formed");
        let unexplained = unexplained(topic, &outcome(real), &outcome(ours), &mut rules);
        (unexplained, outdated(&rules))
    }

    #[test]
    fn a_listed_difference_is_explained_and_used() {
        assert_eq!(compared("get", &["a", "bb"], &["a", "c"]), (None, vec![]));
    }

    #[test]
    fn a_line_that_no_row_has_is_shown_beside_those_that_one_has() {
        let (shown, _) = compared("get", &["a", "b"], &["a", "d"]);
        assert_eq!(
            shown.as_deref(),
            Some("get: all of it\n    $ kubectl get all\n  a\n- b    <- listed\n+ d")
        );
    }

    #[test]
    fn a_listed_line_of_the_other_server_is_no_excuse() {
        assert!(compared("get", &["c"], &["b"]).0.is_some());
    }

    #[test]
    fn a_row_is_for_its_steps_only() {
        assert!(compared("list", &["b"], &["c"]).0.is_some());
    }

    #[test]
    fn a_row_without_a_difference_is_outdated() {
        let (shown, outdated) = compared("get", &["a"], &["a"]);
        assert_eq!((shown, outdated.len()), (None, 1));
        let (_, outdated) = compared("get", &["b"], &[]);
        assert!(outdated[0].ends_with("no such line differs: + c"), "{outdated:?}");
    }

    #[test]
    fn a_row_without_a_reason_is_refused() {
        assert!(rules("| `get: *` | `*` | |").is_err());
        assert!(rules("| `get: *` | `*` |").is_err());
    }
}

//! What AWS was asked for in a random life, and how often which fault met it: one line for each action.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use e2e::amazon::{Call, Fault};

/// The faults, each with the word at the head of its column.
const COLUMNS: [&str; 6] = ["throttled", "5xx", "lost reply", "dropped", "late", "empty list"];

fn column(fault: &Fault) -> Option<usize> {
    match fault {
        Fault::Throttle => Some(0),
        Fault::ServerError => Some(1),
        Fault::LoseReply => Some(2),
        Fault::Drop => Some(3),
        Fault::Delay(_) => Some(4),
        Fault::EmptyList => Some(5),
        Fault::Deny(_) | Fault::HoldRequest | Fault::HoldReply => None,
    }
}

/// The table.
pub(super) fn of(calls: &[Call]) -> String {
    let mut lines: BTreeMap<&str, (usize, [usize; COLUMNS.len()])> = BTreeMap::new();
    for call in calls {
        let (count, faults) = lines.entry(&call.action).or_default();
        *count += 1;
        call.fault.as_ref().and_then(column).into_iter().for_each(|at| faults[at] += 1);
    }
    let mut table =
        format!("| action | calls | {} |\n|---|---|{}", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()));
    for (action, (count, faults)) in lines {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        let _ = write!(table, "\n| `{action}` | {count} | {} |", faults.join(" | "));
    }
    table
}

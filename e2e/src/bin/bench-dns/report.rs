//! The table: what was measured comes in; rows go out, with what external-dns 0.22 does in the same place (measured on a real kube-apiserver with moto, 50
//! endpoints).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::measure::{Added, Ill};

/// The rows so far.
pub(crate) struct Report {
    nodes: usize,
    rows: Vec<Row>,
}

struct Row {
    what: String,
    ours: String,
    theirs: &'static str,
}

impl Report {
    /// Without rows.
    pub(crate) fn new(nodes: usize) -> Self {
        Self { nodes, rows: Vec::new() }
    }

    fn row(&mut self, what: &str, ours: String, theirs: &'static str) {
        self.rows.push(Row { what: what.to_owned(), ours, theirs });
    }

    /// The calls of a look.
    pub(crate) fn reads(&mut self, reads: BTreeMap<String, f64>) {
        let sum: f64 =
            reads.iter().filter(|(action, _)| !action.ends_with("Status")).map(|(_, count)| count).sum();
        self.row("reads of a look in sync", format!("{sum:.1}, and 0 writes"), "3 a resync");
        for (action, count) in reads {
            self.row(&format!("  {action}"), format!("{count:.1}"), "");
        }
    }

    /// Nodes that came.
    pub(crate) fn added(&mut self, times: Vec<Added>) {
        let part = |part: fn(&Added) -> Duration| spread(times.iter().map(part).collect());
        let whole = part(|added| added.associated + added.probes + added.published);
        let (associated, probes) = (part(|added| added.associated), part(|added| added.probes));
        let published = part(|added| added.published);
        self.row(
            "a new node, until its record is on every name server",
            whole,
            "3.0 s (1.2 to 5.3), without a check",
        );
        self.row("  until its address is associated", associated, "does none");
        self.row("  our own two probes", probes, "does none");
        self.row("  health check, record, INSYNC (0.05 s in the double)", published, "");
    }

    /// Nodes that were cordoned.
    pub(crate) fn cordoned(&mut self, times: Vec<Duration>) {
        self.row("a node is cordoned, until its record is gone", spread(times), "3.0 s (1.2 to 5.3)");
    }

    /// The controller that died.
    pub(crate) fn killed(&mut self, (started, healed): (Duration, Duration)) {
        let ours = format!("{} (of which {} to start)", seconds(healed), seconds(started));
        self.row("kill -9 in the middle of a change, from the restart until it is healed", ours, "0.25 s");
    }

    /// The nodes that were ill.
    pub(crate) fn ill(&mut self, ill: Ill) {
        self.row(
            "a dead node, until no answer names it (Route 53's part)",
            seconds(ill.dead_answers),
            "no checks: never",
        );
        self.row("a dead node, until its record is gone (our part)", seconds(ill.dead_record), "never");
        self.row("a node that is not ready, until its record is gone", seconds(ill.unready_record), "never");
    }

    /// No nodes at all.
    pub(crate) fn emptied(&mut self, left: usize, nodes: usize) {
        self.row("the list of nodes is empty: records left", format!("{left} of {nodes}"), "0, after 0.3 s");
    }

    /// No node that serves.
    pub(crate) fn all_cordoned(&mut self, left: usize, nodes: usize) {
        self.row(
            "all nodes are cordoned: records left",
            format!("{left} of {nodes}"),
            "0: the name is deleted",
        );
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// The median, and from where to where.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    match times.as_slice() {
        [] => "none".to_owned(),
        [first, .., last] => {
            let middle = times[times.len() / 2];
            format!("{} ({:.2} to {:.2})", seconds(middle), first.as_secs_f64(), last.as_secs_f64())
        }
        [one] => seconds(*one),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} nodes\n", self.nodes)?;
        writeln!(f, "| | flynn-operator | external-dns 0.22 |\n|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} | {} | {} |", row.what, row.ours, row.theirs))
    }
}

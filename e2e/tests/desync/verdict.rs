//! The verdict: what came back for the probes and what the backend saw come in, the differences go out.
//!
//! Every request that the backend saw has to be one that the router answered from it, once, with the router's marks on it.
//! A request without these, or one more of the same, was made out of somebody's body: a desync.

use anyhow::Result;

use crate::answer::Answer;
use crate::backend::{Kind, Record};
use crate::probe::{Expected, Probe, Sent};

/// A probe and what came back for it.
pub(crate) struct Played<'a> {
    pub(crate) probe: &'a Probe,
    /// Or why that cannot be told.
    pub(crate) answers: Result<Vec<Answer>>,
}

/// What came of all probes on one backend.
pub(crate) struct Verdict {
    /// In the order of the probes.
    pub(crate) outcomes: Vec<Outcome>,
    /// Requests that no probe can have sent, or that nobody forwarded.
    pub(crate) strays: Vec<String>,
    /// Whether the router has counted as many responses of the backend as came back.
    counted: Result<()>,
}

/// What came of one probe.
pub(crate) struct Outcome {
    name: String,
    /// Requests that the router answered itself, with a refusal.
    pub(crate) refused: usize,
    /// Requests that it forwarded, as its answers tell.
    pub(crate) forwarded: usize,
    /// Requests that the backend saw whole: method, which one it was, and the length of the body.
    pub(crate) seen: Vec<(String, Sent, usize)>,
    /// Whether backends may differ.
    may_differ: bool,
    /// Requests that the backend saw beyond those.
    pub(crate) desyncs: usize,
    faults: Vec<String>,
}

/// Compares.
pub(crate) fn of(played: &[Played<'_>], records: &[Record], counted: Result<()>) -> Verdict {
    let outcomes: Vec<_> = played.iter().map(|played| outcome(played, records)).collect();
    let is_known = |record: &&Record| played.iter().any(|played| belongs(record, played.probe));
    let mut strays: Vec<_> =
        records.iter().filter(|record| !is_known(record)).map(|record| format!("{record:?}")).collect();
    // What a server refuses by itself it need not tell whose it was: only their number can be compared.
    let refusals = played.iter().map(|played| own_refusals(played.probe, played.answers())).sum();
    if strays.len() <= refusals && records.iter().filter(|record| !is_known(record)).all(is_refusal) {
        strays.clear();
    }
    Verdict { outcomes, strays, counted }
}

impl Played<'_> {
    /// How many of the answers are the backend's.
    pub(crate) fn forwarded(&self) -> usize {
        let answers = self.answers();
        let seen = answers.iter().filter(|answer| answer.saw.is_some()).count();
        seen + own_refusals(self.probe, answers)
    }

    fn answers(&self) -> &[Answer] {
        self.answers.as_deref().unwrap_or_default()
    }
}

fn is_refusal(record: &Record) -> bool {
    record.refused.is_some() || (!record.whole && record.marks.is_empty())
}

/// The answers in which the backend refused a request that was forwarded to it.
fn own_refusals(probe: &Probe, answers: &[Answer]) -> usize {
    let pairs = probe.expected.iter().zip(answers);
    pairs
        .filter(|(expected, answer)| **expected == Expected::BackendOrRefusal && answer.saw.is_none())
        .count()
}

fn outcome(played: &Played<'_>, records: &[Record]) -> Outcome {
    let (probe, answers) = (played.probe, played.answers());
    let mine: Vec<_> = records.iter().filter(|record| belongs(record, probe)).collect();
    let mut faults = match &played.answers {
        Ok(answers) => compare(probe, answers),
        Err(error) => vec![format!("{error:#}")],
    };
    let (mut desyncs, mut seen) = (0, Vec::new());
    for sent in [Sent::Probe, Sent::Smuggled, Sent::After] {
        let whole: Vec<_> =
            mine.iter().filter(|record| record.whole && record.target.contains(sent.path())).collect();
        let answered = answers.iter().filter(|answer| answers_to(answer, probe, sent)).count();
        let unmarked = whole.iter().filter(|record| record.marks.len() != 13).count();
        if whole.len() != answered || unmarked > 0 {
            let times = whole.len();
            faults.push(format!(
                "{sent:?} was seen {times} times, {unmarked} times without the router's marks, answered {answered} times"
            ));
        }
        desyncs += unmarked.max(whole.len().saturating_sub(answered));
        seen.extend(whole.iter().map(|record| (record.method.clone(), sent, record.body.len())));
    }
    let begun = mine.iter().filter(|record| !record.whole).count();
    if begun > allowed_beginnings(probe) {
        faults.push(format!("{begun} requests of which the backend saw the beginning only"));
    }
    Outcome {
        name: probe.name.clone(),
        refused: answers.len() - played.forwarded(),
        forwarded: played.forwarded(),
        seen,
        may_differ: probe.expected.contains(&Expected::BackendOrRefusal),
        desyncs,
        faults,
    }
}

/// What came back beside what had to.
fn compare(probe: &Probe, answers: &[Answer]) -> Vec<String> {
    let expected: Vec<_> =
        probe.expected.iter().filter(|expected| !matches!(expected, Expected::Nothing { .. })).collect();
    let fits = expected.len() == answers.len()
        && expected.iter().zip(answers).all(|(expected, answer)| is_met(**expected, answer, probe));
    if fits { Vec::new() } else { vec![format!("expected {:?}, got {answers:?}", probe.expected)] }
}

fn is_met(expected: Expected, answer: &Answer, probe: &Probe) -> bool {
    match expected {
        Expected::Backend(sent) => answers_to(answer, probe, sent),
        Expected::BackendOrRefusal => {
            answers_to(answer, probe, Sent::Probe) || (answer.saw.is_none() && answer.status >= 400)
        }
        Expected::Router { status, .. } => answer.saw.is_none() && answer.status == status,
        Expected::Nothing { .. } => false,
    }
}

fn answers_to(answer: &Answer, probe: &Probe, sent: Sent) -> bool {
    let target = format!("/{}{}", probe.id, sent.path());
    answer.status == 200 && answer.saw.as_ref().is_some_and(|saw| saw.contains(&target))
}

fn belongs(record: &Record, probe: &Probe) -> bool {
    record.target.contains(&probe.id) || record.host.to_lowercase().starts_with(&probe.id)
}

fn allowed_beginnings(probe: &Probe) -> usize {
    let allows = |expected: &&Expected| {
        matches!(
            expected,
            Expected::Router { begun: true, .. }
                | Expected::Nothing { begun: true }
                | Expected::BackendOrRefusal
        )
    };
    probe.expected.iter().filter(allows).count()
}

/// What one backend saw differently from another, a line each.
pub(crate) fn differences((first, a): &(Kind, Verdict), (second, b): &(Kind, Verdict)) -> Vec<String> {
    let pairs = a.outcomes.iter().zip(&b.outcomes);
    let differ = pairs.filter(|(a, b)| a.seen != b.seen && !a.may_differ);
    let line = |(a, b): (&Outcome, &Outcome)| {
        format!("{}: {} saw {:?}, {} {:?}", a.name, first.name(), a.seen, second.name(), b.seen)
    };
    differ.map(line).collect()
}

impl Verdict {
    /// Everything that is not as it has to be, a line each.
    pub(crate) fn faults(&self, kind: Kind) -> Vec<String> {
        let of_probes = self.outcomes.iter().flat_map(|outcome| {
            outcome
                .faults
                .iter()
                .map(move |fault| format!("{} before {}: {fault}", outcome.name, kind.name()))
        });
        let strays = self.strays.iter().map(|stray| format!("nobody sent this to {}: {stray}", kind.name()));
        let count = self.counted.as_ref().err();
        let count =
            count.map(|error| format!("the router before {} counts otherwise: {error:#}", kind.name()));
        of_probes.chain(strays).chain(count).collect()
    }
}

//! The operator's own probes of the nodes' public addresses, with the parameters of their health checks: nobody enters DNS who does not answer us, and
//! who answers us no more has to leave.
//!
//! Every address is asked every 10 s, all at the same time; every 5 s as long as one of them has not given the same answer three times in a row. `question.rs`
//! asks; what the answers mean is for the plan to say.

mod question;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crds::DnsHealthCheck;
use futures::future::join_all;
use jiff::Timestamp;
use plan::aws::Probe;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Surroundings;
pub(super) use question::ask;

/// The time between two rounds.
const ROUND: Duration = Duration::from_secs(10);

/// The same as long as an address is undecided.
const DOUBTFUL_ROUND: Duration = Duration::from_secs(5);

/// So many equal answers in a row decide.
const DECIDED: u32 = 3;

/// Who is asked, and how.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Targets {
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) check: DnsHealthCheck,
}

/// The running probes; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Prober {
    wanted: watch::Sender<Option<Targets>>,
    found: watch::Receiver<BTreeMap<IpAddr, Probe>>,
    _task: JoinSet<()>,
}

impl Prober {
    /// Begins to probe, nobody yet.
    pub(super) fn start<S: Surroundings>(surroundings: Arc<S>) -> Self {
        let (wanted, targets) = watch::channel(None);
        let (answers, found) = watch::channel(BTreeMap::new());
        let mut task = JoinSet::new();
        task.spawn(follow(surroundings, targets, answers));
        Self { wanted, found, _task: task }
    }

    /// Has these be probed from now on.
    pub(super) fn want(&self, targets: Option<Targets>) {
        self.wanted.send_if_modified(|before| std::mem::replace(before, targets) != *before);
    }

    /// What was found last.
    pub(super) fn found(&self) -> BTreeMap<IpAddr, Probe> {
        self.found.borrow().clone()
    }

    /// Waits until an address has answered otherwise than before, or one that is undecided has answered again.
    pub(super) async fn changed(&mut self) {
        if self.found.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn follow<S: Surroundings>(
    surroundings: Arc<S>,
    mut wanted: watch::Receiver<Option<Targets>>,
    found: watch::Sender<BTreeMap<IpAddr, Probe>>,
) {
    let mut check = None;
    loop {
        let targets = wanted.borrow_and_update().clone();
        let addresses = targets.as_ref().map(|targets| targets.addresses.clone()).unwrap_or_default();
        let asked = targets.map(|targets| targets.check);
        if check != asked {
            // What another question was answered says nothing.
            found.send_modify(BTreeMap::clear);
            check = asked;
        }
        let round = Instant::now();
        let answers = match &check {
            Some(check) => join_all(addresses.iter().map(|address| surroundings.ask(*address, check))).await,
            None => Vec::new(),
        };
        let answers = addresses.iter().copied().zip(answers).collect();
        found.send_if_modified(|known| take(known, &addresses, answers, surroundings.now()));
        let wait = if found.borrow().values().any(is_doubtful) { DOUBTFUL_ROUND } else { ROUND };
        tokio::select! {
            () = sleep_until(round + wait) => {}
            changed = wanted.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

fn is_doubtful(probe: &Probe) -> bool {
    probe.in_row < DECIDED
}

/// Takes a round of answers in, and says whether a plan may come out otherwise for them.
fn take(
    known: &mut BTreeMap<IpAddr, Probe>,
    addresses: &BTreeSet<IpAddr>,
    answers: Vec<(IpAddr, Option<Result<String, String>>)>,
    now: Timestamp,
) -> bool {
    known.retain(|address, _| addresses.contains(address));
    let mut is_news = false;
    for (address, answer) in answers {
        let Some(answer) = answer else { continue };
        let probe = after(known.get(&address), answer, now);
        is_news |= probe.in_row <= DECIDED;
        known.insert(address, probe);
    }
    is_news
}

/// What is known of an address after one more answer.
fn after(before: Option<&Probe>, answer: Result<String, String>, now: Timestamp) -> Probe {
    let ok = answer.is_ok();
    let (Ok(said) | Err(said)) = answer;
    match before.filter(|before| before.ok == ok) {
        Some(before) => Probe { ok, since: before.since, in_row: before.in_row.saturating_add(1), said },
        None => Probe { ok, since: now, in_row: 1, said },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn address() -> IpAddr {
        [203, 0, 113, 7].into()
    }

    fn round(known: &mut BTreeMap<IpAddr, Probe>, answer: Option<Result<&str, &str>>, second: i64) -> bool {
        let answer = answer.map(|answer| answer.map(str::to_owned).map_err(str::to_owned));
        take(known, &[address()].into(), vec![(address(), answer)], at(second))
    }

    #[test]
    fn equal_answers_are_counted_from_the_first_and_another_begins_anew() {
        let mut known = BTreeMap::new();
        round(&mut known, Some(Ok("200")), 10);
        round(&mut known, Some(Ok("204")), 20);
        let expected = Probe { ok: true, since: at(10), in_row: 2, said: "204".into() };
        assert_eq!(known[&address()], expected);
        round(&mut known, Some(Err("connection refused")), 30);
        let expected = Probe { ok: false, since: at(30), in_row: 1, said: "connection refused".into() };
        assert_eq!(known[&address()], expected);
    }

    #[test]
    fn the_first_three_equal_answers_are_news_and_no_further_one() {
        let mut known = BTreeMap::new();
        let news: Vec<bool> = (0..5).map(|second| round(&mut known, Some(Ok("200")), second)).collect();
        assert_eq!(news, [true, true, true, false, false]);
        assert!(round(&mut known, Some(Err("503")), 6));
    }

    #[test]
    fn what_this_machine_could_not_ask_changes_nothing_and_what_nobody_wants_is_forgotten() {
        let mut known = BTreeMap::new();
        round(&mut known, Some(Ok("200")), 10);
        let before = known.clone();
        assert!(!round(&mut known, None, 20));
        assert_eq!(known, before);
        take(&mut known, &BTreeSet::new(), Vec::new(), at(30));
        assert!(known.is_empty());
    }
}

//! What Route 53's checkers find of each health check, asked for at a pace of its own, because there is one call for each.
//!
//! Every 15 s up to four checks are asked about, those first that were never asked about, then those whose address our own probe finds ill, then the
//! longest ago. So three nodes are known to half a minute, 50 to four, and the calls are 0.27 a second at most, below the one that Route 53 grants.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws::HealthChecks;
use futures::future::join_all;
use plan::aws::{Health, HealthCheck, HealthCheckId, Probe};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The time between two rounds.
const ROUND: Duration = Duration::from_secs(15);

/// How many are asked about in a round: Route 53 grants as many at once.
const AT_ONCE: usize = 4;

/// An answer is good for so long.
const FRESH: Duration = Duration::from_secs(25);

/// By how much sooner the turn of an address comes that our own probe finds ill.
const URGENCY: Duration = Duration::from_secs(120);

/// The checks in use; true for those that are urgent.
type Wanted = BTreeMap<HealthCheckId, bool>;

/// The running questions; they end when this is dropped.
#[derive(Debug)]
pub(super) struct Checkers {
    wanted: watch::Sender<Wanted>,
    found: watch::Receiver<BTreeMap<HealthCheckId, Health>>,
    _task: JoinSet<()>,
}

impl Checkers {
    /// Begins to ask.
    pub(super) fn start(checks: Arc<dyn HealthChecks>) -> Self {
        let (wanted, wishes) = watch::channel(Wanted::new());
        let (answers, found) = watch::channel(BTreeMap::new());
        let mut task = JoinSet::new();
        task.spawn(follow(checks, wishes, answers));
        Self { wanted, found, _task: task }
    }

    /// Has these be asked about from now on.
    pub(super) fn want(
        &self,
        checks: &[HealthCheck],
        used: &BTreeSet<HealthCheckId>,
        probes: &BTreeMap<IpAddr, Probe>,
    ) {
        let address = |id: &HealthCheckId| {
            let check = checks.iter().find(|check| check.id == *id)?;
            Some(check.config.as_ref()?.address)
        };
        let is_ill = |address| probes.get(&address).is_some_and(|probe: &Probe| !probe.ok);
        let wanted: Wanted = used.iter().map(|id| (id.clone(), address(id).is_some_and(is_ill))).collect();
        self.wanted.send_if_modified(|before| std::mem::replace(before, wanted) != *before);
    }

    /// What was found last.
    pub(super) fn found(&self) -> BTreeMap<HealthCheckId, Health> {
        self.found.borrow().clone()
    }

    /// Waits until Route 53 takes an address for other than before.
    pub(super) async fn changed(&mut self) {
        if self.found.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn follow(
    checks: Arc<dyn HealthChecks>,
    mut wanted: watch::Receiver<Wanted>,
    found: watch::Sender<BTreeMap<HealthCheckId, Health>>,
) {
    let mut asked: BTreeMap<HealthCheckId, Instant> = BTreeMap::new();
    loop {
        let wishes = wanted.borrow_and_update().clone();
        asked.retain(|id, _| wishes.contains_key(id));
        let turn = next(&wishes, &asked, Instant::now());
        let answers = join_all(turn.iter().map(|id| checks.health(id))).await;
        let now = Instant::now();
        asked.extend(turn.iter().map(|id| (id.clone(), now)));
        let answers = turn.into_iter().zip(answers).filter_map(|(id, answer)| match answer {
            Ok(health) => Some((id, health)),
            Err(failure) => {
                tracing::debug!(%id, %failure, "it is not known what Route 53's checkers find");
                None
            }
        });
        let answers: Vec<_> = answers.collect();
        found.send_if_modified(|known| take(known, answers, &wishes));
        tokio::select! {
            () = sleep(ROUND) => {}
            () = first(&mut wanted), if asked.is_empty() => {}
        }
    }
}

/// Waits until there is a check to ask about.
async fn first(wanted: &mut watch::Receiver<Wanted>) {
    if wanted.wait_for(|wanted| !wanted.is_empty()).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whose turn it is.
fn next(wanted: &Wanted, asked: &BTreeMap<HealthCheckId, Instant>, now: Instant) -> Vec<HealthCheckId> {
    // How long ago, as far as that counts; what was never asked about comes first.
    let age = |id: &HealthCheckId, urgent: bool| match asked.get(id) {
        Some(at) => (now - *at) + if urgent { URGENCY } else { Duration::ZERO },
        None => Duration::MAX,
    };
    let is_due = |id: &HealthCheckId| asked.get(id).is_none_or(|at| now - *at >= FRESH);
    let mut due: Vec<_> = wanted.iter().filter(|(id, _)| is_due(id)).collect();
    due.sort_by_key(|(id, urgent)| std::cmp::Reverse(age(id, **urgent)));
    due.into_iter().take(AT_ONCE).map(|(id, _)| id.clone()).collect()
}

/// Takes answers in, and says whether Route 53 takes one of the addresses for other than before.
fn take(
    known: &mut BTreeMap<HealthCheckId, Health>,
    answers: Vec<(HealthCheckId, Health)>,
    wanted: &Wanted,
) -> bool {
    known.retain(|id, _| wanted.contains_key(id));
    let mut is_news = false;
    for (id, health) in answers {
        let before = known.insert(id, health).map(Health::is_healthy);
        is_news |= before != Some(health.is_healthy());
    }
    is_news
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<HealthCheckId> {
        names.iter().map(|name| HealthCheckId::new(*name)).collect()
    }

    fn wanted(names: &[(&str, bool)]) -> Wanted {
        names.iter().map(|(name, urgent)| (HealthCheckId::new(*name), *urgent)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn at_most_four_are_asked_about_and_the_longest_ago_first() {
        let begin = Instant::now();
        let wanted =
            wanted(&[("a", false), ("b", false), ("c", false), ("d", false), ("e", false), ("f", false)]);
        let first = next(&wanted, &BTreeMap::new(), begin);
        assert_eq!(first, ids(&["a", "b", "c", "d"]));
        let asked = first.into_iter().map(|id| (id, begin)).collect();
        let second = next(&wanted, &asked, begin + ROUND);
        assert_eq!(second, ids(&["e", "f"]), "an answer is good for a while");
        let third = next(&wanted, &asked, begin + 2 * ROUND);
        assert_eq!(third, ids(&["e", "f", "a", "b"]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_our_own_probe_finds_ill_has_its_turn_sooner_but_keeps_nobody_out_for_ever() {
        let begin = Instant::now();
        let wanted = wanted(&[("a", false), ("b", true)]);
        let mut asked: BTreeMap<_, _> = ids(&["a", "b"]).into_iter().map(|id| (id, begin)).collect();
        assert_eq!(next(&wanted, &asked, begin + FRESH), ids(&["b", "a"]));
        asked.insert(HealthCheckId::new("b"), begin + 3 * URGENCY);
        assert_eq!(next(&wanted, &asked, begin + 3 * URGENCY + FRESH), ids(&["a", "b"]));
    }

    #[test]
    fn only_another_verdict_is_news() {
        let mut known = BTreeMap::new();
        let wanted = wanted(&[("a", false)]);
        let answer = |healthy| vec![(HealthCheckId::new("a"), Health { healthy, of: 15 })];
        assert!(take(&mut known, answer(15), &wanted));
        assert!(!take(&mut known, answer(9), &wanted));
        assert!(take(&mut known, answer(1), &wanted));
        take(&mut known, Vec::new(), &Wanted::new());
        assert!(known.is_empty());
    }
}

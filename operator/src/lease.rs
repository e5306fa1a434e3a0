//! Who leads: the Lease `flynn-operator`, kept by `kube-lease-manager`, watched by us.
//!
//! Out goes one bit on a channel. It is true only while this process holds the Lease *and* has seen its own renewal within
//! the Lease's duration, so that a process that is cut off stops writing by itself. The manager polls; the watch makes a
//! Lease that was released be taken over at once instead of when it would have expired.

mod tenure;

use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError, LeaseParams};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crds::names::OPERATOR;

use crate::backoff::WatchBackoff;
use crate::reason::root_cause;
pub(crate) use tenure::Tenure;

/// The wait after the API refused or did not answer.
const RETRY: Duration = Duration::from_secs(2);

/// How long the release at the end may take.
const RELEASE: Duration = Duration::from_secs(5);

/// How to take part.
#[derive(Debug, Clone)]
pub(crate) struct Election {
    /// The namespace of the Lease.
    pub(crate) namespace: String,
    /// The name of this process in it.
    pub(crate) identity: String,
    /// How long a holder may be silent. At least 3 s.
    pub(crate) duration: Duration,
}

/// This process as a candidate.
#[derive(Debug)]
pub(crate) struct Candidate {
    leading: watch::Receiver<bool>,
    tenure: Tenure,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Candidate {
    /// Begins to stand for election.
    pub(crate) fn start(client: Client, election: Election) -> Self {
        let (sender, leading) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let tenure = Tenure::none_yet(election.duration);
        let task =
            Task { client, election, leading: sender, stopped, deadline: None, tenure: tenure.clone() };
        Self { leading, tenure, stop, task: tokio::spawn(task.run()) }
    }

    /// Waits until the lead changes hands, and tells whether it is ours; nothing if the election ended, which is a bug.
    pub(crate) async fn changed(&mut self) -> Option<bool> {
        self.leading.changed().await.ok()?;
        Some(*self.leading.borrow_and_update())
    }

    /// For how long it leads, for who writes elsewhere than to the API.
    pub(crate) fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    /// Gives the Lease back, so that the next one takes over at once.
    pub(crate) async fn release(self) {
        let _ = self.stop.send(true);
        if timeout(RELEASE, self.task).await.is_err() {
            tracing::warn!("the Lease was not released in time and will expire");
        }
    }
}

/// What the watch saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// It is ours.
    Ours,
    /// Nobody holds it.
    Free,
    /// Another process holds it.
    Theirs,
}

/// Why one manager was given up for another.
enum End {
    Stopped,
    /// Its view of the Lease is out of date, or the API failed.
    Again,
}

struct Task {
    client: Client,
    election: Election,
    leading: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
    /// Until when we lead unless a renewal is seen; nothing while the manager does not hold the Lease.
    deadline: Option<Instant>,
    /// The same, for others to ask.
    tenure: Tenure,
}

impl Task {
    async fn run(mut self) {
        let mut sights = pin!(sights(&self.client, &self.election).fuse());
        loop {
            let manager = match self.manager().await {
                Ok(manager) => manager,
                Err(error) => {
                    tracing::warn!(cause = root_cause(&error), "the Lease cannot be read");
                    tokio::select! {
                        () = sleep(RETRY) => continue,
                        _ = self.stopped.changed() => return,
                    }
                }
            };
            if let End::Stopped = self.hold(&manager, &mut sights).await {
                self.lose();
                if let Err(error) = manager.release().await {
                    tracing::warn!(cause = root_cause(&error), "the Lease was not released and will expire");
                }
                return;
            }
        }
    }

    async fn manager(&self) -> Result<LeaseManager, LeaseManagerError> {
        let seconds = self.election.duration.as_secs().max(3);
        // It renews when only the grace is left: three times within the duration.
        let params = LeaseParams::new(&self.election.identity, seconds, seconds - seconds / 3);
        let builder = LeaseManagerBuilder::new(self.client.clone(), OPERATOR);
        builder.with_namespace(&self.election.namespace).with_parameters(params).build().await
    }

    async fn hold(
        &mut self,
        manager: &LeaseManager,
        sights: &mut (impl Stream<Item = Sight> + Unpin),
    ) -> End {
        loop {
            let mut changed = pin!(manager.changed());
            // The same future is kept while the Lease is watched, because it is what renews it.
            let outcome = loop {
                let deadline = self.deadline;
                tokio::select! {
                    outcome = &mut changed => break outcome,
                    Some(sight) = sights.next() => if self.saw(sight) { return End::Again },
                    () = until(deadline) => self.lose(),
                    _ = self.stopped.changed() => return End::Stopped,
                }
            };
            match outcome {
                Ok(true) => self.win(),
                Ok(false) => self.lose(),
                Err(error) => {
                    tracing::warn!(cause = root_cause(&error), "the Lease was neither taken nor renewed");
                    sleep(RETRY).await;
                    return End::Again;
                }
            }
        }
    }

    /// Takes note of the Lease, and tells whether the manager has to look at it now.
    fn saw(&mut self, sight: Sight) -> bool {
        let holds = self.deadline.is_some();
        match sight {
            Sight::Ours if holds => self.win(),
            Sight::Theirs if holds => self.lose(),
            Sight::Theirs => {}
            // Free to be taken; or ours again, after we had been cut off for too long.
            Sight::Free | Sight::Ours => return true,
        }
        sight == Sight::Theirs && holds
    }

    fn win(&mut self) {
        self.set_deadline(Some(Instant::now() + self.election.duration));
        self.publish(true);
    }

    fn lose(&mut self) {
        self.set_deadline(None);
        self.publish(false);
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.tenure.set(deadline);
    }

    fn publish(&self, leading: bool) {
        self.leading.send_if_modified(|before| std::mem::replace(before, leading) != leading);
    }
}

/// The Lease as it changes.
fn sights(client: &Client, election: &Election) -> impl Stream<Item = Sight> + use<> {
    let api: Api<Lease> = Api::namespaced(client.clone(), &election.namespace);
    let config = watcher::Config::default().fields(&format!("metadata.name={OPERATOR}"));
    let leases = watcher(api, config).backoff(WatchBackoff::default()).touched_objects();
    let identity = election.identity.clone();
    let sights = leases.filter_map(move |lease| {
        let sight = lease.ok().map(|lease| sight(&lease, &identity));
        async move { sight }
    });
    sights.boxed()
}

fn sight(lease: &Lease, identity: &str) -> Sight {
    let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
    match holder {
        None | Some("") => Sight::Free,
        Some(holder) if holder == identity => Sight::Ours,
        Some(_) => Sight::Theirs,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::LeaseSpec;

    use super::*;

    fn seen(holder: Option<&str>) -> Sight {
        let spec = LeaseSpec { holder_identity: holder.map(String::from), ..LeaseSpec::default() };
        sight(&Lease { spec: Some(spec), ..Lease::default() }, "me")
    }

    fn task() -> (watch::Receiver<bool>, Task) {
        let (leading, receiver) = watch::channel(false);
        let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        let duration = Duration::from_secs(15);
        let task = Task {
            client: Client::try_from(config).unwrap(),
            election: Election { namespace: "a".into(), identity: "me".into(), duration },
            leading,
            stopped: watch::channel(false).1,
            deadline: None,
            tenure: Tenure::none_yet(duration),
        };
        (receiver, task)
    }

    #[test]
    fn a_lease_without_a_holder_is_free() {
        assert_eq!(seen(None), Sight::Free);
        assert_eq!(seen(Some("")), Sight::Free);
        assert_eq!(seen(Some("me")), Sight::Ours);
        assert_eq!(seen(Some("you")), Sight::Theirs);
    }

    #[tokio::test(start_paused = true)]
    async fn the_lead_lasts_as_long_as_renewals_are_seen() {
        let (leading, mut task) = task();
        task.win();
        let first = task.deadline;
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(!task.saw(Sight::Ours));
        assert!(task.deadline > first && *leading.borrow() && task.tenure.lasts(task.election.duration));
        assert!(task.saw(Sight::Theirs));
        assert!(task.deadline.is_none() && !*leading.borrow() && !task.tenure.lasts(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_turns_free_or_ours_has_the_manager_look_at_once() {
        let (_leading, mut task) = task();
        assert!(task.saw(Sight::Free));
        assert!(task.saw(Sight::Ours));
        assert!(!task.saw(Sight::Theirs));
    }
}

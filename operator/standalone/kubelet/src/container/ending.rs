//! How a run is ended: the hook before it, SIGTERM to the process group, and SIGKILL to what is left after the grace
//! period, which the hook is part of.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::life::Life;
use super::run::Run;
use super::{Hook, Stop};
use crate::backoff::in_words;
use crate::probe::Kind;
use crate::probe::check;
use crate::process::Exit;

/// A container whose hook took all of the grace period still has this long to end.
const AFTER_HOOK: Duration = Duration::from_secs(2);

impl Life {
    /// Ends a run, because the container was told to or because it failed this probe.
    pub(super) async fn end(&mut self, run: &mut Run, failed: Option<Kind>) -> Exit {
        let began = Instant::now();
        self.update(|state| state.ready = false);
        let name = &self.container.name;
        self.note(
            "Killing",
            match failed {
                Some(kind) => {
                    let probe = kind.title().to_lowercase();
                    format!("Container {name} failed {probe} probe, will be restarted")
                }
                None => format!("Stopping container {name}"),
            },
        );
        let own = own_grace(run, failed);
        if let Some(exit) = self.run_hook(run, began, own).await {
            return exit;
        }
        run.process.terminate();
        let at_least = if run.prepared.pre_stop.is_some() { Instant::now() + AFTER_HOOK } else { began };
        let mut orders = self.orders.clone();
        let over = async {
            deadline(&mut orders, began, own).await;
            tokio::time::sleep_until(at_least).await;
        };
        let exit = tokio::select! {
            exit = run.process.wait() => Some(exit),
            () = over => None,
        };
        match exit {
            Some(exit) => exit,
            None => self.kill(run, began).await,
        }
    }

    async fn kill(&mut self, run: &mut Run, began: Instant) -> Exit {
        let name = &self.container.name;
        let waited = in_words(began.elapsed());
        self.warn(
            "ExceededGracePeriod",
            format!("Container {name} did not end within {waited} of being told to (SIGTERM) and was killed (SIGKILL)"),
        );
        run.process.kill();
        run.process.wait().await
    }

    /// Runs the hook until it or the grace period is over; returns the exit if the process has ended meanwhile.
    async fn run_hook(&mut self, run: &mut Run, began: Instant, own: Option<Duration>) -> Option<Exit> {
        let hook = run.prepared.pre_stop.clone()?;
        let mut orders = self.orders.clone();
        let told = tokio::select! {
            exit = run.process.wait() => return Some(exit),
            () = deadline(&mut orders, began, own) => Ok(()),
            told = tell(&hook, run.executor.clone(), self.drains()) => told,
        };
        if let Err(why) = told {
            self.warn("FailedPreStopHook", format!("PreStopHook failed: {why}"));
        }
        None
    }

    fn drains(&self) -> bool {
        self.orders.borrow().is_none_or(|order| order.drain)
    }
}

/// The grace period that is not an order's: the Pod's, or the failed probe's own. None if there is an order.
fn own_grace(run: &Run, failed: Option<Kind>) -> Option<Duration> {
    let probe = match failed? {
        Kind::Startup => run.prepared.startup.as_ref(),
        _ => run.prepared.liveness.as_ref(),
    };
    Some(probe.and_then(|probe| probe.grace).unwrap_or(run.prepared.grace))
}

/// Ends when the time is over: the shorter one of our own and of the last order.
async fn deadline(orders: &mut watch::Receiver<Option<Stop>>, began: Instant, own: Option<Duration>) {
    loop {
        let ordered = orders.borrow_and_update().map(|order| order.grace);
        let grace = match (own, ordered) {
            (Some(own), Some(ordered)) => own.min(ordered),
            (own, ordered) => own.or(ordered).unwrap_or_default(),
        };
        tokio::select! {
            () = tokio::time::sleep_until(began + grace) => return,
            Ok(()) = orders.changed() => {}
        }
    }
}

async fn tell(hook: &Hook, executor: check::Executor, drain: bool) -> Result<(), String> {
    match hook {
        Hook::Sleep(_) if !drain => Ok(()),
        Hook::Sleep(length) => {
            tokio::time::sleep(*length).await;
            Ok(())
        }
        // Bounded by the grace period.
        Hook::Tell(action) => check::ask(action, Duration::MAX, &executor).await,
    }
}

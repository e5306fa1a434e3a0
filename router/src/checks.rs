//! Health checks: the router asks the endpoints of services that want it whether they are well.
//!
//! In come tables as they are published; out go requests of our own, and what they find out is set on the endpoints for all
//! workers (`table/health.rs`). One task for each endpoint, all on one thread beside the workers; few ask at once. A check
//! that goes takes what it found with it, and so does an endpoint.

mod probe;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use router_config::{HealthCheck, Protocol};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::handle::Handle;
use crate::metrics::Counters;
use crate::table::{Endpoint, Service, Table};

/// How many endpoints are asked at once.
const AT_ONCE: usize = 64;

/// How long changes may gather before they are looked at.
const GATHER: Duration = Duration::from_millis(50);

/// What is asked of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    rule: HealthCheck,
    protocol: Protocol,
}

struct Running {
    endpoint: Arc<Endpoint>,
    check: Check,
    task: AbortHandle,
}

/// Checks by the endpoint that they are of: by where it is in memory, because one that came again is another.
#[derive(Default)]
struct Checks {
    running: HashMap<usize, Running>,
    tasks: JoinSet<()>,
}

/// Asks, by every table that `handle` publishes. It does not end.
pub(crate) async fn follow(handle: Handle, counters: Arc<Counters>) {
    let mut changes = handle.changes();
    let mut checks = Checks::default();
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        changes.mark_unchanged();
        checks.follow(&handle.table(), &at_once, &counters);
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            // Takes out those that were stopped.
            Some(_) = checks.tasks.join_next() => {}
        }
        sleep(GATHER).await;
    }
}

impl Checks {
    fn follow(&mut self, table: &Table, at_once: &Arc<Semaphore>, counters: &Arc<Counters>) {
        let mut wanted = HashMap::new();
        let mut services: Vec<&Arc<Service>> =
            table.services().filter(|service| service.health.is_some()).collect();
        // An endpoint of two services is asked by the rule of the first one.
        services.sort_by(|a, b| a.name.cmp(&b.name));
        for service in services {
            let Some(rule) = &service.health else { continue };
            let check = Check { rule: rule.clone(), protocol: service.protocol };
            for endpoint in &service.endpoints {
                let place = Arc::as_ptr(endpoint) as usize;
                wanted.entry(place).or_insert_with(|| (endpoint.clone(), check.clone()));
            }
        }
        self.running.retain(|place, running| {
            let stays = wanted.get(place).is_some_and(|(_, check)| *check == running.check);
            if !stays {
                running.task.abort();
                running.endpoint.health.set_well(true);
            }
            stays
        });
        for (place, (endpoint, check)) in wanted {
            self.running.entry(place).or_insert_with(|| {
                let asking = ask(endpoint.clone(), check.clone(), at_once.clone(), counters.clone());
                Running { endpoint, check, task: self.tasks.spawn(asking) }
            });
        }
    }
}

/// Asks one endpoint, again and again.
async fn ask(endpoint: Arc<Endpoint>, check: Check, at_once: Arc<Semaphore>, counters: Arc<Counters>) {
    let Check { rule, protocol } = &check;
    let interval = seconds(rule.interval_seconds, 3600);
    let timeout = seconds(rule.timeout_seconds, 60);
    let mut streak = Streak::default();
    // Routers that start together do not ask together.
    sleep(interval.mul_f64(fastrand::f64())).await;
    loop {
        let next = Instant::now() + interval.mul_f64(0.9 + 0.2 * fastrand::f64());
        let Ok(turn) = at_once.acquire().await else { return };
        let found = probe::is_well(endpoint.address, rule, *protocol, timeout).await;
        drop(turn);
        if let Some(well) = found {
            if well { &counters.checks_passed } else { &counters.checks_failed }.add_one();
            let needed = if well { rule.healthy_after } else { rule.unhealthy_after };
            if streak.add(well) >= needed.clamp(1, 10) && endpoint.health.set_well(well) {
                tracing::info!(endpoint = %endpoint.address, well, "a health check has changed its mind");
            }
        }
        sleep_until(next).await;
    }
}

/// How often in a row the answer was the same.
#[derive(Default)]
struct Streak {
    well: bool,
    length: u32,
}

impl Streak {
    fn add(&mut self, well: bool) -> u32 {
        self.length = if self.well == well { self.length.saturating_add(1) } else { 1 };
        self.well = well;
        self.length
    }
}

fn seconds(given: u32, most: u32) -> Duration {
    Duration::from_secs(given.clamp(1, most).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streak_is_as_long_as_the_answers_are_the_same() {
        let mut streak = Streak::default();
        let lengths = [true, true, false, false, false, true].map(|well| streak.add(well));
        assert_eq!(lengths, [1, 2, 1, 2, 3, 1]);
    }
}

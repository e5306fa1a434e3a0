//! A node's report: what it serves, written to its own RouterNode and to nothing else.
//!
//! In come reports, as often as the table changes; out goes the newest of them: at once after a quiet time if something
//! declared changed, once a second if that goes on (`effects/report/allowance.rs`), and every ten seconds if only statuses
//! moved on, so that the statuses which are derived from reports do not call for further ones. An unreachable API costs
//! nothing but the report. `effects/report/status.rs` builds the status.

mod allowance;
mod status;

use crds::{Fault, RouterNode, RouterNodeSpec, RouterNodeStatus};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use allowance::Allowance;

use crate::backoff::delay;
use crate::observe::Versions;
use crate::reason::root_cause;

/// The field manager of reports.
const MANAGER: &str = "flynn-operator-node";

/// How long after a report one waits that says nothing which was declared.
const LAZY: Duration = Duration::from_secs(10);
/// A report that has not changed is written again, in case somebody blanked it. It costs the API no write.
const REFRESH: Duration = Duration::from_secs(60);

/// A report that failed does not wait longer: what is derived from it waits for it.
const LONGEST_AFTER_FAILURE: Duration = Duration::from_secs(4);

const PATIENCE: Duration = Duration::from_secs(30);

/// Who reports.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The name of the node.
    pub(crate) name: String,
    /// Where its router listens, as URLs.
    pub(crate) addresses: Vec<String>,
}

/// What a node serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The versions that its table contains.
    pub(crate) versions: Versions,
    /// How many hosts there are.
    pub(crate) hosts: usize,
    /// What cannot be served.
    pub(crate) faults: Vec<Fault>,
}

/// The running reporter; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Reporter {
    latest: watch::Sender<Latest>,
    _task: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Latest {
    report: Report,
    /// How many urgent reports there have been.
    urgent: u64,
}

impl Reporter {
    /// Begins to report, with `first`.
    pub(crate) fn start(client: Client, identity: Identity, first: Report) -> Self {
        let (latest, reports) = watch::channel(Latest { report: first, urgent: 1 });
        let mut task = JoinSet::new();
        task.spawn(Task::new(client, identity, reports).run());
        Self { latest, _task: task }
    }

    /// Has this reported, soon if it is `urgent`.
    pub(crate) fn tell(&self, report: Report, urgent: bool) {
        self.latest.send_modify(|latest| {
            latest.report = report;
            latest.urgent += u64::from(urgent);
        });
    }
}

struct Task {
    nodes: Api<Node>,
    router_nodes: Api<RouterNode>,
    identity: Identity,
    reports: watch::Receiver<Latest>,
    /// The RouterNode as it is known to exist.
    own: Option<status::Own>,
    written: Option<Report>,
    written_urgent: u64,
    allowance: Allowance,
    last_attempt: Option<Instant>,
    failures: u32,
}

impl Task {
    fn new(client: Client, identity: Identity, reports: watch::Receiver<Latest>) -> Self {
        Self {
            nodes: Api::all(client.clone()),
            router_nodes: Api::all(client),
            identity,
            reports,
            own: None,
            written: None,
            written_urgent: 0,
            allowance: Allowance::default(),
            last_attempt: None,
            failures: 0,
        }
    }

    async fn run(mut self) {
        loop {
            let due = self.due();
            tokio::select! {
                changed = self.reports.changed() => if changed.is_err() { return },
                () = sleep_until(due) => self.attempt().await,
            }
        }
    }

    fn due(&self) -> Instant {
        let Some(last) = self.last_attempt else { return Instant::now() };
        if self.failures > 0 {
            return last + delay(self.failures, 0.0).min(LONGEST_AFTER_FAILURE);
        }
        let latest = self.reports.borrow();
        if latest.urgent > self.written_urgent {
            self.allowance.next(last)
        } else if self.written.as_ref() != Some(&latest.report) {
            last + LAZY
        } else {
            last + REFRESH
        }
    }

    async fn attempt(&mut self) {
        let (report, urgent) = self.begin();
        let written = match timeout(PATIENCE, self.write(&report)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(root_cause(&error)),
            Err(_) => Err("the API server did not answer in time".to_owned()),
        };
        match written {
            Ok(()) => self.end(report, urgent),
            Err(cause) => {
                self.failures = self.failures.saturating_add(1);
                tracing::warn!(cause, "the report of this node was not written and is tried again");
            }
        }
    }

    /// What is to be written now, and how many urgent reports it makes up for.
    fn begin(&mut self) -> (Report, u64) {
        let now = Instant::now();
        self.last_attempt = Some(now);
        self.allowance.spend(now);
        let latest = self.reports.borrow_and_update();
        (latest.report.clone(), latest.urgent)
    }

    fn end(&mut self, report: Report, urgent: u64) {
        (self.written, self.written_urgent, self.failures) = (Some(report), urgent, 0);
    }

    async fn write(&mut self, report: &Report) -> Result<(), kube::Error> {
        let own = match &self.own {
            Some(own) => own.clone(),
            None => self.find_or_create().await?,
        };
        let status = own.status(&self.identity, report, Timestamp::now());
        match self.apply(&status).await {
            Err(kube::Error::Api(refusal)) if refusal.is_not_found() => {
                // Somebody deleted it, or its Node; the next attempt makes it anew.
                self.own = None;
                Err(kube::Error::Api(refusal))
            }
            applied => {
                self.own = Some(own.with_ready(&status));
                applied
            }
        }
    }

    async fn find_or_create(&self) -> Result<status::Own, kube::Error> {
        let found = self.router_nodes.get_opt(&self.identity.name).await?;
        let router_node = match found {
            Some(router_node) => router_node,
            None => self.create().await?,
        };
        Ok(status::Own::of(&router_node))
    }

    async fn create(&self) -> Result<RouterNode, kube::Error> {
        let mut router_node = RouterNode::new(&self.identity.name, RouterNodeSpec {});
        let node = self.nodes.get_metadata_opt(&self.identity.name).await?;
        let owner = node.and_then(|node| {
            Some(OwnerReference {
                api_version: Node::api_version(&()).into_owned(),
                kind: Node::kind(&()).into_owned(),
                name: node.name_any(),
                uid: node.uid()?,
                block_owner_deletion: Some(false),
                controller: None,
            })
        });
        router_node.metadata.owner_references = owner.map(|owner| vec![owner]);
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        self.router_nodes.create(&params, &router_node).await
    }

    async fn apply(&self, status: &RouterNodeStatus) -> Result<(), kube::Error> {
        let body = json!({
            "apiVersion": RouterNode::api_version(&()),
            "kind": RouterNode::kind(&()),
            "metadata": { "name": self.identity.name },
            "status": status,
        });
        let params = PatchParams::apply(MANAGER).force();
        self.router_nodes.patch_status(&self.identity.name, &params, &Patch::Apply(body)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use plan::Kind;
    use tokio::time::advance;

    use super::allowance::{BURST, PERIOD};
    use super::*;

    fn task() -> (watch::Sender<Latest>, Task) {
        let (sender, reports) = watch::channel(Latest::default());
        (sender, Task::new(unreachable_api(), Identity { name: "n".into(), addresses: Vec::new() }, reports))
    }

    fn unreachable_api() -> Client {
        let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        Client::try_from(config).unwrap()
    }

    fn report(version: u64) -> Report {
        let mut versions = Versions::default();
        versions.advance(Kind::Route, Some(version));
        Report { versions, hosts: 1, faults: Vec::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_report_goes_at_once_after_a_quiet_time_and_another_waits_ten_seconds() {
        let (sender, mut task) = task();
        let first = Instant::now();
        assert_eq!(task.due(), first);
        let (written, urgent) = task.begin();
        task.end(written, urgent);
        assert_eq!(task.due(), first + REFRESH);
        sender.send_modify(|latest| latest.report = report(5));
        assert_eq!(task.due(), first + LAZY);
        advance(PERIOD).await;
        sender.send_modify(|latest| latest.urgent += 1);
        assert!(task.due() <= Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_whose_table_changes_all_the_time_reports_once_a_second() {
        const MINUTE: usize = 60;
        let (sender, mut task) = task();
        let mut writes = 0;
        for _ in 0..MINUTE * 100 {
            sender.send_modify(|latest| latest.urgent += 1);
            if task.due() <= Instant::now() {
                let (written, urgent) = task.begin();
                task.end(written, urgent);
                writes += 1;
            }
            advance(PERIOD / 100).await;
        }
        assert!((MINUTE..MINUTE + BURST as usize).contains(&writes), "{writes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_failed_waits_longer_up_to_four_seconds() {
        let (_sender, mut task) = task();
        let now = Instant::now();
        for (failures, seconds) in [(1, 1), (2, 2), (9, 4)] {
            (task.last_attempt, task.failures) = (Some(now), failures);
            assert_eq!(task.due(), now + Duration::from_secs(seconds));
        }
    }
}

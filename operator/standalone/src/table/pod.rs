//! Pods: one word for the state of all containers, and how often they were started again.
//!
//! The word is found in steps, each overruling the one before: the phase or the Pod's own reason; the first init
//! container that is not done; the containers, of which the first that waits or ended wins; the deletion.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::builtin::{items, name, number, or, plain};
use super::column::{AGE, Head, NAME, text, wide};
use super::{Cells, age};

/// Where there is nothing to show.
const NONE: &str = "<none>";

/// The columns.
pub(super) const POD: [Head; 9] = [
    NAME,
    text("Ready", "How many containers are ready, of how many."),
    text("Status", "The state of the containers, in one word."),
    text("Restarts", "How often containers were started again, and when the last one was."),
    AGE,
    wide(text("IP", "The address of the Pod; of a local process, the loopback address.")),
    wide(text("Node", "The node that the Pod runs on.")),
    wide(text("Nominated Node", "The node on which other Pods make room for this one.")),
    wide(text("Readiness Gates", "How many of the further conditions of readiness are true, of how many.")),
];

/// What is found out about a Pod, container after container.
struct Summary {
    reason: String,
    ready: usize,
    restarts: Restarts,
}

/// How often, and when last.
#[derive(Default, Clone, Copy)]
struct Restarts {
    count: i64,
    last: Option<Timestamp>,
}

/// The row of a Pod.
pub(super) fn cells(pod: &Value, now: Timestamp) -> Cells {
    let summary = summary(pod);
    let sidecars = items(&pod["spec"]["initContainers"]).iter().filter(|container| is_sidecar(container));
    let total = items(&pod["spec"]["containers"]).len() + sidecars.count();
    let ip = match &pod["status"]["podIPs"][0]["ip"] {
        Value::Null => &pod["status"]["podIP"],
        ip => ip,
    };
    let cells = vec![
        name(pod),
        format!("{}/{total}", summary.ready).into(),
        summary.reason.into(),
        summary.restarts.cell(now).into(),
        age::of(pod, now),
        or(ip, NONE).into(),
        or(&pod["spec"]["nodeName"], NONE).into(),
        or(&pod["status"]["nominatedNodeName"], NONE).into(),
        readiness_gates(pod).into(),
    ];
    Cells { cells, conditions: completion(plain(&pod["status"]["phase"])) }
}

fn summary(pod: &Value) -> Summary {
    let status = &pod["status"];
    let mut summary = Summary {
        reason: or(&status["reason"], plain(&status["phase"])).to_owned(),
        ready: 0,
        restarts: Restarts::default(),
    };
    if condition(pod, "PodScheduled")["reason"] == "SchedulingGated" {
        summary.reason = "SchedulingGated".to_owned();
    }
    let (of_sidecars, is_initializing) = summary.add_init_containers(pod);
    if !is_initializing || condition(pod, "Initialized")["status"] == "True" {
        summary.restarts = of_sidecars;
        summary.add_containers(pod);
    }
    let is_over = matches!(plain(&status["phase"]), "Succeeded" | "Failed");
    if pod["metadata"]["deletionTimestamp"].is_string() {
        if status["reason"] == "NodeLost" {
            summary.reason = "Unknown".to_owned();
        } else if !is_over {
            summary.reason = "Terminating".to_owned();
        }
    }
    summary
}

impl Summary {
    /// Up to the first that is not done; also tells the restarts of sidecars, which go on counting, and whether there
    /// is one that is not done.
    fn add_init_containers(&mut self, pod: &Value) -> (Restarts, bool) {
        let containers = items(&pod["spec"]["initContainers"]);
        let mut of_sidecars = Restarts::default();
        for (index, status) in items(&pod["status"]["initContainerStatuses"]).iter().enumerate() {
            let container = containers.iter().find(|container| container["name"] == status["name"]);
            let is_sidecar = container.is_some_and(is_sidecar);
            self.restarts.add(status);
            if is_sidecar {
                of_sidecars.add(status);
            }
            let terminated = &status["state"]["terminated"];
            if terminated.is_object() && number(&terminated["exitCode"]) == 0 {
                continue;
            }
            if is_sidecar && status["started"] == true {
                self.ready += usize::from(status["ready"] == true);
                continue;
            }
            let waiting = plain(&status["state"]["waiting"]["reason"]);
            self.reason = if terminated.is_object() {
                format!("Init:{}", ending(terminated))
            } else if !matches!(waiting, "" | "PodInitializing") {
                format!("Init:{waiting}")
            } else {
                format!("Init:{index}/{}", containers.len())
            };
            return (of_sidecars, true);
        }
        (of_sidecars, false)
    }

    /// From the last to the first, so that the first one's state is told.
    fn add_containers(&mut self, pod: &Value) {
        let mut has_running = false;
        let mut failure = None;
        for status in items(&pod["status"]["containerStatuses"]).iter().rev() {
            self.restarts.add(status);
            let terminated = &status["state"]["terminated"];
            let waiting = plain(&status["state"]["waiting"]["reason"]);
            if !waiting.is_empty() {
                self.reason = waiting.to_owned();
            } else if terminated.is_object() {
                self.reason = ending(terminated);
                if number(&terminated["exitCode"]) != 0 {
                    failure = Some(self.reason.clone());
                }
            } else if status["ready"] == true && status["state"]["running"].is_object() {
                has_running = true;
                self.ready += 1;
            }
        }
        if self.reason != "Completed" {
            return;
        }
        // One container is done; what of the others?
        if has_running && condition(pod, "Ready")["status"] == "True" {
            self.reason = "Running".to_owned();
        } else if let Some(failure) = failure {
            self.reason = failure;
        } else if has_running {
            self.reason = "NotReady".to_owned();
        }
    }
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += number(&status["restartCount"]);
        let ended = age::parse(&status["lastState"]["terminated"]["finishedAt"]);
        self.last = self.last.max(ended);
    }

    fn cell(self, now: Timestamp) -> String {
        match self.last {
            Some(last) if self.count != 0 => {
                format!("{} ({} ago)", self.count, age::since(&last.to_string().into(), now))
            }
            _ => self.count.to_string(),
        }
    }
}

/// Why a container ended.
fn ending(terminated: &Value) -> String {
    match (plain(&terminated["reason"]), number(&terminated["signal"])) {
        ("", 0) => format!("ExitCode:{}", number(&terminated["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// An init container that goes on running beside the others.
fn is_sidecar(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn condition<'a>(pod: &'a Value, wanted: &str) -> &'a Value {
    let mut conditions = items(&pod["status"]["conditions"]).iter();
    conditions.find(|condition| condition["type"] == wanted).unwrap_or(&Value::Null)
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(&pod["spec"]["readinessGates"]);
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let is_true = |gate: &&Value| condition(pod, plain(&gate["conditionType"]))["status"] == "True";
    format!("{}/{}", gates.iter().filter(is_true).count(), gates.len())
}

/// The condition of a row whose Pod has ended.
fn completion(phase: &str) -> Vec<Value> {
    let message = match phase {
        "Succeeded" => "every container ended well",
        "Failed" => "a container failed",
        _ => return Vec::new(),
    };
    vec![json!({"type": "Completed", "status": "True", "reason": phase, "message": message})]
}

#[cfg(test)]
mod tests;

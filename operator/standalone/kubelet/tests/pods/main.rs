//! Pods on the embedded API under a kubelet: what `kubectl` would show, and what becomes of the processes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cluster;

use cluster::{Cluster, condition, state};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kubelet::LogOptions;
use serde_json::json;

#[tokio::test]
async fn a_pod_is_bound_runs_and_is_deleted_when_nothing_of_it_is_left() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    cluster.run("web", json!(["sh", "-c", "echo port $PORT; exec sleep 1000"]), json!({})).await;
    let running = cluster.until("web", |pod| state(pod) == "running").await;
    assert_eq!(running.spec.unwrap().node_name.as_deref(), Some("here"));
    let status = running.status.unwrap();
    assert_eq!((status.phase.as_deref(), status.pod_ip.as_deref()), (Some("Running"), Some("127.0.0.1")));
    let ready = cluster.until("web", |pod| condition(pod, "Ready") == "True").await;
    assert_eq!(condition(&ready, "PodScheduled"), "True");
    assert_eq!(cluster.processes().len(), 1);
    cluster.events("web", &["Scheduled", "Created", "Started"]).await;
    cluster.delete("web", 30).await;
    cluster.gone("web").await;
    assert_eq!(cluster.processes(), Vec::<i32>::new());
    cluster.no_logs().await;
    kubelet.stop().await;
}

#[tokio::test]
async fn the_allotted_port_is_in_the_environment_and_in_an_annotation() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    let port = json!({"ports": [{"containerPort": 8080, "name": "http"}], "env": [{"name": "PORT", "value": "8080"}]});
    cluster.run("web", json!(["sh", "-c", "echo $PORT $(PORT); exec sleep 1000"]), port).await;
    let pod = cluster.until("web", |pod| state(pod) == "running").await;
    let port = pod.annotations()["standalone.flynn.io/port.8080"].clone();
    assert_ne!(port, "8080");
    assert_eq!(condition(&pod, "Ready"), "False", "it does not listen");
    cluster.log(&kubelet, "web", LogOptions::default(), &format!("{port} {port}\n")).await;
    let _listener = std::net::TcpListener::bind(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    cluster.until("web", |pod| condition(pod, "Ready") == "True").await;
    kubelet.stop().await;
}

#[tokio::test]
async fn a_pod_that_is_to_be_deleted_is_not_ready_before_its_process_is_told() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    let hook = json!({"preStop": {"sleep": {"seconds": 1000}}});
    let main = json!({"name": "main", "image": "x", "command": ["sleep", "1000"], "lifecycle": hook});
    cluster.create("web", json!({"terminationGracePeriodSeconds": 2000, "containers": [main]})).await;
    cluster.until("web", |pod| condition(pod, "Ready") == "True").await;
    cluster.delete("web", 2000).await;
    let ending = cluster.until("web", |pod| condition(pod, "Ready") == "False").await;
    assert_eq!(state(&ending), "running");
    assert_eq!(cluster.processes().len(), 1);
    cluster.delete("web", 0).await;
    cluster.gone("web").await;
    cluster.no_processes().await;
    cluster.no_logs().await;
    kubelet.stop().await;
}

#[tokio::test]
async fn a_pod_that_ignores_sigterm_is_killed_after_its_grace_period() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    cluster
        .run("deaf", json!(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"]), json!({}))
        .await;
    cluster.log(&kubelet, "deaf", LogOptions::default(), "deaf\n").await;
    cluster.delete("deaf", 1).await;
    cluster.gone("deaf").await;
    assert_eq!(cluster.processes(), Vec::<i32>::new());
    cluster.events("deaf", &["Killing", "ExceededGracePeriod"]).await;
    kubelet.stop().await;
}

#[tokio::test]
async fn a_pod_without_a_command_says_what_it_needs() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    cluster.run("image", json!([]), json!({})).await;
    let pod = cluster.until("image", |pod| state(pod) == "ImageNeedsContainerRuntime").await;
    assert_eq!(pod.status.unwrap().phase.as_deref(), Some("Pending"));
    let error = kubelet.logs().log("default", "image", &LogOptions::default()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "container \"main\" in pod \"image\" is waiting to start: ImageNeedsContainerRuntime"
    );
    cluster.events("image", &["Failed"]).await;
    cluster.delete("image", 30).await;
    cluster.gone("image").await;
    kubelet.stop().await;
}

#[tokio::test]
async fn a_pod_starts_when_the_secret_that_it_waits_for_appears() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    let source = json!({"envFrom": [{"secretRef": {"name": "keys"}}]});
    cluster.run("web", json!(["sh", "-c", "echo $TOKEN; exec sleep 1000"]), source).await;
    cluster.until("web", |pod| state(pod) == "CreateContainerConfigError").await;
    cluster.secret("keys", &[("TOKEN", "s3cret")]).await;
    cluster.until("web", |pod| state(pod) == "running").await;
    cluster.log(&kubelet, "web", LogOptions::default(), "s3cret\n").await;
    kubelet.stop().await;
}

#[tokio::test]
async fn a_job_succeeds_after_its_init_containers() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    let file = cluster.path("made");
    let init = json!([{"name": "setup", "image": "x", "command": ["sh", "-c", format!("sleep 0.1; echo made > {file}")]}]);
    let main = json!([{"name": "main", "image": "x", "command": ["cat", file]}]);
    cluster
        .create("job", json!({"restartPolicy": "Never", "initContainers": init, "containers": main}))
        .await;
    let pod =
        cluster.until("job", |pod| pod.status.as_ref().unwrap().phase.as_deref() == Some("Succeeded")).await;
    assert_eq!((state(&pod), condition(&pod, "Initialized")), ("Completed".into(), "True".into()));
    let main = LogOptions { container: Some("main".into()), ..LogOptions::default() };
    cluster.log(&kubelet, "job", main, "made\n").await;
    kubelet.stop().await;
}

#[tokio::test]
async fn a_process_that_crashed_has_a_previous_log() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    cluster.run("crash", json!(["sh", "-c", "echo run; exit 3"]), json!({})).await;
    let pod = cluster.until("crash", |pod| state(pod) == "CrashLoopBackOff").await;
    let status = &pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0];
    let last = status.last_state.as_ref().unwrap().terminated.as_ref().unwrap();
    assert_eq!((status.restart_count, last.exit_code, last.reason.as_deref()), (1, 3, Some("Error")));
    let previous = LogOptions { previous: true, ..LogOptions::default() };
    cluster.log(&kubelet, "crash", previous, "run\n").await;
    cluster.events("crash", &["BackOff"]).await;
    kubelet.stop().await;
}

#[tokio::test]
async fn pods_stay_when_the_kubelet_stops_and_run_again_under_the_next_one() {
    let cluster = Cluster::start().await;
    let kubelet = cluster.kubelet();
    let port = json!({"ports": [{"containerPort": 8080}]});
    cluster.run("web", json!(["sleep", "1000"]), port).await;
    let before = cluster.until("web", |pod| state(pod) == "running").await;
    kubelet.stop().await;
    assert_eq!(cluster.processes(), Vec::<i32>::new());
    let stopped = cluster.pod("web").await;
    assert_eq!(condition(&stopped, "Ready"), "False");
    let kubelet = cluster.kubelet();
    let again = |pod: &Pod| state(pod) == "running" && restarts(pod) == 1;
    let after = cluster.until("web", again).await;
    assert_eq!(after.annotations(), before.annotations(), "the port is the same");
    kubelet.stop().await;
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.and_then(|statuses| statuses.first()).map_or(0, |status| status.restart_count)
}

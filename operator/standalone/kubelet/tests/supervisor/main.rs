//! Real processes under the supervisor, without Kubernetes. Nothing is left of any of them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod harness;
mod orphans;

use std::time::Duration;

use harness::{Machine, Script, listening_port};
use kubelet::container::{Current, Hook, Prepared, Readiness, Restart};
use kubelet::probe::{Action, Probe};

#[tokio::test]
async fn a_process_that_ends_well_is_completed_and_its_output_is_kept() {
    let machine = Machine::new();
    let mut job =
        machine.run(Script::new("echo hello; echo trouble >&2; printf unfinished").restart(Restart::Never));
    let ended = job.terminated().await;
    assert_eq!((ended.exit_code, ended.reason, ended.signal), (0, "Completed", None));
    let mut lines: Vec<String> = job.log(0).lines().map(|line| line[31..].to_owned()).collect();
    lines.sort();
    assert_eq!(lines, ["stderr F trouble", "stdout F hello", "stdout F unfinished"]);
    machine.is_empty().await;
}

#[tokio::test]
async fn exit_codes_and_signals_are_told() {
    let machine = Machine::new();
    for (script, code, signal) in
        [("exit 3", 3, None), ("kill -9 $$", 137, Some(9)), ("kill -15 $$", 143, Some(15))]
    {
        let ended = machine.run(Script::new(script).restart(Restart::Never)).terminated().await;
        assert_eq!((ended.exit_code, ended.signal, ended.reason), (code, signal, "Error"), "{script}");
    }
    machine.is_empty().await;
}

#[tokio::test]
async fn a_process_gets_its_environment_its_folder_and_nothing_else() {
    let machine = Machine::new();
    let mut script = Script::new("pwd; env; cat").restart(Restart::Never);
    script.prepared.environment = vec![("A".into(), "b c".into()), ("PATH".into(), "/bin:/usr/bin".into())];
    script.prepared.folder = "/".into();
    let mut job = machine.run(script);
    assert_eq!(job.terminated().await.exit_code, 0);
    let log = job.log(0);
    let lines: Vec<&str> = log.lines().map(|line| &line[40..]).collect();
    assert!(lines.contains(&"/") && lines.contains(&"A=b c"), "{lines:?}");
    let own = ["TEST_MARK=", "PWD=", "SHLVL=", "_=", "OLDPWD="];
    assert!(
        lines.iter().all(|line| ["/", "A=b c", "PATH=/bin:/usr/bin"].contains(line)
            || own.iter().any(|own| line.starts_with(own))),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_first_restart_is_at_once_and_the_second_is_backed_off() {
    let machine = Machine::new();
    let mut crashing = machine.run(Script::new("exit 1"));
    let state = crashing
        .until(|state| matches!(state.current, Current::Waiting { reason: "CrashLoopBackOff", .. }))
        .await;
    let Current::Waiting { message, .. } = &state.current else { panic!("it waits") };
    assert_eq!(message.as_deref(), Some("back-off 10s restarting failed container=web pod=web_test(uid)"));
    assert_eq!(
        (state.restarts, state.last.as_ref().map(|last| (last.exit_code, last.run))),
        (1, Some((1, 1)))
    );
    assert!(crashing.notices().iter().any(|notice| notice.reason == "BackOff"
        && notice.message == "Back-off restarting failed container web in pod web_test(uid)"));
    crashing.stop(1, true);
    let over = crashing.until(|state| state.over).await;
    assert!(matches!(over.current, Current::Terminated(ended) if ended.run == 1));
    machine.is_empty().await;
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_waits() {
    let machine = Machine::new();
    let script = machine.file("script", "#!/no/such/interpreter\n", 0o755);
    let text = machine.file("text", "neither\n", 0o755);
    let notes = machine.file("notes", "", 0o644);
    let table = [
        (
            "no-such-program",
            "exec: \"no-such-program\": executable file not found in $PATH (/bin:/usr/bin)".to_owned(),
        ),
        (
            &notes,
            format!("exec: {notes:?}: permission denied: the file is not executable (chmod +x makes it so)"),
        ),
        (&script, format!("{script}: the interpreter that the file names is not there")),
        (
            &text,
            format!(
                "{text}: not a program of this machine, and no script that names its interpreter in a first line `#!`"
            ),
        ),
    ];
    for (program, expected) in table {
        let mut script = Script::new("");
        script.prepared.command = vec![program.to_owned()];
        let mut failing = machine.run(script);
        let state = failing.until(|state| state.last.is_some()).await;
        let Current::Waiting { reason: "RunContainerError", message: Some(message) } = state.current else {
            panic!("{program}: {:?}", state.current);
        };
        assert_eq!(message, expected);
        let last = state.last.unwrap();
        assert_eq!(
            (last.reason, last.exit_code, last.message.as_deref()),
            ("StartError", 128, Some(&*expected))
        );
        let notices = failing.notices();
        assert!(
            notices
                .iter()
                .any(|notice| notice.reason == "Failed" && notice.message == format!("Error: {expected}"))
        );
    }
    machine.is_empty().await;
}

#[tokio::test]
async fn a_process_that_is_told_to_end_ends_by_itself() {
    let machine = Machine::new();
    let mut web =
        machine.run(Script::new("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done"));
    web.printed("ready").await;
    web.stop(30, true);
    let ended = web.terminated().await;
    assert_eq!((ended.exit_code, ended.reason), (0, "Completed"));
    assert!(web.log(0).contains("stdout F bye"));
    assert!(
        web.notices()
            .iter()
            .any(|notice| (notice.reason, &*notice.message) == ("Killing", "Stopping container web"))
    );
    machine.is_empty().await;
}

#[tokio::test]
async fn a_process_that_does_not_end_is_killed_with_all_that_it_started() {
    let machine = Machine::new();
    // One child in the group, one in a session of its own whose parent is gone: all of them ignore SIGTERM.
    let script =
        "trap '' TERM; sleep 1000 & (setsid sh -c 'sleep 1000; :' &) ; echo ready; while :; do sleep 1; done";
    let mut stubborn = machine.run(Script::new(script));
    stubborn.printed("ready").await;
    assert!(machine.processes().len() >= 4, "{:?}", machine.processes());
    stubborn.stop(1, true);
    let ended = stubborn.terminated().await;
    assert_eq!((ended.exit_code, ended.signal), (137, Some(9)));
    let notices = stubborn.notices();
    let exceeded = notices.iter().find(|notice| notice.reason == "ExceededGracePeriod").unwrap();
    let message = "Container web did not end within 1s of being told to (SIGTERM) and was killed (SIGKILL)";
    assert_eq!((exceeded.warning, &*exceeded.message), (true, message));
    machine.is_empty().await;
}

#[tokio::test]
async fn a_shorter_grace_period_replaces_a_longer_one() {
    let machine = Machine::new();
    let mut stubborn = machine.run(Script::new("trap '' TERM; echo ready; while :; do sleep 0.1; done"));
    stubborn.printed("ready").await;
    stubborn.stop(1000, true);
    stubborn.noticed("Killing").await;
    stubborn.stop(0, true);
    assert_eq!(stubborn.terminated().await.signal, Some(9));
    machine.is_empty().await;
}

#[tokio::test]
async fn what_a_process_leaves_behind_ends_with_it() {
    let machine = Machine::new();
    let script = "(setsid sleep 1000 &); sleep 1000 & echo ready; exit 0";
    let mut job = machine.run(Script::new(script).restart(Restart::Never));
    assert_eq!(job.terminated().await.exit_code, 0);
    machine.is_empty().await;
}

#[tokio::test]
async fn everything_ends_when_the_supervisor_is_dropped() {
    let machine = Machine::new();
    let web = machine.run(Script::new("trap '' TERM; (setsid sleep 1000 &); echo ready; sleep 1000"));
    web.printed("ready").await;
    drop(web);
    machine.is_empty().await;
}

#[tokio::test]
async fn a_process_whose_supervising_process_is_killed_is_killed_too() {
    let machine = Machine::new();
    let mut web = machine
        .run(Script::new("trap '' TERM; echo ready; while :; do sleep 0.1; done").restart(Restart::Never));
    web.printed("ready").await;
    machine.kill_shims();
    assert_eq!(web.terminated().await.signal, Some(9));
    machine.is_empty().await;
}

#[tokio::test]
async fn a_hook_runs_before_the_process_is_told_to_end() {
    let machine = Machine::new();
    let mut script = Script::new("trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    let hook = "echo before >> $0.hook; sleep 0.2".replace("$0", &machine.path("order"));
    script.prepared.pre_stop = Some(Hook::Tell(Action::Exec(vec!["sh".into(), "-c".into(), hook])));
    let mut web = machine.run(script);
    web.printed("ready").await;
    web.stop(30, true);
    assert_eq!(web.terminated().await.exit_code, 0);
    assert_eq!(std::fs::read_to_string(machine.path("order.hook")).unwrap(), "before\n");
    machine.is_empty().await;
}

#[tokio::test]
async fn a_hook_that_only_waits_is_left_out_when_everything_ends() {
    let machine = Machine::new();
    let mut script = Script::new("echo ready; exec sleep 1000");
    script.prepared.pre_stop = Some(Hook::Sleep(Duration::from_secs(1000)));
    let mut web = machine.run(script);
    web.printed("ready").await;
    web.stop(2000, false);
    assert_eq!(web.terminated().await.signal, Some(15));
    machine.is_empty().await;
}

#[tokio::test]
async fn a_process_is_ready_as_soon_as_it_listens() {
    let machine = Machine::new();
    let port = listening_port();
    let mut script = Script::new("sleep 0.3; echo late; exec sleep 1000");
    script.prepared.readiness = Readiness::Listening(probe(tcp(port.number), 10.0));
    let mut web = machine.run(script);
    web.until(|state| state.started).await;
    assert!(!web.state().ready, "nobody listens yet");
    let _listener = port.listen();
    let ready = web.until(|state| state.ready).await;
    assert_eq!(ready.remark, None);
}

#[tokio::test]
async fn a_process_that_never_listens_is_not_ready_and_that_is_told() {
    let machine = Machine::new();
    let port = listening_port().number;
    let mut script = Script::new("exec sleep 1000");
    script.prepared.readiness = Readiness::Listening(probe(tcp(port), 0.1));
    let mut web = machine.run(script);
    let state = web.until(|state| state.remark.is_some()).await;
    let remark = format!("web does not listen on port {port}, which the variable PORT tells it to");
    assert_eq!((state.ready, state.started, state.remark.as_ref()), (false, true, Some(&remark)));
    web.noticed("Unhealthy").await;
}

#[tokio::test]
async fn readiness_comes_and_goes_with_its_probe() {
    let machine = Machine::new();
    let flag = machine.path("flag");
    let mut script = Script::new("exec sleep 1000");
    script.prepared.readiness =
        Readiness::Probed(probe(exec(&format!("echo looking; test -e {flag}")), 0.05));
    let mut web = machine.run(script);
    let unhealthy = web.noticed("Unhealthy").await;
    assert_eq!(unhealthy.message, "Readiness probe failed: looking\n");
    std::fs::write(&flag, "").unwrap();
    web.until(|state| state.ready).await;
    std::fs::remove_file(&flag).unwrap();
    web.until(|state| !state.ready).await;
    assert!(matches!(web.state().current, Current::Running { run: 0, .. }));
}

#[tokio::test]
async fn a_failed_liveness_ends_the_process_and_starts_it_again() {
    let machine = Machine::new();
    let mut script = Script::new("exec sleep 1000");
    script.prepared.liveness = Some(probe(exec("exit 1"), 0.2));
    let mut web = machine.run(script);
    let killing = web.noticed("Killing").await;
    assert_eq!(killing.message, "Container web failed liveness probe, will be restarted");
    let again = web.until(|state| state.restarts == 1).await;
    assert_eq!(again.last.unwrap().exit_code, 143);
}

#[tokio::test]
async fn the_other_probes_wait_for_the_startup_probe() {
    let machine = Machine::new();
    let flag = machine.path("flag");
    let mut script = Script::new("exec sleep 1000");
    script.prepared.startup =
        Some(Probe { failure_threshold: 1000, ..probe(exec(&format!("test -e {flag}")), 0.05) });
    script.prepared.liveness = Some(probe(exec(&format!("test -e {flag}")), 0.05));
    let mut web = machine.run(script);
    web.noticed("Unhealthy").await;
    assert!(!web.state().started && !web.state().ready);
    std::fs::write(&flag, "").unwrap();
    let started = web.until(|state| state.started).await;
    assert!(started.ready && started.restarts == 0);
}

#[tokio::test]
async fn a_probe_that_takes_too_long_is_a_bad_answer_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let mut script = Script::new("exec sleep 1000");
    let slow = Probe { timeout: Duration::from_millis(100), ..probe(exec("sleep 1000"), 0.05) };
    script.prepared.readiness = Readiness::Probed(slow);
    let mut web = machine.run(script);
    let unhealthy = web.noticed("Unhealthy").await;
    assert!(
        unhealthy.message.contains("command timed out: \"sh -c sleep 1000\" timed out after"),
        "{}",
        unhealthy.message
    );
    drop(web);
    machine.is_empty().await;
}

#[tokio::test]
async fn a_process_that_uses_up_its_memory_is_told_to_have() {
    let machine = Machine::new();
    // A shell that doubles a variable: 1 KiB, 2 KiB, and so on.
    let script = "x=$(printf %1024s); while :; do x=$x$x; done";
    let mut script = Script::new(script).restart(Restart::Never);
    script.prepared.limits.memory = Some(24 * 1024 * 1024);
    let mut greedy = machine.run(script);
    greedy.until(|state| state.started || state.over).await;
    if greedy.notices().iter().any(|notice| notice.reason == "MemoryLimitNotEnforced") {
        eprintln!("no control group can be made here: only that this is told is tested");
        return;
    }
    let ended = greedy.terminated().await;
    assert_eq!((ended.reason, ended.exit_code), ("OOMKilled", 137));
    machine.is_empty().await;
}

#[tokio::test]
async fn two_logs_are_kept() {
    let machine = Machine::new();
    let mut script = Script::new("echo again; exit 0");
    script.earlier = Some(2);
    let mut web = machine.run(script);
    web.until(|state| matches!(state.current, Current::Waiting { reason: "CrashLoopBackOff", .. })).await;
    assert_eq!(web.log_files(), ["3.log"]);
    let mut script = Script::new("echo again; exit 0");
    script.earlier = Some(4);
    let mut web = machine.run(script.restart(Restart::Never));
    web.terminated().await;
    assert_eq!(web.log_files(), ["5.log"], "older ones than the one before are removed");
}

fn probe(action: Action, period: f64) -> Probe {
    Probe {
        action,
        initial_delay: Duration::ZERO,
        period: Duration::from_secs_f64(period),
        timeout: Duration::from_secs(10),
        success_threshold: 1,
        failure_threshold: 1,
        grace: None,
    }
}

fn exec(script: &str) -> Action {
    Action::Exec(["sh", "-c", script].map(str::to_owned).to_vec())
}

fn tcp(port: u16) -> Action {
    Action::Tcp { host: "127.0.0.1".into(), port }
}

/// Used by the harness: what a script needs beside itself.
fn plain(command: Vec<String>, folder: &str) -> Prepared {
    Prepared {
        command,
        environment: vec![("PATH".into(), "/bin:/usr/bin".into())],
        folder: folder.into(),
        limits: kubelet::Limits::default(),
        startup: None,
        readiness: Readiness::Running,
        liveness: None,
        pre_stop: None,
        grace: Duration::from_secs(30),
    }
}

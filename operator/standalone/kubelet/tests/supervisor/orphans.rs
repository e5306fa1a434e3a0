//! No process outlives the program that the supervisor is in, however that ends, and however its helpers do.
//!
//! The program is this test program, started again for one test that never ends by itself.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::harness::{Folder, Machine, Script};

const FOLDER: &str = "KUBELET_TEST_FOLDER";
/// The one in the container, one in its group and one that left group and session.
const SCRIPT: &str = "trap '' TERM; sleep 1000 & (setsid sleep 1000 &); while :; do sleep 0.1; done";

/// Not a test: what the tests kill.
#[tokio::test]
#[ignore = "started by the other tests"]
async fn victim() {
    let machine = Machine::with(Folder::Other(PathBuf::from(std::env::var_os(FOLDER).unwrap())));
    let _running = machine.run(Script::new(SCRIPT));
    std::future::pending::<()>().await;
}

struct Victim {
    folder: tempfile::TempDir,
    program: Child,
}

impl Victim {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "orphans::victim", "--ignored"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let victim = Self { folder, program };
        while victim.processes().len() < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        victim
    }

    /// Its processes, those between it and the containers not included.
    fn processes(&self) -> Vec<i32> {
        with("environ", &format!("TEST_MARK={}", self.folder.path().display()))
    }

    /// Those between it and the containers.
    fn shims(&self) -> Vec<i32> {
        with("cmdline", &self.folder.path().display().to_string())
    }

    fn kill(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }

    /// Waits until no process of it is left, without anybody's help.
    async fn is_gone(&self) {
        let gone = async {
            while !self.processes().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let gone = tokio::time::timeout(Duration::from_secs(60), gone).await;
        assert!(gone.is_ok(), "left: {:?}", self.processes());
    }
}

#[tokio::test]
async fn a_killed_operator_leaves_no_process() {
    let mut victim = Victim::start().await;
    victim.kill();
    victim.is_gone().await;
}

#[tokio::test]
async fn what_is_left_when_the_helpers_are_killed_too_the_next_run_kills() {
    let mut victim = Victim::start().await;
    // The helpers are frozen, so that they cannot do what they are there for before they are killed as well.
    let helpers = victim.shims();
    signal("-STOP", &helpers);
    victim.kill();
    signal("-KILL", &helpers);
    assert!(!victim.processes().is_empty(), "the test is in vain: nothing was left");
    let next = Machine::with(Folder::Other(victim.folder.path().to_owned()));
    // One that left its session before its helper was killed is nobody's any more; the test ends it.
    let strays = next.processes();
    assert!(strays.len() <= 1, "left: {strays:?}");
    signal("-KILL", &strays);
    victim.is_gone().await;
}

/// The processes with this entry in their environment or on their command line.
fn with(file: &str, entry: &str) -> Vec<i32> {
    let ids = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = ids.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let has = |id: &i32| {
        let content = std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        content.split(|&byte| byte == 0).any(|found| found == entry.as_bytes())
    };
    ids.filter(has).collect()
}

fn signal(signal: &str, ids: &[i32]) {
    if !ids.is_empty() {
        Command::new("kill").arg(signal).args(ids.iter().map(ToString::to_string)).status().unwrap();
    }
}

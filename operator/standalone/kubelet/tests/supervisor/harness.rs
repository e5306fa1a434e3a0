//! A machine of its own for each test: a folder, a supervisor, and a name that its processes are told by.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kubelet::container::{
    Container, Current, Notice, Prepared, Restart, Source, State, Stop, Terminated, Unprepared,
};
use kubelet::shim::Shim;
use kubelet::supervisor::{Supervised, Supervisor};
use tokio::sync::{Notify, mpsc};

/// No condition takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that cannot be waited for.
const LOOK: Duration = Duration::from_millis(5);

/// Where a test runs processes.
pub(crate) struct Machine {
    folder: Folder,
    supervisor: Arc<Supervisor>,
}

/// A folder that is removed with the test, or one of somebody else.
pub(crate) enum Folder {
    Own(tempfile::TempDir),
    Other(PathBuf),
}

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Other(path) => path,
        }
    }
}

/// What a test runs.
pub(crate) struct Script {
    pub(crate) prepared: Prepared,
    pub(crate) earlier: Option<u32>,
    restart: Restart,
}

impl Script {
    /// A script of the shell, started again whenever it ends.
    pub(crate) fn new(script: &str) -> Self {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        Self { prepared: super::plain(command, "/"), earlier: None, restart: Restart::Always }
    }

    pub(crate) fn restart(self, restart: Restart) -> Self {
        Self { restart, ..self }
    }
}

struct Always(Prepared);

impl Source for Always {
    fn prepare(&self) -> BoxFuture<'_, Result<Prepared, Unprepared>> {
        std::future::ready(Ok(self.0.clone())).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::with(Folder::Own(tempfile::tempdir().unwrap()))
    }

    /// The machine of another process that uses this folder, or did.
    pub(crate) fn with(folder: Folder) -> Self {
        let shim = Shim { program: env!("CARGO_BIN_EXE_kubelet-shim").into(), arguments: Vec::new() };
        let supervisor = Arc::new(Supervisor::open(folder.path(), shim).unwrap());
        Self { folder, supervisor }
    }

    /// A path for the test's own use.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn file(&self, name: &str, content: &str, mode: u32) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(crate) fn run(&self, script: Script) -> Running {
        let logs = self.supervisor.logs().container("test", "web", "uid", "web");
        let container = Container {
            name: "web".into(),
            title: self.mark(),
            unique: format!("{:016x}", fastrand::u64(..)),
            pod: "web_test(uid)".into(),
            logs: logs.clone(),
            restart: script.restart,
            earlier: script.earlier.map(|run| (run, earlier(run))),
        };
        let mut prepared = script.prepared;
        // What the test's processes are told by; they hand it on to their children.
        prepared.environment.push(("TEST_MARK".into(), self.mark()));
        let (notice, notices) = mpsc::unbounded_channel();
        let source = Arc::new(Always(prepared));
        let supervised = self.supervisor.supervise(container, source, Arc::new(Notify::new()), notice);
        Running { supervised, notices, noticed: Vec::new(), logs }
    }

    fn mark(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// The processes of this test that are alive, shims not included.
    pub(crate) fn processes(&self) -> Vec<i32> {
        self.marked("environ", "TEST_MARK=")
    }

    /// The shims of this test.
    pub(crate) fn shims(&self) -> Vec<i32> {
        self.marked("cmdline", "")
    }

    fn marked(&self, file: &str, prefix: &str) -> Vec<i32> {
        let mark = format!("{prefix}{}", self.mark());
        let ids = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let has_mark = |id: &i32| {
            let content = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
            content.split(|&byte| byte == 0).any(|entry| entry == mark.as_bytes())
        };
        ids.filter(has_mark).collect()
    }

    /// Kills the processes between the supervisor and the containers.
    pub(crate) fn kill_shims(&self) {
        for shim in self.shims() {
            std::process::Command::new("kill").args(["-9", &shim.to_string()]).status().unwrap();
        }
    }

    /// Waits until nothing is left: no process, no shim, no record.
    pub(crate) async fn is_empty(&self) {
        let records = || fs::read_dir(self.folder.path().join("processes")).unwrap().count();
        let empty = || self.processes().is_empty() && self.shims().is_empty() && records() == 0;
        let emptied = async {
            while !empty() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let emptied = tokio::time::timeout(PATIENCE, emptied).await;
        assert!(emptied.is_ok(), "left: {:?} {:?}, {} records", self.processes(), self.shims(), records());
    }
}

fn earlier(run: u32) -> Terminated {
    Terminated {
        id: None,
        run,
        exit_code: 1,
        signal: None,
        reason: "Error",
        message: None,
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Timestamp::UNIX_EPOCH,
    }
}

/// A container that a test runs.
pub(crate) struct Running {
    supervised: Supervised,
    notices: mpsc::UnboundedReceiver<Notice>,
    noticed: Vec<Notice>,
    logs: PathBuf,
}

impl Running {
    pub(crate) fn state(&self) -> State {
        self.supervised.state.borrow().clone()
    }

    pub(crate) fn stop(&self, seconds: u64, drain: bool) {
        self.supervised.stop(Stop { grace: Duration::from_secs(seconds), drain });
    }

    pub(crate) async fn until(&mut self, holds: impl FnMut(&State) -> bool) -> State {
        let state = tokio::time::timeout(PATIENCE, self.supervised.state.wait_for(holds)).await;
        state.unwrap_or_else(|_| panic!("the state never came")).unwrap().clone()
    }

    /// How its last run ended.
    pub(crate) async fn terminated(&mut self) -> Terminated {
        let state = self.until(|state| state.over).await;
        let Current::Terminated(ended) = state.current else { panic!("it did not run: {:?}", state.current) };
        ended
    }

    /// What was told so far.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        while let Ok(notice) = self.notices.try_recv() {
            self.noticed.push(notice);
        }
        self.noticed.clone()
    }

    /// Waits until something is told.
    pub(crate) async fn noticed(&mut self, reason: &str) -> Notice {
        if let Some(notice) = self.notices().into_iter().find(|notice| notice.reason == reason) {
            return notice;
        }
        loop {
            let notice = tokio::time::timeout(PATIENCE, self.notices.recv()).await;
            let notice = notice.unwrap_or_else(|_| panic!("{reason} was never told")).unwrap();
            self.noticed.push(notice.clone());
            if notice.reason == reason {
                return notice;
            }
        }
    }

    /// The log of a run as it is in its file.
    pub(crate) fn log(&self, run: u32) -> String {
        fs::read_to_string(self.logs.join(format!("{run}.log"))).unwrap_or_default()
    }

    pub(crate) fn log_files(&self) -> Vec<String> {
        let mut names: Vec<String> = names(&self.logs).collect();
        names.sort();
        names
    }

    /// Waits until its first run has printed this.
    pub(crate) async fn printed(&self, text: &str) {
        let printed = async {
            while !self.log(0).contains(text) {
                tokio::time::sleep(LOOK).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, printed).await.is_ok(),
            "it never printed {text:?}: {:?}",
            self.state()
        );
    }
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap())
}

/// A port that nobody listens on, until somebody does.
pub(crate) struct Port {
    pub(crate) number: u16,
}

pub(crate) fn listening_port() -> Port {
    Port { number: TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port() }
}

impl Port {
    pub(crate) fn listen(&self) -> TcpListener {
        TcpListener::bind(("127.0.0.1", self.number)).unwrap()
    }
}

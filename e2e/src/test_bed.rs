//! One test bed for the whole test process: the control plane, the played Pods and the tools,
//! started by the first test that asks.
//!
//! Each test has an async runtime of its own, which ends with it. What outlives a test runs on a runtime that never
//! ends, and a client of the API is made anew for each test, because it belongs to the runtime that made it.

use std::fs::{File, TryLockError, create_dir_all, remove_dir_all};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Result, anyhow};
use kube::Client;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{Kubectl, Namespace, Plane, Pods, tools};

static BED: OnceCell<Result<TestBed, String>> = OnceCell::const_new();
static TURNS: RwLock<()> = RwLock::const_new(());
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a process may start two threads")
});

/// A control plane and its players.
#[derive(Debug)]
pub struct TestBed {
    control_plane: Plane,
    pods: Pods,
    kubectl: Kubectl,
    folder: Folder,
}

impl TestBed {
    /// The test bed of this process, together with the other tests that run now.
    ///
    /// # Errors
    /// When it could not be started; the same for every test.
    pub async fn shared() -> Result<Turn> {
        let turn = Guard::Shared { _turn: TURNS.read().await };
        Ok(Turn { bed: Self::of_this_process().await?, _guard: turn })
    }

    /// The test bed of this process, with no other test at the same time: for one that breaks the API server.
    ///
    /// # Errors
    /// When it could not be started; the same for every test.
    pub async fn alone() -> Result<Turn> {
        let turn = Guard::Alone { _turn: TURNS.write().await };
        Ok(Turn { bed: Self::of_this_process().await?, _guard: turn })
    }

    /// A new test bed in a new folder of the build folder. It belongs to the async runtime in which it was started.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn start() -> Result<Self> {
        let folder = Folder::new(&tools::build_folder()?.with_file_name("tmp"))?;
        let control_plane = Plane::start(&folder.path).await?;
        let pods = Pods::start(&control_plane.client().await?).await?;
        let kubectl = Kubectl::new(tools::kubectl().await?, control_plane.kubeconfig(), "default");
        Ok(Self { control_plane, pods, kubectl, folder })
    }

    async fn of_this_process() -> Result<&'static Self> {
        let start = async || {
            let started = RUNTIME.spawn(Self::start()).await;
            started.map_err(Into::into).flatten().map_err(|error| format!("{error:#}"))
        };
        BED.get_or_init(start).await.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// The Kubernetes API.
    #[must_use]
    pub fn control_plane(&self) -> &Plane {
        &self.control_plane
    }

    /// The played Pods.
    #[must_use]
    pub fn pods(&self) -> &Pods {
        &self.pods
    }

    /// Where logs and other files of this run are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// An administrator's client, for the calling test.
    ///
    /// # Errors
    /// When the kubeconfig is damaged.
    pub async fn client(&self) -> Result<Client> {
        self.control_plane.client().await
    }

    /// An administrator's `kubectl`, for objects in `namespace`.
    #[must_use]
    pub fn kubectl(&self, namespace: &str) -> Kubectl {
        self.kubectl.namespace(namespace)
    }

    /// A new namespace.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn namespace(&self, prefix: &str) -> Result<Namespace> {
        Namespace::create(&self.client().await?, prefix).await
    }
}

/// The test bed, for as long as a test holds this.
#[derive(Debug)]
pub struct Turn {
    bed: &'static TestBed,
    _guard: Guard,
}

#[derive(Debug)]
enum Guard {
    Shared { _turn: RwLockReadGuard<'static, ()> },
    Alone { _turn: RwLockWriteGuard<'static, ()> },
}

impl Turn {
    /// The test bed itself, which outlives the turn: for what is started once for all tests.
    #[must_use]
    pub fn bed(&self) -> &'static TestBed {
        self.bed
    }
}

impl Deref for Turn {
    type Target = TestBed;

    fn deref(&self) -> &TestBed {
        self.bed
    }
}

/// An empty folder that no other running process uses. It stays when the run is over, and the next run empties it.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    fn new(parent: &Path) -> Result<Self> {
        create_dir_all(parent)?;
        for number in 1.. {
            let path = parent.join(format!("e2e-{number}"));
            let lock = File::create(path.with_extension("lock"))?;
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) => continue,
                locked => locked?,
            }
            if path.exists() {
                remove_dir_all(&path)?;
            }
            create_dir_all(&path)?;
            return Ok(Self { path, _lock: lock });
        }
        unreachable!("the numbers do not end")
    }
}

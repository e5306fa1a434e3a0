//! The Kubernetes API of a site: nothing comes in; a control plane with the operator's installation, and with no Cluster, goes out.
//!
//! A Cluster is for a whole Kubernetes cluster, so that each test needs one of its own while it runs. The next test gets it, emptied.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::Result;
use tokio::runtime::{Builder, Runtime};

use crate::TestBed;
use crate::platform::{self, SYSTEM};

/// Those that no test uses now.
static RESTING: Mutex<Vec<TestBed>> = Mutex::new(Vec::new());

/// What of a test bed runs beside the tests' own runtimes, which end with them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a process may start two threads")
});

/// A Kubernetes API, for as long as a test holds this.
#[derive(Debug)]
pub(super) struct Stage {
    bed: Option<TestBed>,
}

impl Stage {
    /// An empty one.
    pub(super) async fn take() -> Result<Self> {
        let resting = RESTING.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bed = match resting {
            Some(bed) => bed,
            None => RUNTIME.spawn(build()).await??,
        };
        let stage = Self { bed: Some(bed) };
        stage.clear().await?;
        Ok(stage)
    }

    /// The test bed itself.
    pub(super) fn bed(&self) -> &TestBed {
        self.bed.as_ref().expect("it is given back when this is dropped")
    }

    /// A kubeconfig of the controller.
    pub(super) async fn kubeconfig(&self) -> Result<PathBuf> {
        self.bed().control_plane().kubeconfig_for(SYSTEM, "flynn-operator-controller", None).await
    }

    /// Takes away what the last test left. No controller runs now that would let a Cluster or a Blobstore go.
    async fn clear(&self) -> Result<()> {
        let kubectl = self.bed().kubectl(SYSTEM);
        let tenant = kubectl.namespace("default");
        for (namespace, object) in self.declared().await? {
            let kubectl = kubectl.namespace(&namespace);
            let released = r#"{"metadata": {"finalizers": null}}"#;
            kubectl.ok(&["patch", &object, "--type=merge", "-p", released]).await?;
            kubectl.ok(&["delete", &object, "--ignore-not-found"]).await?;
        }
        for kind in ["secrets", "pods"] {
            tenant.ok(&["delete", kind, "-l", "flynn.io/blobstore", "--force"]).await?;
        }
        kubectl.ok(&["delete", "lease/flynn-operator", "--ignore-not-found"]).await?;
        kubectl.ok(&["delete", "nodes", "-l", "flynn.io/router"]).await?;
        kubectl.ok(&["delete", "routernodes.flynn.io", "--all"]).await?;
        tenant.ok(&["delete", "events", "--all"]).await?;
        Ok(())
    }

    /// What is declared, each with its namespace.
    async fn declared(&self) -> Result<Vec<(String, String)>> {
        let kinds = ["clusters", "blobstores", "apps", "routes", "certificates"]
            .map(|kind| format!("{kind}.flynn.io"));
        let line = r#"{.metadata.namespace} {.kind}.flynn.io/{.metadata.name}{"\n"}"#;
        let format = format!("jsonpath={{range .items[*]}}{line}{{end}}");
        let list = ["get", &kinds.join(","), "--all-namespaces", "-o", &format];
        let objects = self.bed().kubectl(SYSTEM).ok(&list).await?;
        let place = |namespace: &str| if namespace.is_empty() { "default" } else { namespace }.to_owned();
        let objects = objects.lines().filter_map(|line| line.split_once(' '));
        Ok(objects.map(|(namespace, object)| (place(namespace), object.to_owned())).collect())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        RESTING.lock().unwrap_or_else(PoisonError::into_inner).extend(self.bed.take());
    }
}

async fn build() -> Result<TestBed> {
    let bed = TestBed::start().await?;
    if !bed.control_plane().is_embedded() {
        platform::apply_installation(&bed).await?;
    }
    Ok(bed)
}

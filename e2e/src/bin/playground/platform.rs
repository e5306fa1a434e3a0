//! The platform, installed and started step by step as a person would on a cluster: sockets come in, Ready goes out.

use std::fs::{self, create_dir_all};
use std::path::Path;

use anyhow::Result;
use e2e::operator::Launch;
use e2e::pki::Authority;
use e2e::platform::{SYSTEM, repository};
use e2e::{ControlPlane, Kubectl, Pods, tools};
use jiff::{ToSpan, Zoned};
use rcgen::date_time_ymd;
use tokio::try_join;

use crate::progress::Progress;
use crate::role::Role;
use crate::sockets::{Sockets, port};
use crate::{forward, readiness};

/// The namespace of the quickstart.
const NAMESPACE: &str = "quickstart";

/// The names that the quickstart's certificate is for.
const NAMES: [&str; 2] = ["flynn.localhost", "*.flynn.localhost"];

/// Where the roles answer probes.
const PROBES: [&str; 2] = ["--health-address", "127.0.0.1:0"];

/// Everything that runs, in the order in which it ends.
#[derive(Debug)]
pub(crate) struct Platform {
    node: Role,
    controller: Role,
    _pods: Pods,
    _control_plane: ControlPlane,
    progress: Progress,
}

impl Platform {
    /// Starts everything and waits until it is ready.
    pub(crate) async fn start(folder: &Path, sockets: Sockets, progress: Progress) -> Result<Self> {
        progress.tell("starting etcd, kube-apiserver and kube-controller-manager");
        let files = folder.join("control-plane");
        create_dir_all(&files)?;
        let control_plane = ControlPlane::start(&files).await?;
        let pods = Pods::start(&control_plane.client().await?).await?;
        let kubectl = Kubectl::new(tools::kubectl().await?, control_plane.kubeconfig(), NAMESPACE);
        let [http, https, api] = [port(&sockets.http)?, port(&sockets.https)?, port(&sockets.api)?];
        write_kubeconfig(folder, &control_plane, api).await?;
        forward::start(sockets.api, control_plane.addr())?;

        progress.tell("kubectl apply -k manifests/install");
        install(&kubectl).await?;

        progress.tell("starting the controller and a router node, with the tokens of their ServiceAccounts");
        let [http_address, https_address] = [http, https].map(|port| format!("127.0.0.1:{port}"));
        let as_controller = control_plane.kubeconfig_for(SYSTEM, "flynn-operator-controller", None).await?;
        let as_node = control_plane.kubeconfig_for(SYSTEM, "flynn-operator-node", None).await?;
        let controller = Launch::new("controller", as_controller).args(PROBES);
        let node = Launch::new("node", as_node)
            .args(PROBES)
            .args(["--node-name", "node-a", "--drain-seconds", "1"])
            .args(["--http", &http_address, "--https", &https_address]);
        let (controller, mut node) = try_join!(
            Role::start("controller", controller, folder.to_owned()),
            Role::start("router node", node, folder.to_owned()),
        )?;
        node.operator().wait_ready().await?;
        forward::start(sockets.http, http_address.parse()?)?;
        forward::start(sockets.https, https_address.parse()?)?;

        progress.tell(
            "making a certificate authority and a certificate for flynn.localhost and *.flynn.localhost",
        );
        write_certificate(folder)?;
        quickstart(&kubectl, folder, progress).await?;
        readiness::wait(&control_plane.client().await?, progress).await?;
        Ok(Self { node, controller, _pods: pods, _control_plane: control_plane, progress })
    }

    /// Starts a role again whenever it ends; returns only if that fails.
    pub(crate) async fn keep(&mut self) -> Result<()> {
        try_join!(self.controller.keep(self.progress), self.node.keep(self.progress)).map(drop)
    }

    /// Ends the roles in good order; the rest ends with `self`.
    pub(crate) async fn end(self) -> Result<()> {
        self.node.end().await?;
        self.controller.end().await
    }
}

/// Applies the installation, and waits until the API serves the custom resources.
async fn install(kubectl: &Kubectl) -> Result<()> {
    let apply = ["apply", "-k", &repository("manifests/install")];
    kubectl.namespace(SYSTEM).ok(&apply).await?;
    let definitions = repository("crds/yaml");
    kubectl.ok(&["wait", "--for=condition=Established", "-f", &definitions, "--timeout=30s"]).await.map(drop)
}

/// Applies the quickstart, with a certificate of our own in place of the one that the operator signs.
async fn quickstart(kubectl: &Kubectl, folder: &Path, progress: Progress) -> Result<()> {
    let file = |name: &str| folder.join(name).display().to_string();
    let namespace = repository("manifests/examples/quickstart/0-namespace.yaml");
    kubectl.ok(&["apply", "-f", &namespace]).await?;
    progress.tell("kubectl create secret tls wildcard-tls --cert=wildcard.crt --key=wildcard.key");
    let (certificate, key) =
        (format!("--cert={}", file("wildcard.crt")), format!("--key={}", file("wildcard.key")));
    kubectl.ok(&["create", "secret", "tls", "wildcard-tls", &certificate, &key]).await?;
    progress.tell("kubectl apply -f manifests/examples/quickstart");
    kubectl.ok(&["apply", "-f", &repository("manifests/examples/quickstart")]).await?;
    let own = r#"{"spec": {"selfSigned": null, "secret": "wildcard-tls"}}"#;
    kubectl.ok(&["patch", "certificate", "wildcard", "--type=merge", "-p", own]).await.map(drop)
}

/// Writes `ca.crt`, and `wildcard.crt` with its key.
fn write_certificate(folder: &Path) -> Result<()> {
    let authority = Authority::new("flynn-operator playground")?;
    fs::write(folder.join("ca.crt"), authority.pem())?;
    let day = |from_today: i64| {
        let day = Zoned::now().date().saturating_add(from_today.days());
        date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    let leaf = authority.sign_with(&NAMES, |fields| {
        (fields.not_before, fields.not_after) = (day(-1), day(365));
    })?;
    leaf.write(folder, "wildcard")
}

/// Writes the kubeconfig of an administrator in the person's own network.
async fn write_kubeconfig(folder: &Path, control_plane: &ControlPlane, port: u16) -> Result<()> {
    let path = folder.join("kubeconfig");
    fs::copy(control_plane.kubeconfig(), &path)?;
    let kubectl = Kubectl::new(tools::kubectl().await?, path, NAMESPACE);
    let (server, context) = ("clusters.e2e.server", "contexts.e2e.namespace");
    kubectl.ok(&["config", "set", server, &format!("https://127.0.0.1:{port}")]).await?;
    kubectl.ok(&["config", "set", context, NAMESPACE]).await.map(drop)
}

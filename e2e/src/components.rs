//! The command lines of the control plane's components: the binary that holds them all and a folder come in.
//! The folder already has the certificates, keys and tokens that the flags name.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// The components of one control plane.
#[derive(Debug, Clone, Copy)]
pub struct Components<'a> {
    /// The program whose first argument is the component.
    pub binary: &'a Path,
    /// The folder for everything that they read and write.
    pub dir: &'a Path,
}

impl Components<'_> {
    /// etcd, which does not care for a power cut.
    #[must_use]
    pub fn etcd(&self, client: SocketAddr, peer: SocketAddr) -> Command {
        let mut command = self.command("etcd");
        command
            .arg(self.file("--data-dir", "etcd"))
            .arg(format!("--listen-client-urls=http://{client}"))
            .arg(format!("--advertise-client-urls=http://{client}"))
            .arg(format!("--listen-peer-urls=http://{peer}"))
            .arg(format!("--initial-advertise-peer-urls=http://{peer}"))
            .arg(format!("--initial-cluster=default=http://{peer}"))
            .args(["--unsafe-no-fsync", "--log-level=warn", "--quota-backend-bytes=4294967296"]);
        command
    }

    /// kube-apiserver on a port of 127.0.0.1.
    #[must_use]
    pub fn api_server(&self, port: u16, etcd: SocketAddr) -> Command {
        let mut command = self.command("kube-apiserver");
        command
            .arg(format!("--etcd-servers=http://{etcd}"))
            .arg(format!("--secure-port={port}"))
            .args([
                "--bind-address=127.0.0.1",
                "--advertise-address=10.77.0.1",
                "--endpoint-reconciler-type=none",
            ])
            .arg(self.file("--cert-dir", ""))
            .arg(self.file("--tls-cert-file", "api-server.crt"))
            .arg(self.file("--tls-private-key-file", "api-server.key"))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(self.file("--service-account-key-file", "service-accounts.pub"))
            .arg(self.file("--service-account-signing-key-file", "service-accounts.key"))
            .arg("--service-cluster-ip-range=10.96.0.0/16")
            .arg("--authorization-mode=RBAC")
            .arg(self.file("--token-auth-file", "tokens.csv"))
            .arg("--enable-admission-plugins=OwnerReferencesPermissionEnforcement")
            .arg("--disable-admission-plugins=ServiceAccount")
            .args(["--allow-privileged=true", "--profiling=false"]);
        command
    }

    /// kube-controller-manager, without the controllers that look at the heartbeats of Nodes.
    #[must_use]
    pub fn controller_manager(&self) -> Command {
        let mut command = self.command("kube-controller-manager");
        command
            .arg(self.file("--kubeconfig", "admin.kubeconfig"))
            .arg(self.file("--service-account-private-key-file", "service-accounts.key"))
            .arg(self.file("--root-ca-file", "authority.crt"))
            .arg("--controllers=*,-node-lifecycle-controller,-taint-eviction-controller")
            .args(["--use-service-account-credentials=false", "--leader-elect=false", "--secure-port=0"])
            .args(["--kube-api-qps=500", "--kube-api-burst=1000", "--profiling=false"]);
        command
    }

    fn command(&self, component: &str) -> Command {
        let mut command = Command::new(self.binary);
        command.arg(component);
        command
    }

    fn file(&self, flag: &str, name: &str) -> String {
        format!("{flag}={}", self.dir.join(name).display())
    }
}

//! What is measured: one controller and one node on a test bed, two Services, and a certificate.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::operator::Launch;
use e2e::pki::Authority;
use e2e::platform::{SYSTEM, repository};
use e2e::{Backend, Operator, TestBed, eventually, http};
use kube::Client;

/// The namespace of everything.
pub(crate) const NAMESPACE: &str = "bench";

/// The host whose certificate is swapped.
pub(crate) const TLS_HOST: &str = "tls.bench.example";

/// The addresses of the servers `a` and `b`, which are behind the Service `one` in turn, and of `c` behind the Service `two`.
pub(crate) const SERVERS: [(&str, Ipv4Addr); 3] = [
    ("a", Ipv4Addr::new(10, 77, 250, 1)),
    ("b", Ipv4Addr::new(10, 77, 250, 2)),
    ("c", Ipv4Addr::new(10, 77, 250, 3)),
];
const PORT: u16 = 8080;

/// The running operator and what is around it.
pub(crate) struct Platform {
    pub(crate) controller: Operator,
    pub(crate) node: Operator,
    pub(crate) client: Client,
    pub(crate) authority: Authority,
    pub(crate) bed: TestBed,
    _servers: Vec<Backend>,
}

impl Platform {
    pub(crate) async fn start() -> Result<Self> {
        let bed = TestBed::start().await?;
        let mut servers = Vec::new();
        for (name, address) in SERVERS {
            servers.push(Backend::start((address, PORT).into(), name).await?);
        }
        let kubectl = bed.kubectl(NAMESPACE);
        let apply = ["apply", "-k", &repository("manifests/install")];
        kubectl.namespace(SYSTEM).ok(&apply).await?;
        let definitions = repository("crds/yaml");
        kubectl.ok(&["wait", "--for=condition=Established", "-f", &definitions, "--timeout=30s"]).await?;
        kubectl.ok(&["create", "namespace", NAMESPACE]).await?;
        let authority = Authority::new("bench")?;
        authority.sign(&[TLS_HOST])?.write(bed.folder(), "bench")?;
        let [certificate, key] = ["crt", "key"].map(|end| bed.folder().join("bench").with_extension(end));
        let [certificate, key] =
            [format!("--cert={}", certificate.display()), format!("--key={}", key.display())];
        kubectl.ok(&["create", "secret", "tls", "tls", &certificate, &key]).await?;
        kubectl.apply(&objects()).await?;

        let as_controller =
            bed.control_plane().kubeconfig_for(SYSTEM, "flynn-operator-controller", None).await?;
        let controller = Launch::new("controller", as_controller).args(["--health-address=127.0.0.1:0"]);
        let controller = Operator::start(&controller, bed.folder()).await?;
        let node = node(&bed, "node-a", "127.0.0.1:0", "127.0.0.1:0").await?;
        let mut node = Operator::start(&node, bed.folder()).await?;
        node.wait_ready().await?;
        eventually("the first host answers", Duration::from_secs(60), || async {
            let answer = http::get(node.http()?, TLS_HOST, "/").await?;
            ensure!(answer.status == 200, "it answers {}", answer.status);
            Ok(())
        })
        .await?;
        let client = bed.client().await?;
        Ok(Self { controller, node, client, authority, bed, _servers: servers })
    }

    /// Where the node serves plain HTTP.
    pub(crate) fn http(&self) -> Result<SocketAddr> {
        self.node.http()
    }

    /// Both processes, the controller first.
    pub(crate) fn processes(&self) -> [u32; 2] {
        [self.controller.process().id(), self.node.process().id()]
    }
}

/// How to start a router node.
pub(crate) async fn node(bed: &TestBed, name: &str, http: &str, https: &str) -> Result<Launch> {
    let kubeconfig = bed.control_plane().kubeconfig_for(SYSTEM, "flynn-operator-node", None).await?;
    let launch = Launch::new("node", kubeconfig).args(["--health-address=127.0.0.1:0", "--node-name", name]);
    Ok(launch.args(["--http", http, "--https", https]))
}

/// The EndpointSlice of a Service, as YAML or JSON.
pub(crate) fn slice(service: &str, server: usize) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": PORT}],
        "endpoints": [{"addresses": [SERVERS[server].1], "conditions": {"ready": true}}],
    })
}

fn objects() -> String {
    let service = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{ports: [{{name: http, port: 80, targetPort: {PORT}}}]}}}}"
        )
    };
    [
        "{apiVersion: flynn.io/v1alpha1, kind: Cluster, metadata: {name: bench}, spec: {domains: [{name: bench.example}], httpsRedirect: false}}".into(),
        "{apiVersion: flynn.io/v1alpha1, kind: Certificate, metadata: {name: tls}, spec: {secret: tls}}".into(),
        format!("{{apiVersion: flynn.io/v1alpha1, kind: Route, metadata: {{name: tls}}, spec: {{http: {{host: {TLS_HOST}, certificate: tls}}, service: {{name: one}}}}}}"),
        service("one"),
        service("two"),
        slice("one", 0).to_string(),
        slice("two", 2).to_string(),
    ]
    .join("\n---\n")
}

//! A process begins as its environment says. One that cannot says in one sentence what to do, and ends with exit code 1.

use std::net::TcpListener;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::kubeconfig::Access;
use e2e::operator::Launch;
use e2e::platform::WAIT;
use e2e::process::Process;
use e2e::{ControlPlane, Operator, Platform, TestBed, eventually, ports, tools};
use kube::config::Kubeconfig;
use serde_json::Value;

use crate::up::folders;

const ROLES: [(&str, &[&str]); 2] = [
    ("controller", &["--health-address=127.0.0.1:0"]),
    (
        "node",
        &["--node-name=node-x", "--http=127.0.0.1:0", "--https=127.0.0.1:0", "--health-address=127.0.0.1:0"],
    ),
];

/// Runs it to its end, which is to be the exit code 1 and one line on standard error that contains all of `words`.
async fn fails(bed: &TestBed, launch: &Launch, words: &[&str]) -> Result<()> {
    let (status, text) = Operator::run_to_end(launch, bed.folder()).await?;
    ensure!(status.code() == Some(1), "it ended with {status}: {text}");
    let sentences: Vec<_> = text.lines().filter(|line| line.starts_with("flynn-operator: ")).collect();
    ensure!(sentences.len() == 1 && !text.contains("panicked"), "{text}");
    for word in words {
        ensure!(sentences[0].contains(word), "{word} is missing in: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_kubeconfig_that_does_not_reach_is_told() -> Result<()> {
    let bed = TestBed::shared().await?;
    let server = format!("https://{}", ports::free()?);
    let kubeconfig = bed.folder().join("unreachable.kubeconfig");
    let authority = e2e::pki::Authority::new("nobody")?;
    Access { server: &server, authority: authority.pem(), token: "none", namespace: "default" }
        .write(&kubeconfig)?;
    for (role, args) in ROLES {
        fails(&bed, &Launch::new(role, &kubeconfig).args(args), &[&server, "kubectl cluster-info"]).await?;
        let missing = bed.folder().join("missing.kubeconfig");
        fails(&bed, &Launch::new(role, &missing).args(args), &["kubeconfig", "missing.kubeconfig"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn credentials_that_are_refused_are_told() -> Result<()> {
    let bed = TestBed::shared().await?;
    let kubeconfig = bed.folder().join("stranger.kubeconfig");
    let mut stranger = Kubeconfig::read_from(bed.control_plane().kubeconfig())?;
    for user in stranger.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        user.token = Some("stranger".to_owned().into());
    }
    std::fs::write(&kubeconfig, serde_json::to_string(&stranger)?)?;
    for (role, args) in ROLES {
        fails(&bed, &Launch::new(role, &kubeconfig).args(args), &["refuses the credentials", "renew"])
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn custom_resources_that_are_not_installed_are_told() -> Result<()> {
    let bed = TestBed::shared().await?;
    let folder = bed.folder().join("bare");
    std::fs::create_dir_all(&folder)?;
    let bare = ControlPlane::start(&folder).await?;
    for (role, args) in ROLES {
        let words = [
            "clusters, apps, routes, certificates, blobstores, routernodes",
            "kubectl apply -k manifests/install",
        ];
        fails(&bed, &Launch::new(role, bare.kubeconfig()).args(args), &words).await?;
    }
    Ok(())
}

#[tokio::test]
async fn permissions_that_are_missing_are_told() -> Result<()> {
    let platform = Platform::shared().await?;
    let bed = platform.bed();
    let tenant = platform.tenant("permissions").await?;
    if !bed.control_plane().is_embedded() {
        tenant.kubectl.ok(&["create", "serviceaccount", "nobody"]).await?;
    }
    let kubeconfig = bed.control_plane().kubeconfig_for(&tenant.namespace, "nobody", None).await?;
    for (role, args) in ROLES {
        let launch = Launch::new(role, &kubeconfig).args(args);
        fails(bed, &launch, &["does not permit", "kubectl apply -k manifests/install"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_variable_of_flynns_router_that_cannot_be_is_told() -> Result<()> {
    let bed = TestBed::shared().await?;
    let missing = bed.folder().join("missing.kubeconfig");
    let data = format!("--data-dir={}", bed.folder().join("never-made").display());
    for (role, argument) in [("node", "--node-name=node-x"), ("up", &*data)] {
        for (name, value, words) in [
            ("LEGACY_TLS", "true", "not served: remove it"),
            ("LISTEN_IP", "eth0", "give an IP address of this machine"),
            ("DEFAULT_HTTP_PORT", "eighty", "or 0 for none"),
            ("ADDITIONAL_HTTPS_PORTS", "443;444", "with commas between"),
            ("PROXY_PROTOCOL", "yes", "`true` or `false`"),
        ] {
            let launch = Launch::new(role, &missing).args([argument]).env(name, value);
            fails(&bed, &launch, &[name, words]).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn up_listens_where_the_variables_of_flynns_router_say_unless_a_flag_does() -> Result<()> {
    let (folder, _, data) = folders(&[])?;
    let (https, additional, admin) = (ports::free()?, ports::free()?.port(), ports::free()?.port());
    let mut command = Command::new(tools::operator()?);
    command.args(["up", "--output=json", "--api-port=0", "--admin-port=0", "--data-dir"]).arg(&data);
    command.envs([("LISTEN_IP", "127.0.0.2"), ("DEFAULT_HTTP_PORT", "0"), ("COOKIE_KEY", "c2VjcmV0")]);
    command.env("DEFAULT_HTTPS_PORT", https.port().to_string()).env("PORT", admin.to_string());
    command.env("ADDITIONAL_HTTP_PORTS", additional.to_string());
    let printed = folder.path().join("printed");
    let mut process = Process::start("up-variables", command, folder.path(), Some(&printed))?;
    let listening = eventually("it says where it listens", WAIT, || {
        let said = process.check().and_then(|()| Ok(std::fs::read_to_string(&printed)?));
        async move {
            let said = said?;
            let line = said.lines().find(|line| line.contains("\"event\":\"listening\""));
            Ok(serde_json::from_str::<Value>(line.context("it has not said so")?)?)
        }
    });
    let listening = listening.await?;
    ensure!(listening["http"].is_null(), "0 is for no plain HTTP: {listening}");
    ensure!(listening["https"] == format!("127.0.0.2:{}", https.port()), "{listening}");
    ensure!(listening["admin"] != format!("127.0.0.1:{admin}"), "the flag wins: {listening}");
    tokio::net::TcpStream::connect(("127.0.0.2", additional)).await.context("the additional port")?;
    let log = std::fs::read_to_string(process.log())?;
    ensure!(log.contains("COOKIE_KEY is not read") && !log.contains("c2VjcmV0"), "{log}");
    ensure!(process.terminate(WAIT).await?.success(), "it ended with an error");
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_told() -> Result<()> {
    let platform = Platform::shared().await?;
    let bed = platform.bed();
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let controller = platform.kubeconfig("flynn-operator-controller").await?;
    let launch = Launch::new("controller", controller).args([format!("--health-address={address}")]);
    fails(bed, &launch, &[&address, "--health-address"]).await?;
    let node = platform.kubeconfig("flynn-operator-node").await?;
    for flag in ["--http", "--https", "--health-address"] {
        let others = ["--http", "--https", "--health-address"].into_iter().filter(|other| *other != flag);
        let args: Vec<_> = others.map(|other| format!("{other}=127.0.0.1:0")).collect();
        let launch = Launch::new("node", &node).args(args).args(["--node-name=node-x", flag, &address]);
        fails(bed, &launch, &[&address]).await?;
    }
    let routers = bed.kubectl("default").ok(&["get", "routernodes", "-o", "name"]).await?;
    ensure!(!routers.contains("node-x"), "a node that cannot serve has reported: {routers}");
    Ok(())
}

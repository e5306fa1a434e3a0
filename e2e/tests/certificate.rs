//! Certificates: what is served is described as openssl would, and nothing bad that is uploaded replaces what is good.

use std::path::Path;

use anyhow::{Result, ensure};
use e2e::http::{Response, get_tls};
use e2e::operator::Launch;
use e2e::platform::{DOMAIN, SYSTEM, WAIT};
use e2e::{Kubectl, Operator, Platform, Tenant, Trust, eventually, tools, unique};
use tokio::process::Command;

/// What this command prints, run in the folder.
async fn sh(folder: &Path, command: &str) -> Result<String> {
    let output = Command::new("sh").args(["-c", command]).current_dir(folder).output().await?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

async fn whoever(node: &Operator, host: &str) -> Result<Response> {
    get_tls(node.https()?, Some(host), Trust::Anything, host, "/").await
}

#[tokio::test]
async fn what_is_served_is_described_as_openssl_does() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("facts").await?;
    let host = format!("{}.{DOMAIN}", unique("facts"));
    let leaf = platform.authority().sign(&[&host, "*.facts.example"])?;
    leaf.write(platform.bed().folder(), &host)?;
    tenant.secret("tls", &leaf).await?;
    tenant.certificate("own", "tls").await?;
    tenant.condition("certificate/own", "Issued", "True Issued").await?;
    tenant.app_with_certificate(&host, "own").await?;
    tenant.ready("certificate/own").await?;
    platform.presents(&host, &leaf.der).await?;

    let openssl = async |options: &str| {
        sh(platform.bed().folder(), &format!("openssl x509 -in {host}.crt {options}")).await
    };
    let status = tenant.read("certificate/own").await?["status"].clone();
    let fingerprint = openssl("-noout -fingerprint -sha256").await?;
    let fingerprint =
        fingerprint.split_once('=').map_or("", |(_, digits)| digits).replace(':', "").to_lowercase();
    assert_eq!(status["fingerprint"], fingerprint);
    assert_eq!(status["tlsPin"], openssl("-outform DER | openssl dgst -sha256 -binary | base64").await?);
    let file = platform.bed().folder().join(format!("{host}.crt"));
    let pin = Launch::new("pin", "/nonexistent").args([file]);
    let (_, printed) = Operator::run_to_end(&pin, platform.bed().folder()).await?;
    assert_eq!(status["tlsPin"], printed.trim());
    let names = openssl("-noout -ext subjectAltName").await?;
    for name in [&host, "*.facts.example"] {
        ensure!(
            names.contains(&format!("DNS:{name}")) && status["dnsNames"].to_string().contains(name),
            "{names} {status}"
        );
    }
    let dates = openssl("-noout -dates -dateopt iso_8601").await?.replace(' ', "T");
    for field in ["notBefore", "notAfter"] {
        ensure!(
            dates.contains(&format!("{field}={}", status[field].as_str().unwrap_or_default())),
            "{dates} {status}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_rotation_loses_no_request() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("rotation").await?;
    let host = format!("{}.{DOMAIN}", unique("rotation"));
    tenant.secret("tls", &platform.authority().sign(&[&host])?).await?;
    tenant.certificate("own", "tls").await?;
    tenant.app_with_certificate(&host, "own").await?;
    tenant.ready("certificate/own").await?;
    let load = platform.load(&host)?;
    for _ in 0..3 {
        load.more(10).await?;
        let leaf = platform.authority().sign(&[&host])?;
        tenant.secret("tls", &leaf).await?;
        platform.presents(&host, &leaf.der).await?;
    }
    load.more(10).await?;
    load.stop().await
}

#[tokio::test]
async fn the_copy_for_the_nodes_goes_with_its_certificate() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("copy").await?;
    tenant.secret("tls", &platform.authority().sign(&["copy.example"])?).await?;
    tenant.certificate("own", "tls").await?;
    tenant.ready("certificate/own").await?;
    let copy = tenant.kubectl.field("certificate/own", ".status.servedSecret").await?;
    let system = Tenant::of(platform.bed(), SYSTEM).await?;
    let found = system
        .kubectl
        .ok(&["get", "secret", &copy, "-o", "jsonpath={.metadata.annotations} {.type}"])
        .await?;
    ensure!(
        found.contains(&format!("{}/own", tenant.namespace)) && found.ends_with("kubernetes.io/tls"),
        "{found}"
    );
    system.kubectl.ok(&["delete", "secret", &copy]).await?;
    eventually("the copy is back", WAIT, || async { system.kubectl.ok(&["get", "secret", &copy]).await })
        .await?;
    tenant.kubectl.ok(&["delete", "certificate/own"]).await?;
    system.gone(&format!("secret/{copy}")).await
}

#[tokio::test]
async fn a_node_may_read_the_copies_and_no_other_secret() -> Result<()> {
    let platform = Platform::shared().await?;
    if platform.bed().control_plane().lacks("ServiceAccounts") {
        return Ok(());
    }
    let kubeconfig = platform.kubeconfig("flynn-operator-node").await?;
    let node = Kubectl::new(tools::kubectl().await?, kubeconfig, SYSTEM);
    let may = async |verb: &str, object: &str, namespace: &str| {
        let answer = node.namespace(namespace).run(&["auth", "can-i", verb, object]).await?;
        anyhow::Ok(answer.stdout.trim() == "yes")
    };
    ensure!(may("list", "secrets", SYSTEM).await?, "the copies");
    for verb in ["get", "list", "watch", "create", "delete"] {
        ensure!(!may(verb, "secrets", "flynn").await?, "{verb} secrets of people");
        ensure!(!may(verb, "secrets", "default").await?, "{verb} secrets of people");
    }
    for verb in ["create", "patch", "update", "delete"] {
        ensure!(!may(verb, "secrets", SYSTEM).await?, "{verb} the copies");
        ensure!(!may(verb, "routes.flynn.io", "flynn").await?, "{verb} routes");
    }
    let refusal = node.namespace("flynn").fails(&["get", "secret", "wildcard-tls"]).await?;
    ensure!(refusal.contains("Forbidden"), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn a_client_that_names_no_host_gets_the_default_certificate() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("sni").await?;
    let (_, host) = tenant.app("www", "{image: a}").await?;
    for node in platform.nodes() {
        let named = whoever(node, &host).await?;
        let silent = get_tls(node.https()?, None, Trust::Anything, &host, "/").await?;
        assert_eq!((silent.status, silent.certificate), (200, named.certificate));
        let unknown = whoever(node, &format!("unknown-{host}")).await;
        ensure!(unknown.is_err(), "the handshake for a host that nobody has is refused");
    }
    Ok(())
}

//! No private key is ever written where it does not belong: not to a log, an output, a status or an event.

use std::fs::read_to_string;

use anyhow::{Result, ensure};
use e2e::operator::Launch;
use e2e::platform::DOMAIN;
use e2e::{Operator, Platform, pki, unique};

/// How "-----BEGIN PRIVATE KEY" begins in base64, as in a Secret's `data`.
const ENCODED: &str = "LS0tLS1CRUdJTiBQUklWQVRFIEtFW";

#[tokio::test]
async fn no_key_is_in_any_log_output_status_or_event() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("keys").await?;
    let host = format!("{}.{DOMAIN}", unique("keys"));
    let (good, other) = (platform.authority().sign(&[&host])?, platform.authority().sign(&[&host])?);
    tenant.secret("tls", &good).await?;
    tenant.certificate("own", "tls").await?;
    tenant
        .declare(
            "route",
            "www",
            &format!("{{http: {{host: {host}, certificate: own}}, redirect: {{host: {DOMAIN}}}}}"),
        )
        .await?;
    tenant.ready("certificate/own").await?;
    tenant
        .raw_secret("tls", "kubernetes.io/tls", &[("tls.crt", &good.certificate), ("tls.key", &other.key)])
        .await?;
    tenant.condition("certificate/own", "Issued", "False KeyMismatch").await?;
    let halves: Vec<_> = other.key.lines().filter(|line| !line.contains("END")).collect();
    let malformed = halves.join("\n"); // a key without its end
    tenant
        .raw_secret("tls", "kubernetes.io/tls", &[("tls.crt", &malformed), ("tls.key", &malformed)])
        .await?;
    tenant.condition("certificate/own", "Issued", "False SecretMalformed").await?;

    let bed = platform.bed();
    let manifest = bed.folder().join(unique("secret")).with_extension("yaml");
    let secret = ["get", "secret/tls", "certificate/own", "-o", "yaml"];
    std::fs::write(&manifest, tenant.kubectl.ok(&secret).await?)?;
    for output in ["table", "json"] {
        for against in ["none", "cluster"] {
            let args = ["-f", &manifest.display().to_string(), "-o", output, "--against", against];
            Operator::run_to_end(
                &Launch::new("plan", bed.control_plane().kubeconfig()).args(args),
                bed.folder(),
            )
            .await?;
        }
    }

    let admin = bed.kubectl("default");
    let objects = admin.ok(&["get", "flynn,events,deployments", "-A", "-o", "yaml"]).await?;
    clean("the objects", &objects)?;
    let written = platform.written()?;
    ensure!(written.len() >= 8, "{written:?}");
    for path in written {
        clean(&path.display().to_string(), &read_to_string(&path)?)?;
    }
    for node in platform.nodes() {
        let metrics = e2e::http::get(node.listening().health, "localhost", "/metrics").await?;
        clean("the metrics", &metrics.text())?;
    }
    Ok(())
}

fn clean(place: &str, text: &str) -> Result<()> {
    ensure!(!text.contains("BEGIN PRIVATE KEY") && !text.contains(ENCODED), "{place} has a private key");
    for key in pki::keys() {
        let mut lines = key.lines().filter(|line| !line.starts_with('-'));
        ensure!(!lines.any(|line| text.contains(line)), "{place} has a part of a private key");
    }
    Ok(())
}

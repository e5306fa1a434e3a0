//! A certificate that the operator signs itself.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::platform::{SYSTEM, WAIT};
use e2e::tls::Trust;
use e2e::{Platform, eventually, http, unique};

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_by_who_trusts_the_authority() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("self-signed").await?;
    let (app, _) = tenant.app("www", "{image: a}").await?;
    let name = unique("own");
    let host = format!("{name}.test");
    tenant.declare("certificate", &name, &format!("{{selfSigned: {{dnsNames: ['{host}']}}}}")).await?;
    tenant.ready(&format!("certificate/{name}")).await?;
    let route = format!("{{http: {{host: {host}, certificate: {name}}}, app: {app}}}");
    tenant.declare("route", &name, &route).await?;
    tenant.ready(&format!("route/{name}")).await?;

    let system = platform.bed().kubectl(SYSTEM);
    let authority = system.field("secret/flynn-operator-ca", r".data.tls\.crt").await?;
    let authority = String::from_utf8(STANDARD.decode(authority)?)?;
    for node in platform.nodes() {
        eventually("the host is served with the pair", WAIT, || async {
            let trust = Trust::Authority(&authority);
            let answer = http::get_tls(node.https()?, Some(&host), trust, &host, "/").await?;
            ensure!(answer.status == 200, "{answer:?}");
            Ok(())
        })
        .await?;
    }
    let served = tenant.read(&format!("certificate/{name}")).await?;
    let secret = served["status"]["servedSecret"].as_str().context("the Secret of the pair is named")?;
    let listed = system.ok(&["get", "secret", secret, "-o", "jsonpath={.data}"]).await?;
    ensure!(listed.contains("ca.crt"), "the authority is beside the pair");
    let own = tenant.kubectl.ok(&["get", "secrets", "-o", "name"]).await?;
    ensure!(own.is_empty(), "no key is outside of {SYSTEM}: {own}");
    Ok(())
}

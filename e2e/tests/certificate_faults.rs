//! Nothing bad that is uploaded, and nothing that is missing, replaces a certificate that is good; each is told with its reason.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use e2e::platform::DOMAIN;
use e2e::{Platform, unique};
use rcgen::date_time_ymd;

#[tokio::test]
async fn the_last_good_one_stays_whatever_is_uploaded() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("bad").await?;
    let host = format!("{}.{DOMAIN}", unique("bad"));
    let sign = |from: i32, to: i32| {
        platform.authority().sign_with(&[&host], |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        })
    };
    let (good, other, past, future) =
        (sign(2020, 2090)?, sign(2020, 2090)?, sign(2019, 2020)?, sign(2089, 2090)?);
    tenant.secret("tls", &good).await?;
    tenant.certificate("own", "tls").await?;
    tenant.app_with_certificate(&host, "own").await?;
    platform.presents(&host, &good.der).await?;
    let load = platform.load(&host)?;
    let pin = tenant.kubectl.field("certificate/own", ".status.tlsPin").await?;

    let uploads = [
        (&good.certificate, &other.key, "KeyMismatch"),
        (&past.certificate, &past.key, "Expired"),
        (&future.certificate, &future.key, "NotYetValid"),
        (&"no certificate".to_owned(), &good.key, "SecretMalformed"),
        (&good.certificate, &"no key".to_owned(), "SecretMalformed"),
    ];
    for (certificate, key, reason) in uploads {
        tenant.raw_secret("tls", "kubernetes.io/tls", &[("tls.crt", certificate), ("tls.key", key)]).await?;
        let message = tenant.condition("certificate/own", "Issued", &format!("False {reason}")).await?;
        ensure!(message.contains("tls") && message.contains(": "), "{message}");
        tenant.event("certificate/own", reason).await?;
        tenant.condition("certificate/own", "Ready", &format!("False {reason}")).await?;
        load.more(4).await?;
        platform.presents(&host, &good.der).await?;
        tenant.secret("tls", &good).await?;
        tenant.ready("certificate/own").await?;
    }
    tenant.kubectl.ok(&["delete", "secret/tls"]).await?;
    let message = tenant.condition("certificate/own", "Issued", "False SecretNotFound").await?;
    ensure!(message.contains("kubectl -n"), "{message}");
    platform.presents(&host, &good.der).await?;
    assert_eq!(
        tenant.kubectl.field("certificate/own", ".status.tlsPin").await?,
        pin,
        "the status is about what is served"
    );
    tenant.secret("tls", &other).await?;
    tenant.ready("certificate/own").await?;
    platform.presents(&host, &other.der).await?;
    load.stop().await
}

#[tokio::test]
async fn a_secret_that_is_missing_or_of_another_type_is_told() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("types").await?;
    let leaf = platform.authority().sign(&["types.example"])?;
    tenant.certificate("own", "tls").await?;
    let message = tenant.condition("certificate/own", "Issued", "False SecretNotFound").await?;
    let command = format!("kubectl -n {} create secret tls tls", tenant.namespace);
    ensure!(message.contains(&command) && message.contains("kubernetes.io/tls"), "{message}");
    tenant.event("certificate/own", "SecretNotFound").await?;
    tenant.condition("certificate/own", "Stalled", "True SecretNotFound").await?;
    tenant.raw_secret("tls", "Opaque", &[("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)]).await?;
    tenant.condition("certificate/own", "Issued", "False SecretNotFound").await?;
    tenant.kubectl.ok(&["delete", "secret/tls"]).await?;
    tenant.secret("tls", &leaf).await?;
    tenant.ready("certificate/own").await
}

#[tokio::test]
async fn a_certificate_that_is_missing_or_covers_other_hosts_is_told() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("cover").await?;
    let host = format!("{}.{DOMAIN}", unique("cover"));
    let route =
        format!("{{http: {{host: {host}, certificate: own}}, redirect: {{host: www.{DOMAIN}, port: 444}}}}");
    tenant.declare("route", "www", &route).await?;
    let message = tenant.condition("route/www", "ResolvedRefs", "False CertificateNotFound").await?;
    ensure!(message.contains("own"), "{message}");
    platform.serves(&host, "/", 308, "https://www.site.com:444/").await?; // with the domain's certificate
    tenant.certificate("own", "tls").await?;
    tenant.condition("route/www", "ResolvedRefs", "False CertificateNotReady").await?;
    tenant.secret("tls", &platform.authority().sign(&["other.example"])?).await?;
    let message = tenant.condition("route/www", "ResolvedRefs", "False CertificateDoesNotCoverHost").await?;
    ensure!(message.contains("other.example") && message.contains(&host), "{message}");
    tenant.secret("tls", &platform.authority().sign(&[&host])?).await?;
    tenant.ready("route/www").await?;
    platform.serves(&host, "/", 308, "https://www.site.com:444/").await
}

#[tokio::test]
async fn a_certificate_that_expires_is_told_at_that_moment_and_served_on() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("expiry").await?;
    let host = format!("{}.{DOMAIN}", unique("expiry"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let leaf = platform.authority().sign_with(&[&host], |params| {
        params.not_after = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(15);
    })?;
    tenant.secret("tls", &leaf).await?;
    tenant.certificate("own", "tls").await?;
    tenant.app_with_certificate(&host, "own").await?;
    tenant.ready("certificate/own").await?;
    let message = tenant.condition("certificate/own", "Issued", "False Expired").await?;
    ensure!(message.contains("renewed"), "{message}");
    tenant.event("certificate/own", "Expired").await?;
    platform.presents(&host, &leaf.der).await?;
    tenant.secret("tls", &platform.authority().sign(&[&host])?).await?;
    tenant.ready("certificate/own").await
}

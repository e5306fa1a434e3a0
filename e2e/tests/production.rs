//! `manifests/examples/production`: all that a site in production declares, applied as one folder on doubles of AWS with three nodes, tried from outside
//! at every address that DNS gives, and taken away again.

mod holdings;
mod timeline;

use std::fs::{read_dir, read_to_string};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::amazon::AccessKey;
use e2e::pki::Authority;
use e2e::platform::repository;
use e2e::site::{DOMAIN, Router, Site};
use e2e::{Tenant, Trust, http};
use holdings::Holdings;
use serde_json::Value;
use timeline::Timeline;
use tokio::time::timeout;

/// The namespace of the example.
const NAMESPACE: &str = "production";

/// The domain that its Cluster has beside the default one.
const OLD_DOMAIN: &str = "old-site.com";

/// The port of its TCP Route.
const QUEUE: u16 = 5672;

/// How long the end may take: a TTL and a minute until no resolver has an address any more, and the calls.
const END: Duration = Duration::from_secs(420);

/// What has to be there before the example is applied: three nodes with routers, the zone of each domain, the certificate in its Secret.
async fn prepared(folder: &str) -> Result<(Site, Vec<Router>, Authority)> {
    let site = Site::start(&manifest(folder)?).await?;
    site.amazon.route53.create_zone(OLD_DOMAIN).map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    let mut routers = Vec::new();
    for zone in ["us-east-1a", "us-east-1b", "us-east-1c"] {
        routers.push(site.add_router(zone, &[QUEUE]).await?);
    }
    tenant(&site).kubectl.ok(&["apply", "-f", &format!("{folder}/0-namespace.yaml")]).await?;
    let authority = Authority::new("people")?;
    let names = [DOMAIN, OLD_DOMAIN].map(|domain| [domain.to_owned(), format!("*.{domain}")]).concat();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    tenant(&site).secret("site-wildcard", &authority.sign(&names)?).await?;
    Ok((site, routers, authority))
}

/// All documents of a folder as one text.
fn manifest(folder: &str) -> Result<String> {
    let mut files = read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    let texts = files.iter().map(|file| Ok(read_to_string(file)?)).collect::<Result<Vec<_>>>()?;
    Ok(texts.join("\n---\n"))
}

fn tenant(site: &Site) -> Tenant {
    let kubectl = site.kubectl().namespace(NAMESPACE);
    Tenant { namespace: NAMESPACE.to_owned(), kubectl, client: site.people.client.clone() }
}

#[tokio::test]
async fn one_apply_makes_the_whole_site_and_one_delete_leaves_aws_as_it_was() -> Result<()> {
    let folder = repository("manifests/examples/production");
    let (mut site, routers, authority) = prepared(&folder).await?;
    let before = Holdings::of(&site).await?;
    site.lead().await?;
    site.lead().await?;

    comes_up(&site, &folder).await.with_context(|| routers.iter().map(Router::tail).collect::<String>())?;
    let made = Holdings::of(&site).await?.kinds_beyond(&before);
    let expected = ["address", "bucket", "check", "group", "interface", "key", "policy", "record", "user"];
    ensure!(made.iter().eq(expected), "{made:?}");

    let nodes: Vec<_> = routers.iter().map(|router| router.node.clone()).collect();
    for name in [DOMAIN, &format!("www.{DOMAIN}"), OLD_DOMAIN, &format!("shop.{OLD_DOMAIN}")] {
        site.serves(name, &nodes).await?;
    }
    for address in site.addresses_of(DOMAIN).await? {
        visit(address, &authority).await.with_context(|| format!("at {address}"))?;
    }
    the_keys_work(&site).await?;
    let (code, plan) = site.plan(&manifest(&folder)?, &["--against", "cluster"]).await?;
    ensure!(code == Some(0), "nothing is left to be done: {code:?} {plan}");

    site.amazon.proxy.forget_calls();
    let delete = ["delete", "-f", &folder];
    timeout(END, tenant(&site).kubectl.ok(&delete)).await.context("kubectl delete does not end")??;
    tell_calls(&site, "until all of it is gone");
    Holdings::of(&site).await?.are(&before)?;
    site.strangers_are_untouched().await
}

/// Applies the example, waits until all of it is Ready, and tells how that went.
async fn comes_up(site: &Site, folder: &str) -> Result<()> {
    let timeline = Timeline::begin();
    let apply = async {
        tenant(site).kubectl.ok(&["apply", "-f", folder]).await?;
        timeline.declared();
        Ok(())
    };
    let ready = site.eventually("all of it is Ready", || timeline.all_ready(site));
    let ended = tokio::try_join!(apply, ready);
    println!("{timeline}");
    tell_calls(site, "until all of it is Ready");
    ended.map(drop)
}

/// Asks for everything that a visitor gets at one of the site's addresses, who trusts who signed the certificate and nobody else.
async fn visit(ip: IpAddr, authority: &Authority) -> Result<()> {
    let at = |port| SocketAddr::new(ip, port);
    let www = format!("www.{DOMAIN}");
    let secure = async |host: &str, path: &str| {
        let trust = Trust::Authority(authority.pem());
        http::get_tls(at(443), Some(host), trust, host, path).await.with_context(|| host.to_owned())
    };
    for host in [DOMAIN, OLD_DOMAIN, &format!("www.{OLD_DOMAIN}")] {
        let answer = secure(host, "/a?b=c").await?;
        let location = answer.header("location");
        ensure!(answer.status == 308 && location == format!("https://{www}/a?b=c"), "{host}: {answer:?}");
    }
    let page = secure(&www, "/").await?;
    let text = page.text();
    ensure!(page.status == 200 && text.contains("pod=www-web-"), "{page:?}");
    ensure!(text.contains(&format!("host={www}")), "{text}");
    ensure!(page.header("strict-transport-security").contains("max-age=31536000"), "{page:?}");
    let shop = format!("shop.{DOMAIN}");
    ensure!(secure(&shop, "/").await?.text().contains("pod=shop-web-"), "the shop");
    ensure!(secure(&shop, "/api/").await?.text().contains("pod=api-web-"), "its API");
    let plain = http::get(at(80), &www, "/").await?;
    ensure!(plain.status == 308 && plain.header("location") == format!("https://{www}/"), "{plain:?}");
    ensure!(http::get(at(QUEUE), "queue", "/").await?.text().contains("pod=queue-web-"), "the TCP Route");
    Ok(())
}

/// Stores, reads and deletes an object as the Apps' processes do, with what their environment has.
async fn the_keys_work(site: &Site) -> Result<()> {
    let secret = tenant(site).kubectl.ok(&["get", "secret/blobs-credentials", "-o", "json"]).await?;
    let secret: Value = serde_json::from_str(&secret)?;
    let entry = |name: &str| -> Result<String> {
        let entry = secret["data"][name].as_str().with_context(|| format!("the Secret has no {name}"))?;
        Ok(String::from_utf8(BASE64_STANDARD.decode(entry)?)?)
    };
    let key = AccessKey { id: entry("AWS_ACCESS_KEY_ID")?, secret: entry("AWS_SECRET_ACCESS_KEY")? };
    let (s3, bucket) = (aws_sdk_s3::Client::new(&site.amazon.sdk(&key)), entry("S3_BUCKET")?);
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"ten books");
    s3.put_object().bucket(&bucket).key("order/1").body(body).send().await.context("an object is stored")?;
    let object = s3.get_object().bucket(&bucket).key("order/1").send().await.context("it is read")?;
    ensure!(object.body.collect().await?.into_bytes() == "ten books");
    s3.delete_object().bucket(&bucket).key("order/1").send().await.context("it is deleted")?;
    Ok(())
}

fn tell_calls(site: &Site, until: &str) {
    let calls = site.amazon.proxy.calls_by_action();
    println!("{} calls of AWS {until}:", calls.values().sum::<usize>());
    calls.iter().for_each(|(action, count)| println!("{count:6}  {action}"));
}

//! A Blobstore on this machine: `flynn-operator up` serves what an App stores, keeps it over a kill and a deletion, and deletes it only where it may.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use e2e::definitions::repository;
use e2e::http::{Connection, Response};
use e2e::machine::Machine;
use e2e::{eventually, platform::WAIT};
use http::{Method, Request};
use http_body_util::Full;

use crate::up::folders;

const PORT: &[&str] = &["--blobstore-port=0"];

fn blobstore(spec: &str) -> String {
    format!("{{apiVersion: flynn.io/v1alpha1, kind: Blobstore, metadata: {{name: blobs}}, spec: {spec}}}\n")
}

/// What the Secret tells an App: where its objects are.
async fn url(machine: &Machine) -> Result<String> {
    let encoded = machine.kubectl.field("secret/blobs", ".data.BLOBSTORE_URL").await?;
    Ok(String::from_utf8(STANDARD.decode(encoded)?)?)
}

async fn ask(url: &str, method: Method, name: &str, body: &'static str) -> Result<Response> {
    let (address, key) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).context("a URL")?;
    let request = Request::builder().method(method).uri(format!("/{key}{name}")).header("host", address);
    let mut connection = Connection::open(address.parse()?).await?;
    connection.send(request.body(Full::new(Bytes::from_static(body.as_bytes())))?).await
}

async fn put(url: &str, name: &str, body: &'static str) -> Result<()> {
    let answer = ask(url, Method::PUT, name, body).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

async fn has(url: &str, name: &str, body: &str) -> Result<()> {
    let answer = ask(url, Method::GET, name, "").await?;
    ensure!(answer.status == 200 && answer.text() == body, "{answer:?}");
    Ok(())
}

async fn ready(machine: &Machine) -> Result<()> {
    machine.told("applied", &[]).await?;
    let args = ["wait", "--for=condition=Ready", "blobstore/blobs", "--timeout=60s"];
    machine.kubectl.ok(&args).await.map(drop)
}

async fn gone(machine: &Machine) -> Result<()> {
    machine.kubectl.ok(&["wait", "--for=delete", "blobstore/blobs", "--timeout=60s"]).await.map(drop)
}

async fn stamp(machine: &Machine, app: &str) -> Result<String> {
    let path = r".spec.template.metadata.annotations.flynn\.io/blobstore-key";
    machine.kubectl.field(&format!("deployment/{app}-web"), path).await
}

#[tokio::test]
async fn an_app_stores_and_reads_an_object_and_a_kill_loses_none() -> Result<()> {
    let (folder, _, data) = folders(&[])?;
    let example = repository("manifests/examples/blobstore-local");
    let machine = Machine::start_with(Path::new(&example), &data, PORT).await?;
    machine.told("ready", &["https://greeter.flynn.localhost:"]).await?;
    machine.serves("greeter.flynn.localhost", "Hello from an object.").await?;
    let before = url(&machine).await?;
    has(&before, "/greeting", "Hello from an object.\n").await?;
    put(&before, "/greeting", "Kept.\n").await?;
    let key_id = machine.kubectl.field("blobstore/blobs", ".status.keyID").await?;
    ensure!(stamp(&machine, "greeter").await? == key_id, "the Pods are not of the key {key_id}");
    machine.kill9()?;

    let machine = Machine::start_with(Path::new(&example), &data, PORT).await?;
    machine.serves("greeter.flynn.localhost", "Kept.").await?;
    let after = eventually("the Secret says where it is served now", WAIT, || async {
        let after = url(&machine).await?;
        has(&after, "/greeting", "Kept.\n").await?;
        Ok(after)
    })
    .await?;
    ensure!(before.rsplit_once('/').map(|(_, key)| key) == after.rsplit_once('/').map(|(_, key)| key));
    eventually("the Pods are those of the key in the Secret", WAIT, || async {
        let key_id = machine.kubectl.field("blobstore/blobs", ".status.keyID").await?;
        ensure!(stamp(&machine, "greeter").await? == key_id, "{key_id}");
        Ok(())
    })
    .await?;
    let (_, key) = after.rsplit_once('/').context("it ends with the key")?;
    let told =
        machine.kubectl.ok(&["get", "events,blobstores,apps,deployments,pods", "-A", "-o", "yaml"]).await?;
    ensure!(!told.contains(key), "the key is told");
    machine.stop().await?;
    for entry in std::fs::read_dir(folder.path())? {
        let path = entry?.path();
        let printed = if path.is_file() { std::fs::read(&path)? } else { Vec::new() };
        ensure!(!String::from_utf8_lossy(&printed).contains(key), "{} has the key", path.display());
    }
    Ok(())
}

#[tokio::test]
async fn what_is_retained_is_taken_up_again_and_objects_are_in_the_way_of_a_deletion() -> Result<()> {
    let (_folder, manifests, data) = folders(&[("blobs.yaml", &blobstore("{local: {}}"))])?;
    let machine = Machine::start_with(&manifests, &data, PORT).await?;
    ready(&machine).await?;
    let first = url(&machine).await?;
    put(&first, "/a", "kept").await?;
    machine.kubectl.ok(&["delete", "blobstore/blobs", "--wait=false"]).await?;
    gone(&machine).await?;
    ensure!(ask(&first, Method::GET, "/a", "").await?.status == 404, "what is deleted is still served");
    eventually("an event says that it stays", WAIT, || async {
        let events = machine.kubectl.ok(&["get", "events", "-o", "jsonpath={.items[*].message}"]).await?;
        ensure!(events.contains("blobstores/default/blobs and the Secret default/blobs stay"), "{events}");
        Ok(())
    })
    .await?;

    machine.kubectl.apply(&blobstore("{local: {}, deletionPolicy: Delete}")).await?;
    ready(&machine).await?;
    let again = url(&machine).await?;
    has(&again, "/a", "kept").await?;
    machine.kubectl.ok(&["delete", "blobstore/blobs", "--wait=false"]).await?;
    let blocked = "--for=jsonpath={.status.conditions[?(@.type==\"BucketReady\")].reason}=DeletionBlocked";
    machine.kubectl.ok(&["wait", blocked, "blobstore/blobs", "--timeout=60s"]).await?;
    ensure!(machine.kubectl.field("blobstore/blobs", ".status.objects").await? == "1");
    has(&again, "/a", "kept").await.context("until then all works as before")?;
    ensure!(ask(&again, Method::DELETE, "/a", "").await?.status == 200);
    gone(&machine).await?;
    ensure!(!data.join("blobstores/default/blobs").exists(), "the folder is left");
    machine.kubectl.fails(&["get", "secret/blobs"]).await?;
    machine.stop().await.map(drop)
}

#[tokio::test]
async fn objects_go_with_a_blobstore_that_says_so() -> Result<()> {
    let spec = "{local: {emptyOnDelete: true}, deletionPolicy: Delete}";
    let (_folder, manifests, data) = folders(&[("blobs.yaml", &blobstore(spec))])?;
    let machine = Machine::start_with(&manifests, &data, PORT).await?;
    ready(&machine).await?;
    put(&url(&machine).await?, "/a", "gone").await?;
    machine.kubectl.ok(&["delete", "blobstore/blobs", "--wait=false"]).await?;
    gone(&machine).await?;
    ensure!(!data.join("blobstores/default/blobs").exists(), "the folder is left");
    machine.stop().await.map(drop)
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_left_alone_and_a_new_key_takes_the_place_of_a_deleted_one() -> Result<()>
{
    let (_folder, manifests, data) = folders(&[
        (
            "a.yaml",
            "{apiVersion: v1, kind: Secret, metadata: {name: blobs}, stringData: {BLOBSTORE_URL: theirs}}",
        ),
        ("b.yaml", &blobstore("{local: {}}")),
    ])?;
    let machine = Machine::start_with(&manifests, &data, PORT).await?;
    machine.told("failed", &["Blobstore default/blobs", "exists and is not this Blobstore's"]).await?;
    ensure!(url(&machine).await? == "theirs", "it was written");
    std::fs::remove_file(manifests.join("a.yaml"))?;
    ready(&machine).await?;
    let first = url(&machine).await?;
    let first_id = machine.kubectl.field("blobstore/blobs", ".status.keyID").await?;
    put(&first, "/a", "kept").await?;

    machine.kubectl.ok(&["delete", "secret/blobs"]).await?;
    let second = eventually("there is a new key", WAIT, || url(&machine)).await?;
    ensure!(second != first, "it is the same key");
    has(&second, "/a", "kept").await?;
    eventually("the status has the new key", WAIT, || async {
        let id = machine.kubectl.field("blobstore/blobs", ".status.keyID").await?;
        ensure!(id.starts_with("local-") && id != first_id, "{id}");
        Ok(())
    })
    .await?;
    eventually("the old key opens nothing, as nobody has it", WAIT, || async {
        let status = ask(&first, Method::GET, "/a", "").await?.status;
        ensure!(status == 404, "{status}");
        Ok(())
    })
    .await?;
    machine.stop().await.map(drop)
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_and_taken_once_it_is_free() -> Result<()> {
    let (_folder, manifests, data) = folders(&[("blobs.yaml", &blobstore("{local: {}}"))])?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let machine = Machine::start_with(&manifests, &data, &[&format!("--blobstore-port={port}")]).await?;
    machine.told("failed", &["Blobstore default/blobs", &format!("port {port}"), "--blobstore-port"]).await?;
    drop(taken);
    ready(&machine).await?;
    ensure!(url(&machine).await?.starts_with(&format!("http://127.0.0.1:{port}/")));
    machine.stop().await.map(drop)
}

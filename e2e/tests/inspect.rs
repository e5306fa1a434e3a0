//! `flynn-operator routes` and `trace`: what a running node tells about itself.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::machine::Machine;
use e2e::{eventually, http, platform::WAIT, tools};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::up::{SITE, app, folders};

fn ask(data: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(tools::operator()?);
    Ok(command.args(arguments).arg("--data-dir").arg(data).env_remove("FLYNN_ADMIN").output()?)
}

fn said(data: &Path, arguments: &[&str]) -> Result<String> {
    let output = ask(data, arguments)?;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn a_running_node_tells_its_table_and_what_becomes_of_a_request() -> Result<()> {
    let (_folder, manifests, data) =
        folders(&[("a.yaml", SITE), ("b.yaml", &app("www", "{command: [flynn-operator, hello]}"))])?;
    let machine = Machine::start_with(&manifests, &data, &["--admin-port=0", "--access-log=json"]).await?;
    machine.told("ready", &[]).await?;
    machine.serves("www.flynn.localhost", "the app www").await?;

    let table = said(&data, &["routes"])?;
    let row = table.lines().find(|line| line.starts_with("www.flynn.localhost ")).unwrap_or_default();
    ensure!(row.contains(" / ") && row.contains("*.flynn.localhost"), "{table}");
    let json: Value = serde_json::from_str(&said(&data, &["routes", "--output=json"])?)?;
    let path =
        &json["hosts"].as_array().into_iter().flatten().find(|host| host["host"] == "www.flynn.localhost");
    ensure!(path.is_some_and(|host| host["paths"][0]["endpoints"][0]["state"] == "healthy"), "{json}");
    ensure!(!json.to_string().contains("PRIVATE KEY"), "a key was told");

    let trace = |url: &str| said(&data, &["trace", url]);
    let served = trace("https://www.flynn.localhost/x?y")?;
    ensure!(served.contains("has that very name") && served.contains("is well"), "{served}");
    ensure!(served.contains("SHA-256") && served.contains("the one endpoint of the service"), "{served}");
    let unknown = trace("http://nobody.localhost/")?;
    ensure!(unknown.contains("refuses it with 404"), "{unknown}");
    let handshake = trace("https://nobody.localhost/")?;
    ensure!(handshake.contains("no route serves the name nobody.localhost"), "{handshake}");
    let met = http::get(machine.http(), "www.flynn.localhost", "/").await?;
    let told = trace("http://www.flynn.localhost/")?;
    ensure!(told.contains(&met.status.to_string()) || met.status == 200, "{met:?}, but {told}");
    let nowhere = trace("https://www.flynn.localhost:9/")?;
    let sentence = "There is no answer: the router does not listen for HTTPS on port 9, but on ";
    ensure!(nowhere.contains(sentence) && !nowhere.contains("is well"), "{nowhere}");
    let wrong = ask(&data, &["trace", "www.flynn.localhost"])?;
    ensure!(String::from_utf8(wrong.stderr)?.contains("https://host/path"), "what to write is not told");

    eventually("the request is in the access log", WAIT, || async {
        let log = std::fs::read_to_string(data.join("access.log"))?;
        ensure!(log.contains("\"route\":\"www.flynn.localhost\""), "{log}");
        Ok(())
    })
    .await?;
    machine.stop().await?;
    let gone = ask(&data, &["routes"])?;
    let sentence = String::from_utf8(gone.stderr)?;
    ensure!(gone.status.code() == Some(1) && sentence.contains("flynn-operator up"), "{sentence}");
    Ok(())
}

/// The next event of these, by name and App.
async fn event(stream: &mut BufReader<TcpStream>) -> Result<(String, String)> {
    loop {
        let mut line = String::new();
        let read = timeout(WAIT.max(Duration::from_secs(30)), stream.read_line(&mut line)).await;
        ensure!(read.context("no event came")?? > 0, "the stream ended");
        if let Some(data) = line.strip_prefix("data: ") {
            let event: Value = serde_json::from_str(data)?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            return Ok((text(&event["event"]), text(&event["backend"]["app"])));
        }
    }
}

#[tokio::test]
async fn the_processes_of_an_app_are_told_as_they_come_and_when_they_have_served_their_last() -> Result<()> {
    let (_folder, manifests, data) = folders(&[("a.yaml", SITE)])?;
    let machine = Machine::start(&manifests, &data).await?;
    machine.told("ready", &[]).await?;
    let admin = std::fs::read_to_string(data.join("admin"))?;
    let mut stream = TcpStream::connect(admin.trim()).await?;
    let types = "backend-up,backend-down,backend-drained";
    stream
        .write_all(format!("GET /events?types={types} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())
        .await?;
    let mut stream = BufReader::new(stream);
    let file = manifests.join("b.yaml");
    std::fs::write(&file, app("www", "{command: [flynn-operator, hello]}"))?;
    let told = |name: &str| (name.to_owned(), "www".to_owned());
    ensure!(event(&mut stream).await? == told("backend-up"));
    std::fs::remove_file(&file)?;
    ensure!(event(&mut stream).await? == told("backend-down"));
    ensure!(event(&mut stream).await? == told("backend-drained"));
    machine.stop().await.map(drop)
}

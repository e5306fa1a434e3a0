//! The program that starts everything for processes that are no Rust tests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use e2e::{eventually, http, ports, tools};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::amazon::WAIT;

#[tokio::test]
async fn the_program_prints_the_environment_and_plays_its_machines() -> Result<()> {
    let port = ports::free()?.port().to_string();
    let mut command = Command::new(tools::build_folder()?.join("amazon"));
    command.args(["--zone", "site.test", "--machines", "2", "--port", &port]);
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().context("start amazon")?;
    let mut lines = BufReader::new(child.stdout.take().context("it has an output")?).lines();
    let mut environment = BTreeMap::new();
    loop {
        let line = timeout(WAIT, lines.next_line()).await.context("it prints too little")??;
        let line = line.context("it ended")?;
        let Some((name, value)) = line.split_once('=') else { break };
        environment.insert(name.to_owned(), value.to_owned());
    }
    for name in ["AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_ROUTE_53", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
        ensure!(environment.contains_key(name), "{name} is missing: {environment:?}");
    }
    let proxy: SocketAddr = environment["AWS_ENDPOINT_URL_EC2"].trim_start_matches("http://").parse()?;
    let zones = http::get(proxy, "aws", "/2013-04-01/hostedzone").await?;
    ensure!(zones.status == 403, "Route 53 wants a signature: {}", zones.text());
    assert_eq!(environment["INSTANCES"].split(',').count(), 2);
    let dns = environment["DNS"].parse()?;
    eventually("DNS answers", WAIT, || async {
        let kind = hickory_proto::rr::RecordType::SOA;
        ensure!(!route53_double::query::ask(dns, "site.test.", kind).await?.answers.is_empty(), "no answer");
        Ok(())
    })
    .await
}

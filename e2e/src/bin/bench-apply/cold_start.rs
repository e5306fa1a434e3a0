//! A second node starts while everything exists already: how long until each host has answered, and what it said before.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::{Operator, ports};
use tokio::task::spawn_blocking;

use crate::platform::{Platform, node};
use crate::population::{host, member};
use crate::probe::{Connection, request};

/// The name of the second node.
const NAME: &str = "node-b";

/// How many requests are sent before their answers are read.
const BATCH: usize = 64;

/// How a cold start went.
#[derive(Debug, Default)]
pub(crate) struct ColdStart {
    /// From the start of the process to the first connection that it takes.
    pub(crate) listens: Duration,
    /// From the start of the process until every host has answered 200.
    pub(crate) complete: Duration,
    /// How long it takes to ask every host once more, which the above contains.
    pub(crate) again: Duration,
    /// The other answers until then, by status.
    pub(crate) refused: BTreeMap<u16, u64>,
    /// How often a connection broke.
    pub(crate) broken: u64,
}

/// Starts a node and asks it for every host until each has answered.
pub(crate) async fn measure(platform: &Platform, size: usize) -> Result<ColdStart> {
    let (http, https) = (ports::free()?, ports::free()?);
    let launch = node(&platform.bed, NAME, &http.to_string(), &https.to_string()).await?;
    let begin = Instant::now();
    let sweep = spawn_blocking(move || sweep(http, size, begin));
    let node = Operator::start(&launch, platform.bed.folder()).await?;
    let outcome = sweep.await?;
    node.terminate().await?;
    // Nothing shall wait for what this node says.
    platform.bed.kubectl("default").ok(&["delete", "routernode", NAME, "--ignore-not-found"]).await?;
    Ok(outcome)
}

fn sweep(address: SocketAddr, size: usize, begin: Instant) -> ColdStart {
    let requests: Vec<Vec<u8>> = (0..size).map(|number| request(&host(&member(number)))).collect();
    let mut outcome = ask_until_all_have_answered(address, requests.clone(), begin);
    let again = ask_until_all_have_answered(address, requests, Instant::now());
    outcome.again = again.complete;
    outcome
}

fn ask_until_all_have_answered(address: SocketAddr, mut waiting: Vec<Vec<u8>>, begin: Instant) -> ColdStart {
    let mut outcome = ColdStart::default();
    while !waiting.is_empty() {
        let Ok(mut connection) = Connection::open(address) else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        if outcome.listens.is_zero() {
            outcome.listens = begin.elapsed();
        }
        if round(&mut connection, &mut waiting, &mut outcome).is_err() {
            outcome.broken += 1;
        }
        outcome.complete = begin.elapsed();
    }
    outcome
}

/// Asks for every host that has not answered yet, once, on one connection.
fn round(connection: &mut Connection, waiting: &mut Vec<Vec<u8>>, outcome: &mut ColdStart) -> Result<()> {
    let mut position = 0;
    while position < waiting.len() {
        let batch = BATCH.min(waiting.len() - position);
        connection.send(&waiting[position..position + batch].concat())?;
        let mut refused = Vec::new();
        for number in 0..batch {
            match connection.answer()?.status {
                200 => {}
                status => {
                    *outcome.refused.entry(status).or_default() += 1;
                    refused.push(waiting[position + number].clone());
                }
            }
        }
        let again = refused.len();
        waiting.splice(position..position + batch, refused);
        position += again;
    }
    Ok(())
}

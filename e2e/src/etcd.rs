//! The control plane's store: a folder comes in, a running etcd goes out.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::components::Components;
use crate::process::Process;
use crate::{http, ports};

/// A running etcd.
#[derive(Debug)]
pub struct Etcd {
    process: Process,
    address: SocketAddr,
}

impl Etcd {
    /// Starts etcd with its data and its log in the folder of `components`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(components: Components<'_>) -> Result<Self> {
        let address = ports::free()?;
        let command = components.etcd(address, ports::free()?);
        let process = Process::start("etcd", command, components.dir, None)?;
        Ok(Self { process, address })
    }

    /// Where it answers clients, over plain HTTP.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// An error with the end of the log, when etcd has ended.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        self.process.check()
    }
}

/// Makes the etcd at that address forget every revision but the latest.
///
/// # Errors
/// When it refuses or does not answer.
pub async fn compact(etcd: SocketAddr) -> Result<()> {
    let answer = post(etcd, "/v3/kv/range", &json!({"key": "AA==", "count_only": true})).await?;
    let revision = answer.pointer("/header/revision").context("etcd did not say its revision")?;
    match post(etcd, "/v3/kv/compaction", &json!({"revision": revision, "physical": true})).await {
        Err(error) if !error.to_string().contains("has been compacted") => Err(error), // nothing has happened since
        _ => Ok(()),
    }
}

async fn post(etcd: SocketAddr, path: &str, body: &Value) -> Result<Value> {
    let response = http::post(etcd, "etcd", path, body.to_string()).await?;
    ensure!(response.status == 200, "etcd: {path}: {}", response.text());
    Ok(serde_json::from_slice(&response.body)?)
}

//! Slow readers: each asks for a gigabyte and takes nothing of it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::stream::{StreamExt, TryStreamExt, iter};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::address;
use crate::routers::HOST;

/// How many ask at a time.
const AT_ONCE: usize = 64;

/// How long one may wait for the first bytes of its response.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at what has come.
const PAUSE: Duration = Duration::from_millis(5);

const FOUND: &[u8] = b"HTTP/1.1 200 ";

/// Their connections.
pub(crate) struct Readers {
    _streams: Vec<TcpStream>,
}

impl Readers {
    /// Comes back when each has its response before it.
    pub(crate) async fn start(to: SocketAddr, count: u32) -> Result<Self> {
        let ask = |number| async move { ask(number, to).await.with_context(|| format!("reader {number}")) };
        let streams = iter(0..count).map(ask).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Self { _streams: streams })
    }
}

async fn ask(number: u32, to: SocketAddr) -> Result<TcpStream> {
    let mut stream = address::connect(number, to).await?;
    stream.write_all(format!("GET /much HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await?;
    timeout(PATIENCE, look(&stream)).await.context("no response")??;
    Ok(stream)
}

/// Looks at the status and takes nothing. Whoever got another response, such as a 503, would have nothing to wait with, and
/// would be missed for ever among those that wait.
async fn look(stream: &TcpStream) -> Result<()> {
    let mut seen = [0; FOUND.len()];
    loop {
        let length = stream.peek(&mut seen).await?;
        ensure!(length > 0, "closed without a response");
        if length == seen.len() {
            break;
        }
        sleep(PAUSE).await;
    }
    ensure!(seen == FOUND, "{:?}", String::from_utf8_lossy(&seen));
    Ok(())
}

//! Memory of idle connections: each has had one answer, and waits for the next request.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::Proxy;

/// KiB for each connection.
pub(crate) async fn memory(proxy: &Proxy, connections: usize) -> Result<f64> {
    let before = proxy.memory()?;
    let mut idle = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut stream = TcpStream::connect(proxy.http).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: host-0.bench.test\r\n\r\n").await?;
        let mut answer = [0; 1024];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await??;
        ensure!(answer[..read].starts_with(b"HTTP/1.1 200"), "{} gave a wrong answer", proxy.kind.name());
        idle.push(stream);
    }
    #[allow(clippy::cast_precision_loss)] // a count of connections
    let each = (proxy.memory()? - before) * 1024.0 / connections as f64;
    Ok(each)
}

//! A breakable line: a target address comes in, an address of 127.0.0.1 goes out that leads there,
//! until [`cut`](Proxy::cut) breaks what is open or [`pause`](Proxy::pause) lets nothing through any more.
//!
//! It belongs to the async runtime in which it was started.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// A TCP proxy; its connections end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Line {
    target: SocketAddr,
    paused: watch::Sender<bool>,
    cuts: watch::Sender<u64>,
    losses: watch::Sender<u64>,
}

impl Proxy {
    /// Starts a proxy in front of `target`.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (paused, cuts, losses) =
            (watch::Sender::new(false), watch::Sender::new(0), watch::Sender::new(0));
        let line = Arc::new(Line { target, paused, cuts, losses });
        let task = tokio::spawn(accept(listener, line.clone())).abort_handle();
        Ok(Self { address, line, task })
    }

    /// The address to connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The proxy as an API server's URL, for a kubeconfig.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Closes every open connection. New ones are welcome.
    pub fn cut(&self) {
        self.line.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Loses every byte of every open connection from now on, and tells neither end: what a peer without power looks like.
    /// New ones are welcome.
    pub fn lose(&self) {
        self.line.losses.send_modify(|losses| *losses += 1);
    }

    /// Lets no byte through any more, in either direction, but keeps everything open: what a lost network looks like.
    pub fn pause(&self) {
        self.line.paused.send_replace(true);
    }

    /// Ends [`pause`](Self::pause); what was held back arrives now.
    pub fn resume(&self) {
        self.line.paused.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, line: Arc<Line>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connect(client, line.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Carries one connection until an end closes it or it is cut.
async fn connect(client: TcpStream, line: Arc<Line>) {
    let mut cuts = line.cuts.subscribe();
    let carry = async {
        let server = TcpStream::connect(line.target).await?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(copy(from_client, to_server, &line), copy(from_server, to_client, &line))
    };
    tokio::select! {
        _ = carry => {}
        _ = cuts.changed() => {}
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    line: &Line,
) -> std::io::Result<()> {
    let mut paused = line.paused.subscribe();
    let losses = line.losses.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        let _ = paused.wait_for(|paused| !paused).await;
        if losses.has_changed().unwrap_or(false) {
            return std::future::pending().await;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::Backend;
    use crate::http::Connection;

    #[tokio::test]
    async fn a_cut_breaks_what_is_open_and_nothing_else() -> Result<()> {
        let backend = Backend::start(([127, 0, 0, 1], 0).into(), "a").await?;
        let proxy = Proxy::start(backend.addr()).await?;
        let mut open = Connection::open(proxy.addr()).await?;
        assert_eq!(open.get("a", "/").await?.status, 200);
        proxy.cut();
        assert!(open.get("a", "/").await.is_err());
        assert_eq!(Connection::open(proxy.addr()).await?.get("a", "/").await?.status, 200);
        Ok(())
    }

    #[tokio::test]
    async fn a_lost_connection_stays_open_and_silent() -> Result<()> {
        let backend = Backend::start(([127, 0, 0, 1], 0).into(), "a").await?;
        let proxy = Proxy::start(backend.addr()).await?;
        let mut open = Connection::open(proxy.addr()).await?;
        assert_eq!(open.get("a", "/").await?.status, 200);
        proxy.lose();
        assert!(timeout(Duration::from_millis(50), open.get("a", "/")).await.is_err());
        assert_eq!(Connection::open(proxy.addr()).await?.get("a", "/").await?.status, 200);
        Ok(())
    }

    #[tokio::test]
    async fn a_pause_holds_back_what_is_sent() -> Result<()> {
        let backend = Backend::start(([127, 0, 0, 1], 0).into(), "a").await?;
        let proxy = Proxy::start(backend.addr()).await?;
        let mut open = Connection::open(proxy.addr()).await?;
        proxy.pause();
        let mut request = std::pin::pin!(open.get("a", "/"));
        assert!(timeout(Duration::from_millis(50), &mut request).await.is_err());
        assert_eq!(backend.requests(), 0);
        proxy.resume();
        assert_eq!(request.await?.status, 200);
        Ok(())
    }
}

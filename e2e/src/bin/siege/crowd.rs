//! Idle connections: each has had one answer, and waits for nothing.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use e2e::tls::{Trust, client};
use futures::stream::{StreamExt, TryStreamExt, iter};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::address;
use crate::router::{HOST, Router};

/// How many connections are opened at a time.
const AT_ONCE: usize = 64;

/// How the connections speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Tls,
}

impl Kind {
    /// As it is called in the report.
    pub(crate) fn idle(self) -> &'static str {
        match self {
            Self::Plain => "idle, without TLS",
            Self::Tls => "idle, with TLS",
        }
    }
}

/// All idle connections; they end when this is dropped.
pub(crate) struct Crowd(Vec<Idle>);

enum Idle {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Crowd {
    /// Opens `count` connections, and asks once on each.
    pub(crate) async fn gather(kind: Kind, router: &Router, count: u32) -> Result<Self> {
        let mut config = client(Trust::Anything)?;
        config.resumption = rustls::client::Resumption::disabled();
        let connector = TlsConnector::from(Arc::new(config));
        let open = |number| open(kind, number, router, connector.clone());
        let idle: Vec<Idle> = iter(0..count).map(open).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Self(idle))
    }

    /// Fails if the router has closed one of them.
    pub(crate) fn is_whole(&self) -> Result<()> {
        let closed = self.0.iter().filter(|idle| idle.is_closed()).count();
        ensure!(closed == 0, "{closed} of {} idle connections were closed", self.0.len());
        Ok(())
    }
}

async fn open(kind: Kind, number: u32, router: &Router, connector: TlsConnector) -> Result<Idle> {
    let to: SocketAddr = if kind == Kind::Tls { router.https } else { router.http };
    let mut stream = address::connect(number, to).await.with_context(|| format!("connection {number}"))?;
    if kind == Kind::Plain {
        ask(&mut stream).await?;
        return Ok(Idle::Plain(stream));
    }
    let mut stream = connector
        .connect(ServerName::try_from(HOST)?, stream)
        .await
        .with_context(|| format!("connection {number}"))?;
    ask(&mut stream).await?;
    Ok(Idle::Tls(Box::new(stream)))
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<()> {
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await?;
    stream.flush().await?;
    let mut answer = [0; 1024];
    let mut length = 0;
    while !answer[..length].ends_with(b"\r\n\r\nok") {
        let read = stream.read(&mut answer[length..]).await?;
        ensure!(read > 0, "no answer, but {:?}", String::from_utf8_lossy(&answer[..length]));
        length += read;
    }
    ensure!(answer.starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&answer[..length]));
    Ok(())
}

impl Idle {
    /// Whether there is something to read: the end, because nothing was asked.
    fn is_closed(&self) -> bool {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        !matches!(stream.try_read(&mut [0; 1]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

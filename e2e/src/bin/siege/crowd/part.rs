//! One process's part of the crowd.
//!
//! It opens its connections and writes how many there are; for every line that it is sent it writes how many of them a router
//! has closed; when nobody can ask any more, it ends, and they with it.

use std::io::{ErrorKind, stdin};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use e2e::tls::{Trust, client};
use futures::stream::{StreamExt, TryStreamExt, iter};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Kind;
use crate::address;
use crate::routers::HOST;

/// How many connections are opened at a time.
const AT_ONCE: usize = 64;

/// Which connections it opens.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Part {
    #[arg(long)]
    pub(super) kind: Kind,
    #[arg(long)]
    pub(super) to: SocketAddr,
    /// The number of its first connection, which says from where it comes.
    #[arg(long)]
    pub(super) first: u32,
    /// The first number that is not its own.
    #[arg(long)]
    pub(super) end: u32,
}

enum Idle {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Part {
    /// As they are written on a command line.
    pub(super) fn arguments(self) -> [String; 4] {
        let Self { kind, to, first, end } = self;
        let kind = kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        [format!("--kind={kind}"), format!("--to={to}"), format!("--first={first}"), format!("--end={end}")]
    }

    /// Holds the connections until nobody asks for them any more.
    pub(crate) async fn hold(self) -> Result<()> {
        let mut config = client(Trust::Anything)?;
        config.resumption = rustls::client::Resumption::disabled();
        let connector = TlsConnector::from(Arc::new(config));
        let open = |number| self.open(number, connector.clone());
        let idle: Vec<Idle> =
            iter(self.first..self.end).map(open).buffer_unordered(AT_ONCE).try_collect().await?;
        println!("{}", idle.len());
        // This thread may block: others look after the connections.
        for question in stdin().lines() {
            question?;
            println!("{}", idle.iter().filter(|idle| idle.is_closed()).count());
        }
        Ok(())
    }

    async fn open(self, number: u32, connector: TlsConnector) -> Result<Idle> {
        let context = || format!("connection {number}");
        let mut stream = address::connect(number, self.to).await.with_context(context)?;
        if self.kind == Kind::Plain {
            ask(&mut stream).await.with_context(context)?;
            return Ok(Idle::Plain(stream));
        }
        let mut stream =
            connector.connect(ServerName::try_from(HOST)?, stream).await.with_context(context)?;
        ask(&mut stream).await.with_context(context)?;
        Ok(Idle::Tls(Box::new(stream)))
    }
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

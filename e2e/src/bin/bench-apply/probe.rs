//! A cheap client: an address and a host come in; the moment at which the answer is the wanted one goes out.
//! It has a thread and a socket of its own, and nothing between the two.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use e2e::{Trust, tls};
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

/// The time between an answer and the next request.
const PAUSE: Duration = Duration::from_micros(500);

/// How long the wanted answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is waited for.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// This status.
    Status(u16),
    /// 200 by the server of this name.
    Server(&'static str),
    /// This leaf in the handshake.
    Leaf(Vec<u8>),
}

/// A probe that has had its first answer.
#[derive(Debug)]
pub(crate) struct Watching(JoinHandle<Result<Instant>>);

impl Watching {
    /// Starts to ask for `host`, and returns as soon as it has had one answer.
    pub(crate) async fn start(address: SocketAddr, host: String, wanted: Wanted) -> Result<Self> {
        let (started, has_started) = oneshot::channel();
        let task = spawn_blocking(move || watch(address, &host, &wanted, started));
        has_started.await.context("the probe cannot reach the node")?;
        Ok(Self(task))
    }

    /// When the answer was the wanted one for the first time.
    pub(crate) async fn seen(self) -> Result<Instant> {
        self.0.await?
    }
}

fn watch(address: SocketAddr, host: &str, wanted: &Wanted, started: oneshot::Sender<()>) -> Result<Instant> {
    let mut target: Box<dyn FnMut() -> Result<bool>> = match wanted {
        Wanted::Leaf(leaf) => {
            let mut config = tls::client(Trust::Anything)?;
            config.resumption = Resumption::disabled(); // a resumed session shows no certificate
            let config = Arc::new(config);
            Box::new(move || Ok(presented(address, host, config.clone())? == *leaf))
        }
        Wanted::Status(_) | Wanted::Server(_) => {
            let mut connection = Connection::open(address)?;
            let request = request(host);
            Box::new(move || {
                let answer = connection.ask(&request)?;
                Ok(match wanted {
                    Wanted::Status(status) => answer.status == *status,
                    Wanted::Server(name) => answer.status == 200 && answer.server() == Some(name),
                    Wanted::Leaf(_) => false,
                })
            })
        }
    };
    target()?;
    let _ = started.send(());
    let deadline = Instant::now() + PATIENCE;
    while !target()? {
        if Instant::now() > deadline {
            bail!("{host} did not answer as it should within {PATIENCE:?}: {wanted:?}");
        }
        sleep(PAUSE);
    }
    Ok(Instant::now())
}

/// The bytes of a request for a host.
pub(crate) fn request(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// The leaf that a server presents for a host.
fn presented(address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    let mut connection = ClientConnection::new(config, ServerName::try_from(host.to_owned())?)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let leaf = connection.peer_certificates().and_then(<[_]>::first);
    Ok(leaf.context("a handshake without a certificate")?.to_vec())
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Vec<u8>,
}

impl Answer {
    /// The name of the server that answered.
    fn server(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()?.lines().next()?.strip_prefix("pod=")
    }
}

/// A connection that stays open.
#[derive(Debug)]
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::with_capacity(64 * 1024, stream)))
    }

    /// Sends a request and reads its answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.send(request)?;
        self.answer()
    }

    /// Sends one request or several.
    pub(crate) fn send(&mut self, requests: &[u8]) -> Result<()> {
        Ok(self.0.get_mut().write_all(requests)?)
    }

    /// Reads the next answer.
    pub(crate) fn answer(&mut self) -> Result<Answer> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("not an answer: {line:?}"))?;
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }
}

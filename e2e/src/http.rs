//! Requests as `curl` would make them: an address, a host and a path come in, a response goes out.
//! The address is the server's, whatever the host's DNS says, and nothing is followed or retried.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::tls::{self, Trust};

/// How long a connection, or an answer, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The certificate that the server presented, as DER; none without TLS.
    pub certificate: Option<Vec<u8>>,
}

impl Response {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or_default())
    }
}

/// `GET` over plain HTTP, on a connection of its own.
///
/// # Errors
/// When there is no answer.
pub async fn get(addr: SocketAddr, host: &str, path: &str) -> Result<Response> {
    Connection::open(addr).await?.get(host, path).await
}

/// `POST` over plain HTTP, on a connection of its own.
///
/// # Errors
/// When there is no answer.
pub async fn post(addr: SocketAddr, host: &str, path: &str, body: impl Into<Bytes>) -> Result<Response> {
    let request = Request::builder().method(Method::POST).uri(path).header("host", host);
    Connection::open(addr).await?.send(request.body(Full::new(body.into()))?).await
}

/// `GET` over HTTPS, on a connection of its own; the handshake asks for `sni`, or for nothing if that is `None`.
///
/// # Errors
/// When the handshake fails or there is no answer.
pub async fn get_tls(
    addr: SocketAddr,
    sni: Option<&str>,
    trust: Trust<'_>,
    host: &str,
    path: &str,
) -> Result<Response> {
    Connection::open_tls(addr, sni, trust).await?.get(host, path).await
}

/// The connection ended before an answer began; what went wrong is printed.
#[derive(Debug)]
pub struct Unanswered(hyper::Error);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer: {:?}", self.0)
    }
}

impl Error for Unanswered {}

/// A connection that stays open as long as the server allows.
#[derive(Debug)]
pub struct Connection {
    requests: SendRequest<Full<Bytes>>,
    certificate: Option<Vec<u8>>,
}

impl Connection {
    /// Connects over plain TCP.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(addr: SocketAddr) -> Result<Self> {
        Self::start(connect(addr).await?, None).await
    }

    /// Connects over TLS; the handshake asks for `sni`, or for nothing if that is `None`.
    ///
    /// # Errors
    /// When nobody listens there or the handshake fails.
    pub async fn open_tls(addr: SocketAddr, sni: Option<&str>, trust: Trust<'_>) -> Result<Self> {
        let name = match sni {
            Some(sni) => ServerName::try_from(sni.to_owned())?,
            None => addr.ip().into(), // an address is never sent as SNI
        };
        let connector = TlsConnector::from(Arc::new(tls::client(trust)?));
        let handshake = timeout(PATIENCE, connector.connect(name, connect(addr).await?));
        let stream = handshake.await.context("the TLS handshake takes too long")??;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.map(|certificate| certificate.to_vec());
        Self::start(stream, certificate).await
    }

    async fn start<S>(stream: S, certificate: Option<Vec<u8>>) -> Result<Self>
    where
        TokioIo<S>: Read + Write + Send + Unpin + 'static,
    {
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection); // ends when `requests` is dropped
        Ok(Self { requests, certificate })
    }

    /// `GET` with this `Host`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&mut self, host: &str, path: &str) -> Result<Response> {
        self.send(Request::builder().uri(path).header("host", host).body(Full::default())?).await
    }

    /// Sends any request.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response> {
        timeout(PATIENCE, self.exchange(request)).await.context("the answer takes too long")?
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response> {
        self.requests.ready().await.map_err(Unanswered)?;
        let (head, body) = self.requests.send_request(request).await.map_err(Unanswered)?.into_parts();
        Ok(Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
            certificate: self.certificate.clone(),
        })
    }
}

pub(crate) async fn connect(addr: SocketAddr) -> Result<TcpStream> {
    let connected = timeout(PATIENCE, TcpStream::connect(addr)).await.context("it takes too long");
    let stream = connected.and_then(|stream| Ok(stream?)).with_context(|| format!("connect to {addr}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

//! A call as gRPC makes it: an address and a path come in; messages go both ways for as long as it lasts, and the status comes in
//! the trailers. It is HTTP/2 over TLS, and nothing else is accepted.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::http::connect;
use crate::tls::{self, Trust};

/// How long the next message, or the end, may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Messages = StreamBody<UnboundedReceiver<Result<Frame<Bytes>, Infallible>>>;

/// A call under way.
#[derive(Debug)]
pub struct Call {
    said: UnboundedSender<Result<Frame<Bytes>, Infallible>>,
    heard: Incoming,
    /// The call lasts as long as its connection.
    _requests: http2::SendRequest<Messages>,
}

impl Call {
    /// Begins one, on a connection of its own, and waits until the other side has begun to answer with 200.
    ///
    /// # Errors
    /// When HTTP/2 is not spoken there, or something else is answered.
    pub async fn begin(addr: SocketAddr, host: &str, path: &str, trust: Trust<'_>) -> Result<Self> {
        let mut config = tls::client(trust)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(ServerName::try_from(host.to_owned())?, connect(addr).await?).await?;
        ensure!(stream.get_ref().1.alpn_protocol() == Some(b"h2"), "HTTP/2 is not offered");
        let (mut requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection); // ends when `requests` is dropped
        let (said, messages) = unbounded();
        let request = Request::builder().method(Method::POST).uri(format!("https://{host}{path}"));
        let request = request.header("te", "trailers").header("content-type", "application/grpc");
        let response = requests.send_request(request.body(StreamBody::new(messages))?);
        let response = timeout(PATIENCE, response).await.context("nothing is answered")??;
        ensure!(response.status() == 200, "{response:?}");
        Ok(Self { said, heard: response.into_body(), _requests: requests })
    }

    /// Says something.
    ///
    /// # Errors
    /// When the other side listens no more.
    pub fn say(&self, message: &'static str) -> Result<()> {
        Ok(self.said.unbounded_send(Ok(Frame::data(Bytes::from_static(message.as_bytes()))))?)
    }

    /// What the other side says next.
    ///
    /// # Errors
    /// When it says nothing more.
    pub async fn hear(&mut self) -> Result<String> {
        let frame = self.frame().await?.into_data().ok().context("the call is over")?;
        Ok(String::from_utf8(frame.into())?)
    }

    /// Says nothing more; gives the trailers.
    ///
    /// # Errors
    /// When none come.
    pub async fn end(mut self) -> Result<HeaderMap> {
        self.said.close_channel();
        self.frame().await?.into_trailers().ok().context("something else was said")
    }

    async fn frame(&mut self) -> Result<Frame<Bytes>> {
        let frame = timeout(PATIENCE, self.heard.frame()).await.context("nothing is said")?;
        Ok(frame.context("the call ended without a status")??)
    }
}

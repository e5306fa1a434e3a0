//! A client of HTTP/2 that keeps to the rules, one request after the other or several at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use crate::client::{PATIENCE, tls_config};

/// A connection, and a runtime that moves it while a test waits for something.
pub(crate) struct Session {
    pub(crate) runtime: Runtime,
    pub(crate) requests: SendRequest<Bytes>,
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

impl Session {
    /// Without TLS, and without asking whether HTTP/2 is spoken.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        let runtime = runtime();
        let requests = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            handshake(stream).await
        });
        Self { runtime, requests }
    }

    /// Over TLS; the router has to choose HTTP/2.
    pub(crate) fn tls(address: SocketAddr, name: &str) -> Self {
        let runtime = runtime();
        let config = tls_config(&["h2", "http/1.1"], rustls::DEFAULT_VERSIONS);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let requests = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            handshake(stream).await
        });
        Self { runtime, requests }
    }

    pub(crate) fn get(&mut self, uri: &str) -> Answer {
        self.send(Request::get(uri), "")
    }

    /// Sends a request with this body, and reads its response.
    pub(crate) fn send(&mut self, request: http::request::Builder, body: &str) -> Answer {
        let (response, mut upload) = self.start(request, body.is_empty());
        if !body.is_empty() {
            upload.send_data(Bytes::copy_from_slice(body.as_bytes()), true).unwrap();
        }
        self.answer(response)
    }

    /// Sends a request's head.
    pub(crate) fn start(
        &mut self,
        request: http::request::Builder,
        end: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let request = request.version(http::Version::HTTP_2).body(()).unwrap();
        let requests = self.requests.clone();
        self.run(async {
            let mut requests = requests.ready().await.unwrap();
            requests.send_request(request, end).unwrap()
        })
    }

    pub(crate) fn answer(&self, response: ResponseFuture) -> Answer {
        self.run(async { read(response.await.unwrap()).await.unwrap() })
    }

    /// The reason that a request or its response was reset with.
    pub(crate) fn failure(&self, response: ResponseFuture) -> h2::Error {
        self.run(async {
            match response.await {
                Ok(response) => read(response).await.unwrap_err(),
                Err(error) => error,
            }
        })
    }

    /// Runs something to its end, which has to come within the patience of all tests.
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("it took too long") })
    }

    /// Lets the connection go on.
    pub(crate) fn turn(&self) {
        self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
    }
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn handshake<S>(stream: S) -> SendRequest<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new();
    builder.enable_push(false);
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    requests
}

async fn read(response: http::Response<RecvStream>) -> Result<Answer, h2::Error> {
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    let trailers = stream.trailers().await?.unwrap_or_default();
    Ok(Answer { status: parts.status, headers: parts.headers, body, trailers })
}

//! A client of HTTP/2 that keeps to the rules, one request after the other or several at once.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::client::{MOMENT, PATIENCE, tls_config};

/// A connection, which goes on in a thread of its own whatever a test waits for. Dropped, it is cut.
pub(crate) struct Session {
    pub(crate) requests: SendRequest<Bytes>,
    runtime: Runtime,
    _connection: oneshot::Sender<()>,
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
        Self::over(async move { TcpStream::connect(address).await.unwrap() })
    }

    /// Over TLS; the router has to choose HTTP/2.
    pub(crate) fn tls(address: SocketAddr, name: &str) -> Self {
        let config = tls_config(&["h2", "http/1.1"], rustls::DEFAULT_VERSIONS);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Self::over(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            stream
        })
    }

    fn over<S>(stream: impl Future<Output = S> + Send + 'static) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let (tell, told) = mpsc::channel();
        let (_connection, dropped) = oneshot::channel();
        thread::spawn(move || {
            runtime().block_on(async {
                let mut builder = Builder::new();
                builder.enable_push(false);
                let (requests, connection) = builder.handshake(stream.await).await.unwrap();
                tell.send(requests).unwrap();
                tokio::select! {
                    _ = connection => {}
                    _ = dropped => {}
                }
            });
        });
        let requests = told.recv().expect("there is a connection");
        Self { requests, runtime: runtime(), _connection }
    }

    /// Whether the router has said that it takes WebSockets.
    pub(crate) fn takes_websockets(&self) -> bool {
        self.requests.is_extended_connect_protocol_enabled()
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

    /// Sends a byte now and then, until there is an answer or so many are sent.
    pub(crate) fn drip(
        &self,
        upload: &mut SendStream<Bytes>,
        response: &mut ResponseFuture,
        count: usize,
    ) -> Option<Answer> {
        for _ in 0..count {
            // The router may have ended the stream a moment ago: the answer says why.
            let _ = upload.send_data(Bytes::from_static(b"x"), false);
            let answer = self.run(async { timeout(MOMENT, &mut *response).await });
            if let Ok(answer) = answer {
                return Some(self.run(read(answer.unwrap())).unwrap());
            }
        }
        None
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
        self.runtime.block_on(async { timeout(PATIENCE, future).await.expect("it took too long") })
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

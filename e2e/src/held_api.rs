//! An API server that does not answer one kind of question yet: a client and a part of a path come in, a URL goes out where
//! everything is answered in that client's name, except for paths with that part, which wait for [`HeldApi::release`].
//!
//! It belongs to the async runtime in which it was started.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use http::header::{AUTHORIZATION, HOST};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// The API, one part of it held back. It ends when it is dropped.
#[derive(Debug)]
pub struct HeldApi {
    address: SocketAddr,
    held: watch::Sender<bool>,
    task: AbortHandle,
}

struct Gate {
    client: Client,
    part: String,
    held: watch::Receiver<bool>,
}

impl HeldApi {
    /// Starts to answer in the name of `client`, but holds back paths that contain `part`.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(client: Client, part: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let held = watch::Sender::new(true);
        let gate = Arc::new(Gate { client, part: part.to_owned(), held: held.subscribe() });
        let task = tokio::spawn(accept(listener, gate)).abort_handle();
        Ok(Self { address, held, task })
    }

    /// Where to ask, without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers everything from now on.
    pub fn release(&self) {
        self.held.send_replace(false);
    }
}

impl Drop for HeldApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, gate.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, gate: Arc<Gate>) {
    let service = service_fn(|request| answer(request, &gate));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, gate: &Gate) -> Result<Response<Body>> {
    if request.uri().path().contains(&gate.part) {
        gate.held.clone().wait_for(|held| !held).await?;
    }
    let (mut head, body) = request.into_parts();
    head.headers.remove(HOST);
    head.headers.remove(AUTHORIZATION);
    let body = body.collect().await?.to_bytes().to_vec();
    Ok(gate.client.send(Request::from_parts(head, body.into())).await?)
}

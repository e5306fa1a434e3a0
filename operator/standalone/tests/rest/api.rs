//! A server of the test's own, and requests to it.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body_util::{BodyDataStream, BodyExt as _, Full};
use schema::Catalog;
use serde_json::Value;
use standalone::{Body, Identity, InProcess, Limits, Logs, NoLogs, Options, Server, Token, Users};
use store::Store;
use tempfile::TempDir;

/// What has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with an empty store.
pub(crate) struct Api {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
    pub(crate) token: Token,
    pub(crate) inside: InProcess,
}

/// A watch, line by line.
pub(crate) struct Lines {
    body: BodyDataStream<Body>,
    rest: Vec<u8>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default(), Arc::new(NoLogs), None).await
    }

    pub(crate) async fn start_with(limits: Limits, logs: Arc<dyn Logs>, users_file: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let catalog = Arc::new(Catalog::new());
        let token = Token::generate();
        let file = users_file.map(|text| {
            let file = folder.path().join("users.yaml");
            standalone::write_private(&file, text).expect("written");
            file
        });
        let users = Arc::new(Users::new(Arc::clone(&catalog), &token, file).expect("users"));
        let options = Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            identity: Identity::load_or_create(&folder.path().join("tls"), &[]).expect("an identity"),
            catalog,
            users,
            audit: Some(folder.path().join("audit.log")),
            limits,
        };
        let store = Store::open(&folder.path().join("data")).expect("a store");
        let server = Server::start(options, store, logs).await.expect("started");
        let inside = server.in_process();
        Self { folder, server, token, inside }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Body> {
        self.inside.call(request).await
    }

    /// The code and the JSON of an answer.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.ask_as(method, path, "application/json", body).await
    }

    pub(crate) async fn ask_as(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder().method(method).uri(path).header("content-type", media_type);
        let request = request.header("user-agent", "test/1").body(Full::from(body)).expect("a request");
        let response = self.send(request).await;
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("infallible").to_bytes();
        (
            code,
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into()),
        )
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.1
    }

    /// Creates an object, which has to succeed.
    pub(crate) async fn create(&self, path: &str, object: Value) -> Value {
        let (code, created) = self.ask(Method::POST, path, Some(object)).await;
        assert_eq!(code, 201, "{created}");
        created
    }

    pub(crate) async fn merge(&self, path: &str, patch: Value) -> (u16, Value) {
        self.ask_as(Method::PATCH, path, "application/merge-patch+json", Some(patch)).await
    }

    pub(crate) async fn watch(&self, path: &str) -> Lines {
        let request = Request::builder().uri(path).body(Full::default()).expect("a request");
        let response = self.send(request).await;
        assert_eq!(response.status(), 200);
        Lines { body: BodyDataStream::new(response.into_body()), rest: Vec::new() }
    }
}

impl Lines {
    /// The next event; none once the watch has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.drain(..=end).collect::<Vec<_>>();
                return Some(serde_json::from_slice(&line).expect("JSON"));
            }
            let more = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("an event, or the end");
            self.rest.extend_from_slice(&more?.expect("infallible"));
        }
    }

    /// Its type, and the name and the revision of its object.
    pub(crate) async fn told(&mut self) -> Option<(String, String, u64)> {
        let event = self.next().await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &event["object"]["metadata"];
        let revision = text(&metadata["resourceVersion"]).parse().unwrap_or(0);
        Some((text(&event["type"]), text(&metadata["name"]), revision))
    }
}

/// The message of a failure.
pub(crate) fn message(status: &Value) -> &str {
    status["message"].as_str().unwrap_or_default()
}

/// The revision of an object or a list.
pub(crate) fn revision(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().expect("a revision")
}

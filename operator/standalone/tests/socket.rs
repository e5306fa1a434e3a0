//! What is only seen on a socket: TLS, both versions of HTTP, tokens, limits, and the end.

#[path = "rest/api.rs"]
mod api;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use standalone::{Limits, NoLogs};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::api::Api;

async fn connect(api: &Api, protocol: &[u8]) -> TlsStream<TcpStream> {
    let ca = std::fs::read(api.folder.path().join("tls/ca.crt")).expect("kept");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca).expect("a certificate")).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(api.server.address()).await.expect("connected");
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("trusted")
}

fn request(token: &str, path: &str, body: Bytes) -> Request<Full<Bytes>> {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request =
        Request::builder().method(method).uri(format!("https://127.0.0.1{path}")).header("host", "127.0.0.1");
    request.header("authorization", format!("Bearer {token}")).body(Full::new(body)).expect("a request")
}

async fn send(api: &Api, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let io = TokioIo::new(connect(api, b"h2").await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender.send_request(request).await.expect("answered")
}

async fn json(response: Response<Incoming>) -> Value {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    serde_json::from_slice(&bytes).expect("JSON")
}

#[tokio::test]
async fn both_versions_of_http_are_served() {
    let api = Api::start().await;
    let path = "/api/v1/namespaces/default";
    let second = json(send(&api, request(api.token.expose(), path, Bytes::new())).await).await;
    let io = TokioIo::new(connect(&api, b"http/1.1").await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let first = sender.send_request(request(api.token.expose(), path, Bytes::new())).await.expect("answered");
    assert_eq!(json(first).await, second);
    assert_eq!(second["metadata"]["name"], "default");
}

#[tokio::test]
async fn a_wrong_token_is_nobody() {
    let api = Api::start().await;
    let response = send(&api, request("wrong", "/api/v1/pods", Bytes::new())).await;
    assert_eq!(response.status(), 401);
    assert_eq!(json(response).await["reason"], "Unauthorized");
}

#[tokio::test]
async fn a_user_may_do_what_the_role_says_and_loses_it_at_once() {
    let file = "users:\n- name: ann\n  token: ann-has-this-secret-of-her-own\n  role: read\n";
    let api = Api::start_with(Limits::default(), Arc::new(NoLogs), Some(file)).await;
    let token = "ann-has-this-secret-of-her-own";
    assert_eq!(send(&api, request(token, "/api/v1/pods", Bytes::new())).await.status(), 200);
    let response = send(&api, request(token, "/api/v1/secrets", Bytes::new())).await;
    assert_eq!(response.status(), 403);
    let status = json(response).await;
    let expected = "secrets is forbidden: User \"ann\" cannot list resource \"secrets\" in API group \"\" at the cluster scope";
    assert_eq!(status["message"], expected);

    let watch = send(&api, request(token, "/api/v1/pods?watch=true", Bytes::new())).await;
    standalone::write_private(&api.folder.path().join("users.yaml"), "users: []\n").expect("written");
    assert!(watch.into_body().collect().await.expect("a clean end").to_bytes().is_empty());
    assert_eq!(send(&api, request(token, "/api/v1/pods", Bytes::new())).await.status(), 401);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let api = Api::start_with(Limits { body_bytes: 100, ..Limits::default() }, Arc::new(NoLogs), None).await;
    let path = "/api/v1/namespaces/default/configmaps";
    let response = send(&api, request(api.token.expose(), path, Bytes::from(vec![b'x'; 101]))).await;
    assert_eq!(response.status(), 413);
    assert_eq!(json(response).await["message"], "Request entity too large: limit is 100");
}

#[tokio::test]
async fn plain_http_is_told_to_speak_tls() {
    let api = Api::start().await;
    let mut stream = TcpStream::connect(api.server.address()).await.expect("connected");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.0 400 Bad Request") && answer.contains("HTTP request to an HTTPS server"),
        "{answer}"
    );
}

#[tokio::test]
async fn who_sends_no_head_is_let_go() {
    let limits = Limits { head_timeout: Duration::from_millis(100), ..Limits::default() };
    let api = Api::start_with(limits, Arc::new(NoLogs), None).await;
    let mut silent = TcpStream::connect(api.server.address()).await.expect("connected");
    assert_eq!(silent.read(&mut [0]).await.expect("closed"), 0);
    let mut slow = connect(&api, b"http/1.1").await;
    slow.write_all(b"GET /healthz HT").await.expect("sent");
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
}

#[tokio::test]
async fn health_needs_no_token() {
    let api = Api::start().await;
    let mut asked = request("", "/readyz?verbose", Bytes::new());
    asked.headers_mut().remove("authorization");
    let response = send(&api, asked).await;
    assert_eq!(response.status(), 200);
    let text = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(text.ends_with(b"readyz check passed\n"), "{text:?}");
}

#[tokio::test]
async fn a_stop_ends_watches_cleanly_and_closes_the_port() {
    let api = Api::start().await;
    let watch = send(&api, request(api.token.expose(), "/api/v1/pods?watch=true", Bytes::new())).await;
    let address = api.server.address();
    api.server.stop().await;
    assert!(watch.into_body().collect().await.expect("a clean end").to_bytes().is_empty());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn requests_are_in_the_audit_log_and_the_metrics() {
    let api = Api::start().await;
    send(&api, request(api.token.expose(), "/api/v1/namespaces/default/pods", Bytes::new())).await;
    let metrics = send(&api, request(api.token.expose(), "/metrics", Bytes::new())).await;
    let metrics = metrics.into_body().collect().await.expect("a body").to_bytes();
    let line = "flynn_api_requests_total{verb=\"list\",group=\"\",resource=\"pods\",code=\"200\"} 1";
    assert!(String::from_utf8_lossy(&metrics).contains(line));
    let log = api.folder.path().join("audit.log");
    api.server.stop().await;
    let log = std::fs::read_to_string(log).expect("a log");
    let entry = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|entry| entry["verb"] == "list");
    assert_eq!(entry.expect("an entry")["objectRef"]["resource"], "pods");
}

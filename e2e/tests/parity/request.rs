//! Requests that kubectl does not send: a method, a path, headers and a body come in, an answer goes out.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use e2e::tls::{self, Trust};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::server::Server;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Sends a request as the administrator, unless `headers` say who it is; reads only so many lines of the answer.
pub(crate) async fn send(
    server: &Server,
    (method, path): (&str, &str),
    headers: &[(String, String)],
    body: String,
    lines: Option<usize>,
) -> Result<Answer> {
    let has = |name: &str| headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
    let mut request =
        Request::builder().method(method).uri(path).header(header::HOST, server.address.to_string());
    if !has("Authorization") {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", server.token));
    }
    if !has("Content-Type") && !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let exchange = exchange(server, request.body(Full::new(Bytes::from(body)))?, lines);
    timeout(PATIENCE, exchange).await.context("the answer takes too long")?
}

async fn exchange(server: &Server, request: Request<Full<Bytes>>, lines: Option<usize>) -> Result<Answer> {
    let tcp = TcpStream::connect(server.address).await?;
    let config = tls::client(Trust::Authority(&server.authority))?;
    let name = match &server.tls_name {
        Some(name) => ServerName::try_from(name.clone())?,
        None => server.address.ip().into(),
    };
    let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    let (mut requests, connection) = http1::handshake(TokioIo::new(tls)).await?;
    tokio::spawn(connection); // ends when `requests` and the body are dropped
    let (head, body) = requests.send_request(request).await?.into_parts();
    let body = read(body, lines).await?;
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

async fn read(mut body: Incoming, lines: Option<usize>) -> Result<String> {
    let mut read = Vec::new();
    let enough =
        |read: &[u8]| lines.is_some_and(|lines| read.iter().filter(|byte| **byte == b'\n').count() >= lines);
    while !enough(&read) {
        let Some(frame) = body.frame().await else { break };
        if let Ok(data) = frame?.into_data() {
            read.extend_from_slice(&data);
        }
    }
    let text = String::from_utf8_lossy(&read);
    Ok(match lines {
        Some(lines) => text.lines().take(lines).map(|line| format!("{line}\n")).collect(),
        None => text.into_owned(),
    })
}

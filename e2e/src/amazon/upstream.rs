//! Where a request goes that no fault keeps: to moto or to the double of Route 53, as it came.

use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use http::HeaderName;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::refusal::Reply;
use super::request::{Request, Service};
use crate::http::connect;

/// What belongs to one connection only (RFC 9110 section 7.6.1).
const OF_A_CONNECTION: [HeaderName; 3] =
    [CONNECTION, TRANSFER_ENCODING, HeaderName::from_static("keep-alive")];

/// The servers behind the proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upstreams {
    /// EC2, IAM, S3 and STS.
    pub(super) moto: SocketAddr,
    /// Route 53.
    pub(super) route53: SocketAddr,
}

impl Upstreams {
    /// Sends a request on as it came, since its `Host` is signed, but for this body, and waits for the whole answer.
    pub(super) async fn send(self, request: &Request, body: Bytes) -> Result<Reply> {
        let to = if request.service == Service::Route53 { self.route53 } else { self.moto };
        let (mut requests, connection) = http1::handshake(TokioIo::new(connect(to).await?)).await?;
        tokio::spawn(connection); // ends when `requests` is dropped
        let head = request.head.clone();
        let sent = http::Request::from_parts(head, Full::new(body));
        let (mut head, body) = requests.send_request(sent).await?.into_parts();
        for name in &OF_A_CONNECTION {
            head.headers.remove(name);
        }
        Ok(Reply { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
    }
}

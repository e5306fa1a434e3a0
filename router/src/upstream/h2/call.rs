//! One request to an endpoint over HTTP/2, as a connection of HTTP/1.1 that carries one request.
//!
//! Writing takes the bytes of a request of HTTP/1.1, as `http/forward.rs` renders them; reading gives those of the
//! response, interim heads and trailers included. Dropped before both are whole, the stream is reset. Hot.

use std::fmt::Write;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::header::{CONTENT_LENGTH, HeaderValue, TE};
use http::{Method, Response, StatusCode, Uri, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Ongoing;
use crate::http::Buffer;
use crate::http::framing::{Framing, is_bodyless};
use crate::http::head::{Head, Progress};
use crate::http::request::Request;
use crate::http2::fields::{self, unfit};
use crate::http2::inflow::{Form, Inflow, reset};
use crate::http2::outflow::Outflow;

/// A request and its response under way.
pub(crate) struct Call {
    requests: SendRequest<Bytes>,
    /// The request's head while it is written, and its bytes so far.
    head: Head,
    text: Buffer,
    /// What follows the head, once that is sent.
    body: Option<Outflow>,
    response: Incoming,
    to_head: bool,
    _ongoing: Ongoing,
}

/// How far the response is.
enum Incoming {
    /// Nothing was asked yet; somebody may wait already.
    Nothing(Option<Waker>),
    /// Interim heads are passed on before the final one.
    Heads {
        response: ResponseFuture,
        interim: Buffer,
    },
    Message(Inflow),
    /// The request could not be sent.
    Never,
}

impl Call {
    pub(super) fn new(requests: SendRequest<Bytes>, ongoing: Ongoing) -> Self {
        Self {
            requests,
            head: Head::default(),
            text: Buffer::default(),
            body: None,
            response: Incoming::Nothing(None),
            to_head: false,
            _ongoing: ongoing,
        }
    }

    /// Nothing was asked, and nothing will be answered.
    fn give_up(&mut self) {
        if let Incoming::Nothing(Some(waiting)) = std::mem::replace(&mut self.response, Incoming::Never) {
            waiting.wake();
        }
    }

    /// Takes what belongs to the head, and sends it when it is whole.
    fn write_head(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.text.len();
        self.text.push(bytes);
        let progress = self.head.advance(self.text.bytes());
        let Progress::Complete(length) = progress.map_err(|_| unfit("not a head"))? else {
            return Ok(bytes.len());
        };
        let bytes = &self.text.bytes()[..length];
        let parsed = Request::parse(&self.head, bytes).map_err(|refusal| unfit(refusal.reason))?;
        let (framing, request) = (parsed.framing, translate(&parsed)?);
        self.to_head = request.method() == Method::HEAD;
        let (response, stream) =
            self.requests.send_request(request, framing == Framing::Empty).map_err(reset)?;
        self.body = Some(Outflow::new(stream, framing, Reason::CANCEL));
        let heads = Incoming::Heads { response, interim: Buffer::default() };
        if let Incoming::Nothing(Some(waiting)) = std::mem::replace(&mut self.response, heads) {
            waiting.wake();
        }
        self.head.release();
        self.text.clear();
        Ok(length - before)
    }
}

/// Whether HTTP/2 has a form for where the request goes: not every byte that HTTP/1.1 lets through has a place in it.
pub(crate) fn is_sendable(parsed: &Request<'_>) -> bool {
    uri(parsed).is_ok()
}

fn uri(parsed: &Request<'_>) -> io::Result<Uri> {
    let path: &[u8] = match parsed.target.path_and_query {
        [] if parsed.target.is_server() => b"*",
        [] => b"/",
        path => path,
    };
    let mut uri = Uri::builder().path_and_query(path);
    if !parsed.authority.raw.is_empty() {
        uri = uri.scheme("http").authority(parsed.authority.raw);
    }
    let uri = uri.build().map_err(unfit)?;
    // A fragment would be left out, and the endpoint see another path than the one that was decided by.
    match uri.path_and_query() {
        Some(kept) if kept.as_str().as_bytes() == path => Ok(uri),
        _ => Err(unfit("a path with a fragment")),
    }
}

/// The request as HTTP/2 has it. What belongs to a connection of HTTP/1.1 is left out, an upgrade among it.
fn translate(parsed: &Request<'_>) -> io::Result<http::Request<()>> {
    let mut request = http::Request::new(());
    if parsed.authority.raw.is_empty() {
        // Without a host there is no `:authority`, which is possible only for what came as an older version.
        *request.version_mut() = Version::HTTP_11;
    }
    *request.uri_mut() = uri(parsed)?;
    *request.method_mut() = Method::from_bytes(parsed.method_name).map_err(unfit)?;
    let mut fields = fields::of_head(parsed.head, parsed.bytes, &["host"])?;
    // The router passes trailers on, and gRPC servers want to hear that (RFC 9110 section 10.1.4).
    fields.insert(TE, HeaderValue::from_static("trailers"));
    *request.headers_mut() = fields;
    Ok(request)
}

/// The response as HTTP/1.1 has it.
fn message(response: Response<RecvStream>, to_head: bool) -> Inflow {
    let mut head = Buffer::default();
    push_head(&response, &mut head);
    let ended = response.body().is_end_stream();
    let has_length = response.headers().contains_key(CONTENT_LENGTH);
    let has_body = !to_head && !is_bodyless(response.status().as_u16());
    let form = match (ended || has_length, has_body && !has_length) {
        (true, true) => {
            head.push(b"Content-Length: 0\r\n");
            Form::Verbatim
        }
        (false, true) => {
            head.push(b"Transfer-Encoding: chunked\r\n");
            Form::Chunks
        }
        (_, false) => Form::Verbatim,
    };
    head.push(b"\r\n");
    Inflow::new(response.into_body(), form, head)
}

fn push_head<B>(response: &Response<B>, out: &mut Buffer) {
    let status = response.status();
    let reason = StatusCode::canonical_reason(&status).unwrap_or_default();
    // Cannot fail: a buffer takes every byte.
    let _ = write!(out, "HTTP/1.1 {} {reason}\r\n", status.as_u16());
    fields::push_all(out, response.headers(), &[]);
}

impl AsyncRead for Call {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.response {
                Incoming::Nothing(waiting) => {
                    *waiting = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Incoming::Message(message) => return message.poll_read(cx, out),
                Incoming::Never => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
                Incoming::Heads { interim, .. } if !interim.is_empty() => {
                    let count = interim.len().min(out.remaining());
                    out.put_slice(&interim.bytes()[..count]);
                    interim.consume(count);
                    return Poll::Ready(Ok(()));
                }
                Incoming::Heads { response, interim } => match ready!(response.poll_informational(cx)) {
                    Some(head) => {
                        let head = head.map_err(reset)?;
                        if head.status() == StatusCode::SWITCHING_PROTOCOLS {
                            // There is no such response in HTTP/2 (RFC 9113 section 8.6).
                            return Poll::Ready(Err(unfit("a switch of protocols")));
                        }
                        push_head(&head, interim);
                        interim.push(b"\r\n");
                    }
                    None => {
                        let response = ready!(Pin::new(response).poll(cx)).map_err(reset)?;
                        this.response = Incoming::Message(message(response, this.to_head));
                    }
                },
            }
        }
    }
}

impl AsyncWrite for Call {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match &mut this.body {
            Some(body) => body.poll_write(cx, bytes),
            None => {
                let sent = match ready!(this.requests.poll_ready(cx)) {
                    Ok(()) => this.write_head(bytes),
                    Err(error) => Err(reset(error)),
                };
                if sent.is_err() {
                    this.give_up();
                }
                Poll::Ready(sent)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.body.as_mut().map_or(Ok(()), Outflow::flush))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.body.as_mut().map_or(Ok(()), Outflow::close))
    }
}

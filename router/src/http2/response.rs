//! What the router answers on a stream, from bytes of HTTP/1.1 to frames.
//!
//! In come the bytes that `http/` writes to a client of HTTP/1.1: interim heads, a head, a body. Out go HEADERS and
//! DATA. A 101 to a WebSocket becomes a 200, after which the stream is a tunnel (RFC 8441 section 5).

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::StatusCode;

use super::fields::{self, unfit};
use super::inflow::reset;
use super::outflow::Outflow;
use crate::http::Buffer;
use crate::http::framing::Framing;
use crate::http::head::{Head, Progress};
use crate::http::request::Method;
use crate::http::response::{Response, interim_status};

/// An answer under way.
pub(super) struct Answer {
    respond: SendResponse<Bytes>,
    /// Of the request, as far as it decides whether the response has a body.
    method: Method,
    websocket: bool,
    /// The head that is being written, and its bytes so far.
    head: Head,
    text: Buffer,
    body: Option<Outflow>,
}

impl Answer {
    pub(super) fn new(respond: SendResponse<Bytes>, method: Method, websocket: bool) -> Self {
        Self { respond, method, websocket, head: Head::default(), text: Buffer::default(), body: None }
    }

    /// Whether the client has all of it.
    pub(super) fn is_over(&self) -> bool {
        self.body.as_ref().is_some_and(Outflow::is_over)
    }

    /// Whether what the client sends is not a request any more, so that its end is not the request's.
    pub(super) fn is_tunnel(&self) -> bool {
        self.websocket && self.body.is_some()
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.body {
            Some(body) => body.poll_write(cx, bytes),
            None => Poll::Ready(self.write_head(bytes)),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.body.as_mut().map_or(Ok(()), Outflow::flush)
    }

    pub(super) fn close(&mut self) -> io::Result<()> {
        self.body.as_mut().map_or(Ok(()), Outflow::close)
    }

    /// Ready when the client wants no more of this, or is gone.
    pub(super) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.body {
            Some(body) => body.poll_reset(cx),
            None => self.respond.poll_reset(cx).map(|_| ()),
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
        self.send_head(length)?;
        self.head.release();
        self.text.clear();
        Ok(length - before)
    }

    fn send_head(&mut self, length: usize) -> io::Result<()> {
        let bytes = &self.text.bytes()[..length];
        if let Some(status) = interim_status(self.head.start_line(bytes)) {
            let response = response(status, fields::of_head(&self.head, bytes, &[])?)?;
            return self.respond.send_informational(response).map_err(reset);
        }
        let parsed = Response::parse(&self.head, bytes, self.method).map_err(|_| unfit("not a response"))?;
        let (status, framing) = match parsed.status {
            101 if self.websocket => (200, Framing::UntilClose),
            status => (status, parsed.framing),
        };
        let map = fields::of_head(&self.head, bytes, &["sec-websocket-accept"])?;
        let stream =
            self.respond.send_response(response(status, map)?, framing == Framing::Empty).map_err(reset)?;
        self.body = Some(Outflow::new(stream, framing, Reason::INTERNAL_ERROR));
        Ok(())
    }
}

fn response(status: u16, fields: http::HeaderMap) -> io::Result<http::Response<()>> {
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).map_err(unfit)?;
    *response.headers_mut() = fields;
    Ok(response)
}

impl Drop for Answer {
    /// A request that is given up unanswered: the client is told that this was not its fault.
    fn drop(&mut self) {
        if self.body.is_none() {
            self.respond.send_reset(Reason::INTERNAL_ERROR);
        }
    }
}

//! One stream of a client's connection, as a connection of HTTP/1.1 on which one request comes.
//!
//! Reading gives the request; when it is whole, reading waits until the client gives up, or ends with the response.
//! Writing takes the response. Dropped before the response is whole, the stream is reset. Hot.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::inflow::Inflow;
use super::request::{Malformed, render};
use super::response::Answer;
use crate::http::Buffer;
use crate::http::request::Method;

/// A stream on which a request came.
pub(super) struct Exchange {
    request: Inflow,
    answer: Answer,
}

impl Exchange {
    /// # Errors
    /// If the request is malformed. Its stream is reset then.
    pub(super) fn new(
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) -> Result<Self, Malformed> {
        let (parts, stream) = request.into_parts();
        let mut head = Buffer::default();
        let rendered = match render(&parts, stream.is_end_stream(), &mut head) {
            Ok(rendered) => rendered,
            Err(Malformed) => {
                respond.send_reset(Reason::PROTOCOL_ERROR);
                return Err(Malformed);
            }
        };
        let method = if parts.method == http::Method::HEAD { Method::Head } else { Method::Get };
        Ok(Self {
            request: Inflow::new(stream, rendered.form, head),
            answer: Answer::new(respond, method, rendered.websocket),
        })
    }
}

impl AsyncRead for Exchange {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // What is left of a request that has its answer is read on, as far as the connection of HTTP/1.1 lingers: a reset right
        // behind the answer, though allowed (RFC 9113 section 8.1), makes some clients lose it.
        let is_answered = self.answer.is_over();
        if is_answered && (self.answer.is_tunnel() || self.request.is_over()) {
            return Poll::Ready(Ok(()));
        }
        let before = out.filled().len();
        if !self.request.is_over() {
            ready!(self.request.poll_read(cx, out))?;
        }
        // The end of a request is no end of the client; that of a tunnel is passed on.
        if out.filled().len() > before || self.answer.is_tunnel() {
            return Poll::Ready(Ok(()));
        }
        self.answer.poll_reset(cx).map(|()| Err(io::ErrorKind::ConnectionReset.into()))
    }
}

impl AsyncWrite for Exchange {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answer.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.answer.flush())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.answer.close())
    }
}

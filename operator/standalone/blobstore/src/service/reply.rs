//! Answers that are no object, and what is said of a failure.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};

use super::stream::Stream;
use crate::{Error, Name};

/// The body of an answer.
pub(crate) type Body = Either<Full<Bytes>, Stream>;

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The objects refuse.
    #[error(transparent)]
    Objects(#[from] Error),
    /// There is nothing to append to.
    #[error("there is no object {0} to append to: put it first")]
    NothingToAppendTo(Name),
    /// The client's connection ended before its request did.
    #[error("the request ended early")]
    Incomplete,
    /// A header is not what it should be.
    #[error("{0}")]
    Header(&'static str),
}

impl Failure {
    /// An object that is not there is the client's mistake here, and not what it asks for.
    pub(crate) fn of_append(self) -> Self {
        match self {
            Self::Objects(Error::Missing(name)) => Self::NothingToAppendTo(name),
            failure => failure,
        }
    }
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    with_body(status, Bytes::new())
}

pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    typed(status, "application/json", body.into())
}

/// In Flynn's words.
pub(crate) fn not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "NotFound".to_owned())
}

/// A sentence, on a line of its own.
pub(crate) fn text(status: StatusCode, line: String) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", (line + "\n").into())
}

/// What becomes of a failure: statuses are Flynn's where it has one for it, with a reason that a person can act on.
pub(crate) fn failed(failure: Failure) -> Response<Body> {
    let status = match &failure {
        Failure::Objects(Error::Missing(_)) => return not_found(),
        Failure::Objects(Error::Io(error)) => {
            tracing::error!(%error, "a request to a Blobstore failed: see the log of the system");
            return text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error".to_owned());
        }
        Failure::Objects(Error::NoSpace) => StatusCode::INSUFFICIENT_STORAGE,
        Failure::Objects(Error::Exists(_) | Error::Offset { .. } | Error::ReadOnly) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        // Flynn breaks the connection here.
        Failure::NothingToAppendTo(_) => StatusCode::CONFLICT,
        Failure::Incomplete | Failure::Header(_) => StatusCode::BAD_REQUEST,
    };
    text(status, failure.to_string())
}

fn typed(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Body> {
    let mut reply = with_body(status, body);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

fn with_body(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut reply = Response::new(Either::Left(Full::new(body)));
    *reply.status_mut() = status;
    reply
}

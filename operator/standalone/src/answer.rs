//! Responses: JSON of objects in the form that the client wants, `Status` objects of failures, warnings as headers.

use std::convert::Infallible;

use bytes::Bytes;
use futures::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WARNING};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;

use crate::status::Failure;

/// The body of a response. It cannot fail: what goes wrong in the middle of a stream ends it.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// JSON.
pub(crate) fn json(code: StatusCode, json: impl Into<Bytes>) -> Response<Body> {
    bytes(code, "application/json", json)
}

/// A value as JSON.
pub(crate) fn value(code: StatusCode, value: &Value) -> Response<Body> {
    json(code, value.to_string())
}

/// Text.
pub(crate) fn text(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    bytes(code, "text/plain; charset=utf-8", text)
}

/// Bytes of some type.
pub(crate) fn bytes(code: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Response<Body> {
    described(code, typed(content_type), bytes)
}

/// Bytes with headers that say what they are.
pub(crate) fn described(code: StatusCode, headers: HeaderMap, bytes: impl Into<Bytes>) -> Response<Body> {
    with_headers(code, headers, Full::new(bytes.into()).boxed_unsync())
}

/// Bytes that come in time.
pub(crate) fn stream(
    content_type: &'static str,
    stream: impl Stream<Item = Bytes> + Send + 'static,
) -> Response<Body> {
    use futures::StreamExt as _;
    let frames = stream.map(|bytes| Ok(Frame::data(bytes)));
    with_headers(StatusCode::OK, typed(content_type), StreamBody::new(frames).boxed_unsync())
}

/// What went wrong.
pub(crate) fn failure(failure: &Failure) -> Response<Body> {
    let mut response = value(failure.code(), &failure.to_status());
    if let Some(seconds) = failure.retry_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Nothing is served at the path.
pub(crate) fn no_page() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// Adds warnings, which kubectl shows.
pub(crate) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', r"\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::try_from(format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(WARNING, value);
        }
    }
}

fn typed(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

fn with_headers(code: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let all = response.headers_mut();
    all.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    all.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    all.extend(headers);
    response
}

//! GET and HEAD of an object: the whole, a part, or that the client has it already.
//!
//! HEAD answers with what is known of the whole object; a range is of GET only (RFC 9110, section 14.2).

use std::ops::Range;
use std::sync::Arc;

use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED,
    RANGE,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Either;

use super::blocking;
use super::conditions::{Judgement, Validators};
use super::range::{self, Part};
use super::reply::{self, Body, Failure};
use super::stream::Stream;
use crate::{Content, Name, Objects, Record};

/// Answers a GET or HEAD.
pub(crate) async fn answer<B>(
    objects: Arc<Objects>,
    name: Name,
    request: &Request<B>,
) -> Result<Response<Body>, Failure> {
    let Some(content) = blocking(move || objects.read(&name)).await? else { return Ok(reply::not_found()) };
    let validators = Validators::new(&content.record().sha512, content.record().updated);
    let mut reply = match validators.judge(request.headers()) {
        Judgement::Failed => reply::empty(StatusCode::PRECONDITION_FAILED),
        Judgement::NotModified => reply::empty(StatusCode::NOT_MODIFIED),
        Judgement::Wanted if request.method() == Method::HEAD => described(content.record()),
        Judgement::Wanted => wanted(content, &validators, request.headers()),
    };
    let headers = reply.headers_mut();
    headers.insert(ETAG, header(&validators.etag));
    headers.insert(LAST_MODIFIED, header(&httpdate::fmt_http_date(validators.modified)));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(reply)
}

fn described(record: &Record) -> Response<Body> {
    let mut reply = reply::empty(StatusCode::OK);
    reply.headers_mut().insert(CONTENT_LENGTH, record.size.into());
    set_type(&mut reply, record);
    reply
}

fn wanted(content: Content, validators: &Validators, headers: &HeaderMap) -> Response<Body> {
    let size = content.record().size;
    let asked = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let asked = asked.filter(|_| validators.allow_range(headers));
    match asked.map_or(Part::Whole, |value| range::part(value, size)) {
        Part::Whole => streamed(StatusCode::OK, content, 0..size),
        Part::Bytes(positions) => {
            let range = format!("bytes {}-{}/{size}", positions.start, positions.end - 1);
            let mut reply = streamed(StatusCode::PARTIAL_CONTENT, content, positions);
            reply.headers_mut().insert(CONTENT_RANGE, header(&range));
            reply
        }
        Part::Unsatisfiable => {
            let line = format!("the object has {size} bytes, and none of those that the range asks for");
            let mut reply = reply::text(StatusCode::RANGE_NOT_SATISFIABLE, line);
            reply.headers_mut().insert(CONTENT_RANGE, header(&format!("bytes */{size}")));
            reply
        }
    }
}

fn streamed(status: StatusCode, content: Content, positions: Range<u64>) -> Response<Body> {
    let mut reply = Response::new(Either::Right(Stream::new(content.clone(), positions)));
    *reply.status_mut() = status;
    set_type(&mut reply, content.record());
    reply
}

/// As the client said it that wrote the object; nothing if it did not.
fn set_type(reply: &mut Response<Body>, record: &Record) {
    let media_type =
        record.media_type.as_ref().and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
    if let Some(media_type) = media_type {
        reply.headers_mut().insert(CONTENT_TYPE, media_type);
    }
}

fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("base64, dates and numbers may stand in a header")
}

//! Heads of responses, beside `httparse`, and what the client gets of them.

use super::request::{check_lines, compare_fields, read};
use super::{MAX_INPUT, naive_framing};
use crate::http::Buffer;
use crate::http::framing::Framing;
use crate::http::head::{Head, MAX_FIELDS, Progress};
use crate::http::request::{Method, Version};
use crate::http::response::{Delivery, Response};

/// Reads bytes as the head of an endpoint's response.
///
/// # Panics
/// If the router accepts what others do not, reads it differently, or gives a client something else.
pub fn response(data: &[u8]) {
    let data = &data[..data.len().min(MAX_INPUT)];
    let mut head = Head::default();
    let outcome = read(&mut head, data, data.len().max(1));
    assert_eq!(read(&mut Head::default(), data, 1), outcome, "in parts");
    let Ok(Progress::Complete(length)) = outcome else {
        return;
    };
    let bytes = &data[..length];
    for method in [Method::Get, Method::Head] {
        if let Ok(response) = Response::parse(&head, bytes, method) {
            compare(&head, &response, bytes);
            check_delivered(&response);
        }
    }
}

fn compare(head: &Head, response: &Response<'_>, bytes: &[u8]) {
    check_lines(bytes);
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut theirs = httparse::Response::new(&mut fields);
    assert_eq!(theirs.parse(bytes), Ok(httparse::Status::Complete(bytes.len())), "httparse refuses it");
    assert_eq!(theirs.code, Some(response.status));
    compare_fields(head, bytes, theirs.headers);
}

/// Delivered as an exchange does: in chunks where no length is known.
fn check_delivered(response: &Response<'_>) {
    let chunked = matches!(response.framing, Framing::Chunked | Framing::UntilClose);
    let mut out = Buffer::default();
    let delivery = Delivery {
        version: Version::V11,
        close: false,
        chunked,
        trailers: chunked,
        hsts: None,
        session: None,
    };
    response.render(&mut out, delivery);
    let mut fields = [httparse::EMPTY_HEADER; 2 * MAX_FIELDS];
    let mut sent = httparse::Response::new(&mut fields);
    assert_eq!(sent.parse(out.bytes()), Ok(httparse::Status::Complete(out.len())), "not one head");
    assert_eq!((sent.code, sent.version), (Some(response.status), Some(1)));
    let framing = naive_framing(sent.headers);
    match response.framing {
        Framing::Chunked | Framing::UntilClose => assert_eq!(framing, Some(Framing::Chunked)),
        Framing::Length(length) => assert_eq!(framing, Some(Framing::Length(length))),
        // A HEAD's length is that of another body, or none.
        Framing::Empty => assert!(matches!(framing, Some(Framing::Empty | Framing::Length(_)))),
    }
}

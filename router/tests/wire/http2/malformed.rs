//! What is no request of HTTP/2, or one that HTTP/1.1 would refuse: it never comes to an endpoint.

use http::{Method, Request};

use super::client::Session;
use super::frames::{END_STREAM, PROTOCOL_ERROR, Wire, block, frame, request};
use crate::endpoint::Endpoint;
use crate::site::Site;

/// The code that a request is refused with. Ending the whole connection is fine too (RFC 9113 section 5.4).
fn refusal_of(site: &Site, fields: &[(&str, &[u8])], flags: u8) -> u32 {
    let mut wire = Wire::connect(site.http());
    wire.headers(1, fields, flags);
    wire.refusal()
}

#[test]
fn a_malformed_request_is_ended_and_never_forwarded() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let extra: [(&str, &[u8]); 17] = [
        ("X-Upper", b"a"),
        ("connection", b"close"),
        ("connection", b"x-forwarded-for"),
        ("proxy-connection", b"keep-alive"),
        ("keep-alive", b"timeout=5"),
        ("upgrade", b"websocket"),
        ("transfer-encoding", b"chunked"),
        ("te", b"gzip"),
        ("te", b"trailers, chunked"),
        (":path", b"/again"),
        (":unknown", b"x"),
        (":status", b"200"),
        ("x-padded", b" a"),
        ("x-padded", b"a\t"),
        ("content-length", b"5"),
        ("content-length", b"abc"),
        ("x:y", b"a"),
    ];
    for field in extra {
        let mut fields = request("GET", "/");
        fields.push(field);
        assert_eq!(refusal_of(&site, &fields, END_STREAM), PROTOCOL_ERROR, "{field:?}");
    }
    let whole = request("GET", "/");
    for missing in [0, 1, 3] {
        let mut fields = whole.clone();
        fields.remove(missing);
        assert_eq!(refusal_of(&site, &fields, END_STREAM), PROTOCOL_ERROR, "without {missing}");
    }
    for path in ["", "x", "http://example.com/", "*", "?x"] {
        assert_eq!(refusal_of(&site, &request("GET", path), END_STREAM), PROTOCOL_ERROR, "{path:?}");
    }
    assert_eq!(refusal_of(&site, &[(":method", b"CONNECT")], END_STREAM), PROTOCOL_ERROR, "CONNECT nowhere");
    let mut late = whole.clone();
    late.insert(0, ("x-early", b"a"));
    assert_eq!(refusal_of(&site, &late, END_STREAM), PROTOCOL_ERROR);
    assert_eq!(endpoint.requests().len(), 0);
}

#[test]
fn a_value_that_would_start_a_line_of_its_own_ends_the_connection() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let attacks: [(&str, &[u8]); 6] = [
        ("x-a", b"b\r\nX-Forwarded-For: 1.2.3.4"),
        ("x-a", b"b\nc: d"),
        ("x-a", b"b\0c"),
        ("x-a\r\nx-b", b"c"),
        ("x-a: b\r\nx-c", b"d"),
        ("cookie", b"a=b\r\nx: y"),
    ];
    for (name, value) in attacks {
        let mut wire = Wire::connect(site.http());
        let mut fields = request("GET", "/");
        fields.push((name, value));
        wire.headers(1, &fields, END_STREAM);
        assert!(wire.ends(), "{name:?}");
    }
    let paths: [&[u8]; 4] = [b"/ HTTP/1.1\r\nHost: other.com\r\n\r\nGET /", b"/a b", b"/a\r\nx: y", b"/\0"];
    for path in paths {
        let mut fields = request("GET", "/");
        fields[3].1 = path;
        let mut wire = Wire::connect(site.http());
        wire.headers(1, &fields, END_STREAM);
        assert_eq!(wire.reset(1), PROTOCOL_ERROR, "{path:?}");
    }
    for method in ["GET / HTTP/1.1\r\nx:", "G T", ""] {
        let mut wire = Wire::connect(site.http());
        wire.headers(1, &request(method, "/"), END_STREAM);
        assert!(wire.ends(), "{method:?}");
    }
    assert_eq!(endpoint.requests().len(), 0);
}

#[test]
fn a_length_that_the_data_does_not_keep_to_is_reset() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    for (length, data) in [("3", "four"), ("5", "four")] {
        let mut wire = Wire::connect(site.http());
        let mut fields = request("POST", "/");
        fields.push(("content-length", length.as_bytes()));
        wire.headers(1, &fields, 0);
        wire.write(&frame(0, END_STREAM, 1, data.as_bytes()));
        assert_eq!(wire.reset(1), PROTOCOL_ERROR, "{length}");
    }
    assert_eq!(endpoint.requests().iter().filter(|seen| !seen.body.is_empty()).count(), 0);
}

#[test]
fn what_http_1_would_refuse_is_refused_with_the_same_status() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let example = || Request::get("http://example.com/");
    let many = (0..101).fold(example(), |request, n| request.header(format!("x-{n}"), "a"));
    let refused = [
        (400, example().header("host", "other.com")),
        (400, example().header("host", "example.com").header("host", "other.com")),
        (400, example().header("content-length", "0").header("content-length", "0")),
        (400, Request::get("http://user@example.com/")),
        (400, Request::get("http://example.com/%zz")),
        (404, Request::get("http://unknown.com/")),
        (405, Request::builder().method(Method::TRACE).uri("http://example.com/")),
        (405, Request::builder().method(Method::CONNECT).uri("example.com:443")),
        (414, Request::get(format!("http://example.com/{}", "a".repeat(40_000)))),
        (417, example().header("expect", "the-unexpected")),
        (431, many),
        (431, example().header("x-long", "a".repeat(70_000))),
    ];
    for (status, request) in refused {
        let shown = format!("{:.200}", format!("{request:?}"));
        assert_eq!(client.send(request, "").status.as_u16(), status, "{shown}");
    }
    assert_eq!(client.send(example().header("host", "EXAMPLE.com"), "").status.as_u16(), 200);
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn names_that_look_like_the_routers_own_are_not_passed_on() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let mut wire = Wire::connect(site.http());
    let mut fields = request("GET", "/");
    fields.extend([("x_forwarded_for", &b"6.6.6.6"[..]), ("x-forwarded-port", b"1"), ("x-kept", b"yes")]);
    wire.write(&frame(1, 5, 1, &block(&fields)));
    wire.next(1).expect("an answer");
    let seen = endpoint.last();
    assert_eq!(seen.header("x_forwarded_for"), None);
    assert_eq!(seen.header("x-kept"), Some("yes"));
    assert!(seen.header("X-Forwarded-Port").unwrap().starts_with("1, "));
}

//! What is refused at the edge, with which status. No endpoint sees any of it.

use crate::client::Response;
use crate::endpoint::Endpoint;
use crate::site::Site;

/// What a client gets, and whether the connection is over then.
fn answer(site: &Site, request: &str) -> (Response, bool) {
    let mut client = site.client();
    client.try_send(request);
    let response = client.response_to(request);
    let mut closes = response.header("Connection") == Some("close");
    if closes {
        client.end();
        closes = client.is_closed();
    }
    (response, closes)
}

fn refused(requests: &[(u16, &str)]) {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    for (status, request) in requests {
        let (response, closes) = answer(&site, request);
        assert_eq!(response.status, *status, "{request:?}");
        assert!(closes, "the connection is out of step after {request:?}");
    }
    assert_eq!(end.requests().len(), 0);
    assert_eq!(site.get("example.com", "/").text(), "ok");
}

const POST: &str = "POST / HTTP/1.1\r\nHost: example.com\r\n";

#[test]
fn smuggling_shapes_of_framing_are_refused() {
    let rows = [
        (400, "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
        (400, "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG"),
        (400, "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        (400, "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        (400, "Content-Length: 5, 5\r\n\r\nhello"),
        (400, "Content-Length: +5\r\n\r\nhello"),
        (400, "Content-Length: -5\r\n\r\nhello"),
        (400, "Content-Length: 5 5\r\n\r\nhello"),
        (400, "Content-Length: 0x5\r\n\r\nhello"),
        (400, "Content-Length:\r\n\r\n"),
        (400, "Content-Length: 99999999999999999999\r\n\r\n"),
        (400, "Content-Length : 5\r\n\r\nhello"),
        (400, "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        (400, "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        (501, "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        (417, "Expect: something\r\nContent-Length: 1\r\n\r\nx"),
        (417, "Expect: 100-continue, 100-continue\r\nContent-Length: 1\r\n\r\nx"),
        (417, "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"),
    ];
    let requests: Vec<_> = rows.iter().map(|(status, rest)| (*status, format!("{POST}{rest}"))).collect();
    refused(&requests.iter().map(|(status, request)| (*status, request.as_str())).collect::<Vec<_>>());
    refused(&[(400, "POST / HTTP/1.0\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]);
}

#[test]
fn heads_that_parsers_disagree_about_are_refused() {
    refused(&[
        (400, "GET / HTTP/1.1\nHost: example.com\n\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\nX: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nX: y\r\n\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nX: y\r\n folded\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n Host: example.com\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost : example.com\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nX: a\0b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nX: a\rb\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nX\x01: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nno colon\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\n: empty\r\n\r\n"),
        (400, "GET  / HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (400, "GET /a b HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (400, "GET /\r\nHost: example.com\r\n\r\n"),
        (400, "GET /%zz HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (400, "GET relative HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (400, "GET * HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (400, "GET ftp://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (400, "GET http://user@example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (400, "\r\n\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nHost: example.com\r\n\r\n"),
    ]);
}

#[test]
fn a_host_that_is_missing_twice_there_or_none_is_refused() {
    refused(&[
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nHost: example.com\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com\r\nHost: other.org\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com other.org\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com, other.org\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: user@example.com\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com/x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: example.com:x\r\n\r\n"),
    ]);
    let end = Endpoint::text("ok");
    let (response, _) = answer(&Site::of(end.address), "GET / HTTP/1.1\r\n\r\n");
    assert_eq!(response.text(), "400 Bad Request: missing required Host header");
}

#[test]
fn oversized_heads_are_refused() {
    let many = format!("GET / HTTP/1.1\r\nHost: example.com\r\n{}\r\n", "X: y\r\n".repeat(100));
    let long = format!("GET / HTTP/1.1\r\nHost: example.com\r\nX: {}\r\n\r\n", "y".repeat(65_536));
    let endless = format!("GET / HTTP/1.1\r\nHost: example.com\r\nX: {}", "y".repeat(70_000));
    let target = format!("GET /{} HTTP/1.1\r\nHost: example.com\r\n\r\n", "y".repeat(32_768));
    let named = format!("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: {}\r\n\r\n", "y,".repeat(33));
    refused(&[(431, &many), (431, &long), (431, &endless), (414, &target), (400, &named)]);
}

#[test]
fn methods_that_are_not_for_a_router_of_applications_are_refused() {
    refused(&[
        (405, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"),
        (405, "TRACE / HTTP/1.1\r\nHost: example.com\r\n\r\n"),
    ]);
    let end = Endpoint::text("ok");
    let (response, _) = answer(&Site::of(end.address), "TRACE / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert!(response.header("Allow").is_some());
}

/// The endpoint has the request's head by then, but never a whole request.
#[test]
fn broken_chunks_are_refused_and_complete_no_request() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    for body in [
        "zz\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n",
        "-1\r\n",
        "0x1\r\n",
        "1\nx\r\n",
        "fffffffffffffffff\r\n",
        "0\r\nX\r\n\r\n",
        "1;\0\r\n",
        &format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(9_000)),
        &"1;ext=value\r\nx\r\n".repeat(1_000),
        &format!("0\r\n{}\r\n", "X: y\r\n".repeat(3_000)),
        "0\r\n folded\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
    ] {
        let (response, closes) = answer(&site, &format!("{POST}Transfer-Encoding: chunked\r\n\r\n{body}"));
        assert_eq!((response.status, closes), (400, true), "{body:?}");
    }
    assert_eq!(end.requests().len(), 0);
}

/// What follows a refused request on the connection is not a request.
#[test]
fn nothing_is_served_behind_a_refused_request() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: example.com\r\n\r\n"));
    assert_eq!(client.response().status, 400);
    client.end();
    assert!(client.is_closed());
    assert_eq!(end.requests().len(), 0);
}

#[test]
fn a_refused_request_does_not_pollute_the_endpoints_connection() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    assert_eq!(site.get("example.com", "/").text(), "ok");
    let (response, _) = answer(&site, &format!("{POST}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\nnope\r\n"));
    assert_eq!(response.status, 400);
    for _ in 0..5 {
        assert_eq!(site.get("example.com", "/").text(), "ok");
    }
    assert!(end.requests().iter().all(|seen| seen.head.starts_with("GET / ")));
}

//! Client connections: keep-alive, pipelining, HTTP/1.0, and what ends them.

use crate::endpoint::Endpoint;
use crate::site::Site;

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

#[test]
fn one_connection_serves_many_requests_over_one_to_the_endpoint() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    for _ in 0..50 {
        client.send(GET);
        let response = client.response();
        assert_eq!((response.text(), response.header("Connection")), ("ok", None));
    }
    assert_eq!(end.connections(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let end = Endpoint::answering(|seen| {
        let target = seen.target();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{target}", target.len())
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    let requests: String = (0..200)
        .map(|number| match number % 3 {
            0 => format!("GET /{number} HTTP/1.1\r\nHost: example.com\r\n\r\n"),
            1 => format!("POST /{number} HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\n\r\nabc"),
            _ => format!("POST /{number} HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        })
        .collect();
    client.send(requests);
    for number in 0..200 {
        assert_eq!(client.response().text(), format!("/{number}"));
    }
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    for byte in
        "\r\nPOST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
            .bytes()
    {
        client.send([byte]);
    }
    assert_eq!(client.response().text(), "ok");
    assert_eq!(end.last().body, b"ab");
}

#[test]
fn a_connection_ends_when_the_client_asks_for_it() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Close\r\n\r\n");
    assert_eq!(client.response().header("Connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn an_http_1_0_connection_is_kept_only_if_the_client_asks_for_it() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send("GET / HTTP/1.0\r\nHost: example.com\r\nConnection: keep-alive\r\n\r\n");
    let response = client.response();
    assert_eq!((response.text(), response.header("Connection")), ("ok", Some("keep-alive")));
    client.send("GET / HTTP/1.0\r\nHost: example.com\r\n\r\n");
    assert_eq!(client.response().header("Connection"), Some("close"));
    assert!(client.is_closed());
    assert!(end.last().head.starts_with("GET / HTTP/1.1\r\n"));
}

#[test]
fn the_routers_own_answers_keep_the_connection_in_step() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: unknown.org\r\n\r\n");
    assert_eq!(client.response().status, 404);
    client.send("POST / HTTP/1.1\r\nHost: unknown.org\r\nContent-Length: 3\r\n\r\nGET");
    assert_eq!(client.response().status, 404);
    client.send("HEAD / HTTP/1.1\r\nHost: unknown.org\r\n\r\n");
    let response = client.response_to("HEAD ");
    assert_eq!((response.status, response.header("Content-Length")), (404, Some("10")));
    client.send("OPTIONS * HTTP/1.1\r\nHost: unknown.org\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.header("Content-Length")), (200, Some("0")));
    client.send(GET);
    assert_eq!(client.response().text(), "ok");
}

#[test]
fn a_body_that_nobody_reads_ends_the_connection_after_the_answer() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send("POST / HTTP/1.1\r\nHost: unknown.org\r\nContent-Length: 30000000\r\n\r\n");
    client.try_send(vec![b'x'; 3_000_000]);
    let response = client.response();
    assert_eq!((response.status, response.header("Connection")), (404, Some("close")));
    client.end();
    assert!(client.is_closed());
}

#[test]
fn a_head_of_nearly_the_limit_is_served() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let mut client = site.client();
    for size in [100, 20_000, 60_000, 100] {
        client.send(format!("GET / HTTP/1.1\r\nHost: example.com\r\nX-Long: {}\r\n\r\n", "x".repeat(size)));
        assert_eq!(client.response().text(), "ok");
        assert_eq!(end.last().header("X-Long").map(str::len), Some(size));
    }
}

//! Interim responses: what a client hears before the final one, and from whom (RFC 9110 section 15.2).

use router::Options;

use crate::client::field;
use crate::endpoint::{Endpoint, echo};
use crate::site::{Site, config};

const POST: &str = "POST / HTTP/1.1\r\nHost: example.com\r\n";

#[test]
fn an_endpoints_100_is_passed_on_to_the_client_that_waits_for_it() {
    let end = Endpoint::serving(|connection| {
        while let Some(head) = connection.head() {
            assert_eq!(field(&head, "Expect"), Some("100-continue"));
            connection.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
            connection.bytes(3);
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    for _ in 0..2 {
        client.send(format!("{POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
        assert_eq!(client.head(), "HTTP/1.1 100 Continue");
        client.send("abc");
        assert_eq!(client.response().text(), "ok");
    }
}

#[test]
fn the_router_says_100_itself_when_the_endpoint_does_not() {
    let end = echo();
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    assert_eq!(client.head(), "HTTP/1.1 100 Continue");
    client.send("abc");
    assert_eq!(client.response().text(), "abc");
}

#[test]
fn a_refusal_instead_of_100_ends_the_connection() {
    let end = Endpoint::serving(|connection| {
        connection.head();
        connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        connection.wait_for_end();
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    let response = client.response();
    assert_eq!((response.status, response.header("Connection")), (401, Some("close")));
    assert!(client.is_closed());
}

const INTERIM: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nConnection: x-hop\r\nLink: </a.css>\r\nX-Hop: 1\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nLink: </b.js>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn of_all_interim_responses_only_early_hints_reach_a_client_that_did_not_ask() {
    let end = Endpoint::answering(|_| INTERIM.into());
    let site = Site::of(end.address);
    let mut client = site.client();
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
        assert_eq!(client.head(), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>");
        assert_eq!(client.head(), "HTTP/1.1 103 Early Hints\r\nLink: </b.js>");
        assert_eq!(client.response().text(), "ok");
    }
    assert_eq!(site.send("GET / HTTP/1.0\r\nHost: example.com\r\n\r\n").text(), "ok");
}

/// An endpoint that has said something has taken the request.
#[test]
fn a_request_is_not_sent_again_after_an_interim_response() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        connection.request();
        connection.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    });
    let site = Site::start_with(
        &config(&[("example.com", end.address)]),
        Options { workers: 1, ..Options::default() },
    );
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(client.response().text(), "ok");
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 103"));
    assert_eq!(client.response().status, 503);
    assert_eq!((end.requests().len(), site.server.metrics().retries), (2, 0));
}

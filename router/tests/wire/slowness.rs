//! Whoever is too slow is given up, with the status that says so where there can still be one.

use std::time::Duration;

use router::{Options, Timeouts};

use crate::client::Client;
use crate::endpoint::{Endpoint, echo};
use crate::site::{Site, add_with, config, count, eventually, judging};

const POST: &str = "POST / HTTP/1.1\r\nHost: example.com\r\n";

/// Of a response, in bytes: less than the kernel takes of it by itself.
const SIZE: usize = 2 << 20;

fn impatient(end: &Endpoint) -> Site {
    let timeouts = Timeouts {
        header: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        handshake: Duration::from_millis(300),
        ..Timeouts::default()
    };
    let mut config = config(&[]);
    add_with(&mut config, "example.com", "/", &[end.address], |forward| {
        forward.response_seconds = 1;
        forward.idle_seconds = 1;
    });
    Site::start_with(&config, Options { workers: 1, timeouts, ..Options::default() })
}

#[test]
fn slow_clients_are_given_up() {
    let end = echo();
    let site = impatient(&end);
    let refused = |sent: &str| {
        let mut client = site.client();
        client.send(sent);
        let status = client.response().status;
        assert!(client.is_closed());
        status
    };
    assert_eq!(refused("GET / HTTP/1.1\r\nHost: exam"), 408);
    assert_eq!(refused(&format!("{POST}Content-Length: 5\r\n\r\nabc")), 408);
    assert!(site.client().is_closed(), "a client that says nothing gets nothing");
    let mut kept = site.client();
    kept.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(kept.response().status, 200);
    assert!(kept.is_closed());
    assert!(Client::connect(site.https()).is_closed());
    eventually("they are counted", || {
        ["head", "body", "body_rate"].map(|kind| count(&site, "router_timeouts", kind)) == [1, 1, 0]
    });
}

/// A client that asks for much and takes nothing holds one block of the router's memory, and not for long.
#[test]
fn a_client_that_takes_nothing_of_its_response_is_given_up() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
        while connection.send([b'x'; 65_536]) {}
    });
    let site = impatient(&end);
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client.head();
    eventually("the endpoint is told to stop", || end.closed() == 1);
    eventually("it is counted", || count(&site, "router_timeouts", "reader") == 1);
    assert!(client.rest().len() < 67_108_864);
}

/// The kernel would take megabytes of it: they would be held for as long as the client likes, and count as delivered.
#[test]
fn a_response_that_the_client_does_not_take_is_not_left_with_the_kernel() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        connection.send(vec![b'x'; SIZE]);
        connection.wait_for_end();
    });
    let site = impatient(&end);
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client.head();
    eventually("the endpoint is told to stop", || end.closed() == 1);
    assert!(client.rest().len() < SIZE / 2);
}

/// A rate that nobody has who sends a byte now and then.
const FAST: u32 = 1_000_000;

/// A site whose endpoint gets bodies of at least this rate.
fn strict(end: &Endpoint, rate: u32) -> Site {
    let mut config = config(&[]);
    add_with(&mut config, "example.com", "/", &[end.address], |forward| {
        forward.min_body_bytes_per_second = rate;
    });
    judging(&config)
}

/// Sends a piece now and then, until there is an answer or so many are sent.
fn drip(client: &mut Client, piece: &str, count: usize) {
    for _ in 0..count {
        client.send(piece);
        if client.hears() {
            return;
        }
    }
}

#[test]
fn a_client_that_sends_its_body_byte_by_byte_for_ever_is_given_up() {
    let end = echo();
    let site = strict(&end, FAST);
    for framing in ["Content-Length: 2000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n7d0\r\n"] {
        let mut client = site.client();
        client.send(format!("{POST}{framing}"));
        drip(&mut client, "x", 1_999);
        let response = client.response();
        assert_eq!((response.status, response.header("Connection")), (408, Some("close")), "{framing}");
        assert!(response.text().contains("too slowly"), "{}", response.text());
    }
    eventually("it is counted", || count(&site, "router_timeouts", "body_rate") == 2);
    assert_eq!(count(&site, "router_timeouts", "body"), 0);
}

#[test]
fn a_body_that_is_fast_enough_or_need_not_be_comes_through() {
    let end = echo();
    for (rate, piece) in [(0, 1), (1, 1_000)] {
        let site = strict(&end, rate);
        let mut client = site.client();
        client.send(format!("{POST}Content-Length: {}\r\n\r\n", 20 * piece));
        drip(&mut client, &"x".repeat(piece), 20);
        assert_eq!(client.response().text(), "x".repeat(20 * piece), "{rate}");
    }
}

/// From then on both may be as slow as they like.
#[test]
fn a_body_may_be_slow_once_the_endpoint_answers() {
    let end = Endpoint::serving(|connection| {
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        connection.bytes(20);
        connection.send("done");
    });
    let site = strict(&end, FAST);
    let mut client = site.client();
    client.send(format!("{POST}Content-Length: 20\r\n\r\n"));
    client.head();
    drip(&mut client, "x", 20);
    assert_eq!(client.bytes(4), b"done");
}

/// Its content type alone excuses nobody: there is no gRPC to an endpoint of HTTP/1.1.
#[test]
fn a_body_that_only_calls_itself_grpc_is_judged_like_any_other() {
    let end = echo();
    let site = strict(&end, FAST);
    let mut client = site.client();
    client.send(format!("{POST}Content-Type: application/grpc\r\nContent-Length: 2000\r\n\r\n"));
    drip(&mut client, "x", 1_999);
    assert_eq!(client.response().status, 408);
}

#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.wait_for_end();
    });
    let site = impatient(&end);
    assert_eq!(site.get("example.com", "/").status, 503);
    eventually("it is counted", || count(&site, "router_timeouts", "endpoint") == 1);
}

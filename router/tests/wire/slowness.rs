//! Whoever is too slow is given up, with the status that says so where there can still be one.

use std::time::Duration;

use router::{Options, Timeouts};

use crate::client::Client;
use crate::endpoint::{Endpoint, echo};
use crate::site::{Site, add_with, config, eventually};

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

#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.wait_for_end();
    });
    let site = impatient(&end);
    assert_eq!(site.get("example.com", "/").status, 503);
}

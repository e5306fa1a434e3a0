//! Choice of endpoints, retries and kept connections (flynn-compat 1.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use router_config::{Delta, Service};

use crate::endpoint::Endpoint;
use crate::site::{Site, add, config, dead, eventually};

/// A site whose host `example.com` has these endpoints.
fn site(endpoints: &[std::net::SocketAddr]) -> Site {
    let mut config = config(&[]);
    add(&mut config, "example.com", "/", endpoints);
    Site::start(&config)
}

const BODY: &str = "A not-so-large Flynn test body...";

fn post() -> String {
    format!("POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len())
}

/// T26, T27 without the cookie: what cannot be dialled is passed over, with the body intact.
#[test]
fn an_endpoint_that_cannot_be_dialled_is_passed_over() {
    let end = Endpoint::text("2");
    let site = site(&[dead(), end.address, dead()]);
    for _ in 0..30 {
        assert_eq!(site.get("example.com", "/").text(), "2");
        assert_eq!(site.send(&post()).text(), "2");
        assert_eq!(end.last().body, BODY.as_bytes());
    }
    assert!(site.server.metrics().dial_failures > 0);
}

#[test]
fn at_most_four_endpoints_are_dialled_for_a_request() {
    let dead: Vec<_> = (0..6).map(|_| dead()).collect();
    let site = site(&dead);
    assert_eq!(site.get("example.com", "/").status, 503);
    assert_eq!(site.server.metrics().dial_failures, 4);
}

/// T28: what an endpoint may have acted upon is not sent to another.
#[test]
fn a_request_that_was_sent_is_not_sent_again() {
    let taken = Arc::new(AtomicUsize::new(0));
    let ends = [0, 1].map(|_| {
        let taken = taken.clone();
        Endpoint::serving(move |_| {
            taken.fetch_add(1, Ordering::SeqCst);
        })
    });
    let site = site(&[ends[0].address, ends[1].address]);
    let upgrade = "POST / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n";
    for (number, request) in
        [post().as_str(), upgrade, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"].iter().enumerate()
    {
        let response = site.send(request);
        assert_eq!((response.status, response.text()), (503, "Service Unavailable\n"));
        assert_eq!(taken.load(Ordering::SeqCst), number + 1);
    }
    assert_eq!(site.server.metrics().retries, 0);
}

/// T13: a close that was noticed costs nothing, not even a POST.
#[test]
fn a_kept_connection_that_the_endpoint_closed_is_not_used() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    });
    let site = site(&[end.address]);
    let mut client = site.client();
    for number in 1..=20 {
        client.send(post());
        assert_eq!(client.response().text(), "1");
        eventually("the endpoint closes after it answered", || end.closed() == number);
    }
    assert_eq!(site.server.metrics().retries, 0);
}

/// An endpoint that takes a second request on a connection and closes without a byte.
fn closes_on_the_second() -> Endpoint {
    Endpoint::serving(|connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
        connection.request();
    })
}

#[test]
fn a_bodyless_idempotent_request_is_sent_once_more_when_a_kept_connection_was_gone() {
    let end = closes_on_the_second();
    let site = site(&[end.address]);
    let mut client = site.client();
    for method in ["GET", "GET", "DELETE", "OPTIONS", "PUT", "PROPFIND"] {
        client.send(format!("{method} / HTTP/1.1\r\nHost: example.com\r\n\r\n"));
        assert_eq!(client.response().text(), "1", "{method}");
        client.send("GET / HTTP/1.1\r\nHost: unknown\r\n\r\n");
        assert_eq!(client.response().status, 404);
    }
    assert!(site.server.metrics().retries >= 3);
}

#[test]
fn a_request_that_may_have_done_something_is_not_sent_once_more() {
    for request in [
        "POST / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let end = closes_on_the_second();
        let mut config = config(&[]);
        add(&mut config, "example.com", "/", &[end.address]);
        let options = router::Options { workers: 1, ..router::Options::default() };
        let site = Site::start_with(&config, options);
        assert_eq!(site.get("example.com", "/").text(), "1");
        assert_eq!(site.send(request).status, 503, "{request}");
        assert_eq!((site.server.metrics().retries, end.requests().len()), (0, 2));
    }
}

#[test]
fn an_answer_that_is_no_http_is_503() {
    let answers = [
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ];
    for answer in answers {
        let end = Endpoint::serving(move |connection| {
            connection.request();
            connection.send(answer);
        });
        let response = site(&[end.address]).get("example.com", "/");
        assert_eq!((response.status, response.text()), (503, "Service Unavailable\n"), "{answer:?}");
    }
}

/// Bytes after a response belong to nobody: the next request must not take them for its answer.
#[test]
fn a_connection_on_which_too_much_was_said_is_not_kept() {
    let end = Endpoint::serving(|connection| {
        while connection.request().is_some() {
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        }
    });
    let site = site(&[end.address]);
    let mut client = site.client();
    for _ in 0..10 {
        client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
        assert_eq!(client.response().text(), "1");
    }
    assert_eq!(end.connections(), 10);
}

#[test]
fn requests_spread_over_all_endpoints() {
    let ends = ["1", "2", "3"].map(Endpoint::text);
    let site = site(&ends.each_ref().map(|end| end.address));
    let mut client = site.client();
    for _ in 0..100 {
        client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
        client.response();
    }
    for end in &ends {
        assert!(end.requests().len() > 5, "{}", end.requests().len());
    }
}

#[test]
fn idle_connections_to_an_endpoint_close_when_it_leaves() {
    let closed = Arc::new(AtomicUsize::new(0));
    let counted = closed.clone();
    let end = Endpoint::serving(move |connection| {
        while connection.request().is_some() {
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
        }
        closed.fetch_add(1, Ordering::SeqCst);
    });
    let site = site(&[end.address]);
    assert_eq!(site.get("example.com", "/").text(), "1");
    let mut delta = Delta::default();
    delta.services.insert("example.com/".into(), Some(Service::default()));
    site.handle.apply(delta);
    eventually("the idle connection is closed", || counted.load(Ordering::SeqCst) == 1);
    assert_eq!(site.get("example.com", "/").status, 503);
}

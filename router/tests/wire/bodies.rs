//! Bodies of both directions: framing, streaming, early answers, endpoints that die.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::endpoint::{Endpoint, echo};
use crate::site::{Site, eventually};

const POST: &str = "POST / HTTP/1.1\r\nHost: example.com\r\n";

#[test]
fn a_body_of_either_framing_reaches_the_endpoint_and_comes_back() {
    let end = echo();
    let site = Site::of(end.address);
    let mut client = site.client();
    for size in [1, 100, 5_000, 300_000] {
        let body = "x".repeat(size);
        client.send(format!("{POST}Content-Length: {size}\r\n\r\n{body}"));
        assert_eq!(client.response().text(), body);
        assert_eq!(end.last().header("Content-Length"), Some(size.to_string().as_str()));
        client.send(format!(
            "{POST}Transfer-Encoding: chunked\r\n\r\n{size:X};ext=1\r\n{body}\r\n0\r\nX-Trailer: t\r\n\r\n"
        ));
        assert_eq!(client.response().text(), body);
        let seen = end.last();
        assert_eq!(
            (seen.header("Transfer-Encoding"), seen.header("Content-Length")),
            (Some("chunked"), None)
        );
        let raw = String::from_utf8(seen.raw_body).unwrap();
        assert!(raw.ends_with("0\r\nX-Trailer: t\r\n\r\n") && !raw.contains("ext"), "{raw:?}");
    }
    assert_eq!(end.connections(), 1);
}

#[test]
fn many_small_chunks_are_one_body() {
    let end = echo();
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Transfer-Encoding: chunked\r\n\r\n"));
    for _ in 0..500 {
        client.send("3\r\nabc\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.response().text(), "abc".repeat(500));
}

#[test]
fn a_response_is_framed_as_the_client_can_read_it() {
    let end = Endpoint::serving(|connection| {
        while let Some(seen) = connection.request() {
            let answer = match seen.target() {
                "/chunked" => {
                    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: t\r\n\r\n"
                }
                "/close" => "\r\nabcde",
                _ => "Content-Length: 5\r\n\r\nabcde",
            };
            connection.send(format!("HTTP/1.1 200 OK\r\n{answer}"));
            if seen.target() == "/close" {
                return;
            }
        }
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    for path in ["/length", "/chunked", "/close", "/length"] {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: example.com\r\n\r\n"));
        let response = client.response();
        assert_eq!((response.text(), response.whole), ("abcde", true), "{path}");
        let chunked = response.header("Transfer-Encoding").is_some();
        assert_eq!(
            (chunked, response.header("Content-Length").is_some()),
            (path != "/length", path == "/length")
        );
    }
    for path in ["/length", "/chunked", "/close"] {
        let response = site.send(&format!("GET {path} HTTP/1.0\r\nHost: example.com\r\n\r\n"));
        assert_eq!(response.text(), "abcde", "{path}");
        assert_eq!(response.header("Transfer-Encoding"), None);
        assert_eq!(response.header("Connection"), Some("close"));
    }
}

/// T01.
#[test]
fn an_empty_response_is_whole() {
    let end = Endpoint::answering(|_| "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into());
    let response = Site::of(end.address).get("example.com", "/");
    assert_eq!((response.status, response.text(), response.header("Content-Length")), (200, "", Some("0")));
}

#[test]
fn responses_that_have_no_body_leave_the_connection_in_step() {
    let end = Endpoint::answering(|seen| match seen.target() {
        "/204" => "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n".into(),
        "/304" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n".into(),
        "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
        _ => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned(),
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    for (method, path, length) in
        [("GET", "/204", None), ("GET", "/304", None), ("HEAD", "/", Some("5")), ("HEAD", "/chunked", None)]
    {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: example.com\r\n\r\n");
        client.send(&request);
        let response = client.response_to(&request);
        assert_eq!(response.header("Content-Length"), length, "{path}");
        assert_eq!(response.header("Transfer-Encoding"), None);
    }
    assert_eq!(end.connections(), 1);
}

/// T35.
#[test]
fn a_response_reaches_the_client_as_it_comes() {
    let end = Endpoint::serving(|connection| {
        let Some(seen) = connection.request() else { return };
        let start = if seen.target() == "/body" { "1\r\na\r\n" } else { "" };
        connection.send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{start}"));
        connection.wait_for_end();
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send("GET /header HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 200 OK"));
    let mut client = site.client();
    client.send("GET /body HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client.head();
    assert_eq!(client.bytes(6), b"1\r\na\r\n");
}

#[test]
fn a_request_reaches_the_endpoint_as_it_comes() {
    let (report, reports) = mpsc::channel();
    let report = Mutex::new(report);
    let end = Endpoint::serving(move |connection| {
        let Some(head) = connection.head() else { return };
        report.lock().unwrap().send(head).unwrap();
        let body = connection.bytes(3).unwrap();
        report.lock().unwrap().send(String::from_utf8(body).unwrap()).unwrap();
        connection.bytes(3);
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Content-Length: 6\r\n\r\n"));
    assert!(reports.recv().unwrap().starts_with("POST / HTTP/1.1"));
    client.send("abc");
    assert_eq!(reports.recv().unwrap(), "abc");
    client.send("def");
    assert_eq!(client.response().status, 200);
}

/// Neither side can outrun the other: an endpoint that reads nothing holds the client up, not the router's memory.
#[test]
fn a_slow_reader_holds_its_sender_up_and_nothing_is_lost() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let waits = gate.clone();
    let end = Endpoint::serving(move |connection| {
        drop(waits.lock());
        while let Some(seen) = connection.request() {
            let length = seen.body.len().to_string();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{length}", length.len()));
        }
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    let size = 32 << 20;
    client.send(format!("{POST}Content-Length: {size}\r\n\r\n"));
    let fitted = client.send_while_taken(&vec![b'x'; size]);
    assert!(fitted < size, "32 MiB fit somewhere between the client and the endpoint");
    drop(closed);
    client.send(vec![b'x'; size - fitted]);
    assert_eq!(client.response().text(), size.to_string());
}

#[test]
fn an_endpoint_that_dies_within_a_body_cuts_the_client_short() {
    let end = Endpoint::serving(|connection| {
        let Some(seen) = connection.request() else { return };
        let start = match seen.target() {
            "/chunked" => "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
            _ => "Content-Length: 5\r\n\r\nabc",
        };
        connection.send(format!("HTTP/1.1 200 OK\r\n{start}"));
    });
    let site = Site::of(end.address);
    for path in ["/length", "/chunked"] {
        let mut client = site.client();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: example.com\r\n\r\n"));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 200"));
        let rest = String::from_utf8(client.rest()).unwrap();
        assert!(rest.contains("abc") && !rest.contains("0\r\n\r\n"), "{rest:?}");
    }
}

#[test]
fn an_early_answer_arrives_while_the_body_is_still_sent() {
    let end = Endpoint::serving(|connection| {
        connection.head();
        connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
        connection.wait_for_end();
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Content-Length: 100000000\r\n\r\nstart"));
    let response = client.response();
    assert_eq!((response.status, response.text()), (413, "big"));
    assert_eq!(response.header("Connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn an_endpoint_that_answers_and_closes_over_the_body_is_still_heard() {
    let end = Endpoint::serving(|connection| {
        connection.head();
        connection
            .send("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Content-Length: 50000000\r\n\r\nstart"));
    let response = client.response();
    assert_eq!((response.status, response.text()), (413, "big"));
}

#[test]
fn both_bodies_move_at_once() {
    let end = Endpoint::serving(|connection| {
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
        for _ in 0..3 {
            let Some(bytes) = connection.bytes(2) else { return };
            connection.send(bytes);
        }
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(format!("{POST}Content-Length: 6\r\n\r\n"));
    client.head();
    for part in ["ab", "cd", "ef"] {
        client.send(part);
        assert_eq!(client.bytes(2), part.as_bytes());
    }
}

/// T37.
#[test]
fn an_endpoint_notices_that_the_client_is_gone() {
    let (gone, noticed) = mpsc::channel();
    let gone = Mutex::new(gone);
    let end = Endpoint::serving(move |connection| {
        let Some(seen) = connection.request() else { return };
        if seen.target() == "/stream" {
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
        }
        connection.wait_for_end();
        gone.lock().unwrap().send(seen.target().to_owned()).unwrap();
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send("POST /stream HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client.head();
    drop(client);
    assert_eq!(noticed.recv_timeout(Duration::from_secs(10)).unwrap(), "/stream");
    let mut client = site.client();
    client.send("POST /silent HTTP/1.1\r\nHost: example.com\r\n\r\n");
    eventually("the endpoint has the request", || end.requests().len() == 2);
    drop(client);
    assert_eq!(noticed.recv_timeout(Duration::from_secs(10)).unwrap(), "/silent");
}

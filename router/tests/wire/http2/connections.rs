//! The life of a connection of HTTP/2: how it begins, rests and ends.

use std::io::Write;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use http::Request;
use router::{Options, Timeouts};

use super::client::Session;
use super::frames::{END_STREAM, HEADERS, Wire, request};
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, certificate, config, eventually};

#[test]
fn a_client_of_tls_gets_the_protocol_that_it_asks_for() {
    let endpoint = Endpoint::text("");
    let mut config = config(&[("a.com", endpoint.address)]);
    config.certificates.insert("own".into(), certificate("a.com").0);
    config.hosts.get_mut("a.com").unwrap().certificate = Some("own".into());
    let site = Site::start(&config);
    for protocols in [&["http/1.1"][..], &[]] {
        let mut client =
            Client::connect_tls_with(site.https(), "a.com", protocols, rustls::DEFAULT_VERSIONS).unwrap();
        client.send("GET / HTTP/1.1\r\nHost: a.com\r\n\r\n");
        assert_eq!(client.response().status, 200, "{protocols:?}");
        // Without the protocol in the handshake, HTTP/2 is not spoken over TLS.
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert_eq!(client.response().status, 505);
    }
    assert!(
        Client::connect_tls_with(site.https(), "a.com", &["spdy/3"], rustls::DEFAULT_VERSIONS).is_err(),
        "a client that speaks neither is refused"
    );
    assert_eq!(Session::tls(site.https(), "a.com").get("https://a.com/").status.as_u16(), 200);
}

#[test]
fn a_request_for_another_host_than_the_handshake_named_is_misdirected() {
    let endpoint = Endpoint::text("");
    let mut config = config(&[("a.com", endpoint.address), ("b.com", endpoint.address)]);
    for (name, host) in &mut config.hosts {
        config.certificates.insert(name.clone(), certificate(name).0);
        host.certificate = Some(name.clone());
    }
    let site = Site::start(&config);
    let mut client = Session::tls(site.https(), "a.com");
    assert_eq!(client.get("https://b.com/").status.as_u16(), 421);
    assert_eq!(client.get("https://a.com/").status.as_u16(), 200);
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn the_preface_may_come_in_pieces_but_only_first() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let mut wire = Wire::connect(site.http());
    assert!(wire.frame().is_some(), "the router's settings");

    let mut pieces = std::net::TcpStream::connect(site.http()).unwrap();
    pieces.set_nodelay(true).unwrap();
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0" {
        pieces.write_all(&[*byte]).unwrap();
    }
    let mut first = [0; 9];
    std::io::Read::read_exact(&mut pieces, &mut first).unwrap();
    assert_eq!(first[3], 4, "SETTINGS");

    let mut late = site.client();
    late.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(late.response().status, 200);
    late.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(late.response().status, 505);
}

#[test]
fn a_connection_that_stops_after_the_preface_is_closed() {
    let endpoint = Endpoint::text("");
    let timeouts = Timeouts { header: Duration::from_millis(100), ..Timeouts::default() };
    let options = Options { workers: 1, timeouts, ..Options::default() };
    let site = Site::start_with(&config(&[("example.com", endpoint.address)]), options);
    let mut stream = std::net::TcpStream::connect(site.http()).unwrap();
    stream.set_read_timeout(Some(crate::client::PATIENCE)).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM").unwrap();
    let mut rest = Vec::new();
    // Closed or reset: both are an end.
    let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
}

#[test]
fn an_idle_connection_is_told_to_go_and_closed() {
    let endpoint = Endpoint::text("hello");
    let timeouts = Timeouts { idle: Duration::from_millis(200), ..Timeouts::default() };
    let options = Options { workers: 1, timeouts, ..Options::default() };
    let site = Site::start_with(&config(&[("example.com", endpoint.address)]), options);
    let mut wire = Wire::connect(site.http());
    wire.get(1, "/");
    wire.next(HEADERS).unwrap();
    assert_eq!(wire.goaway(), 0);
    assert!(wire.ends());
}

#[test]
fn a_router_that_stops_lets_requests_finish_and_takes_no_more() {
    let (go, wait) = mpsc::channel::<()>();
    let (arrived, begun) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let endpoint = Endpoint::serving(move |connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
        arrived.send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
        connection.send("half");
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let (response, _) = client.start(Request::get("http://example.com/"), true);
    begun.recv().unwrap();
    let mut idle = Wire::connect(site.http());
    idle.headers(1, &request("GET", "/unknown"), END_STREAM);
    let server = site.server;
    let stopped = thread::spawn(move || server.shutdown(Duration::from_secs(20)));
    assert_eq!(idle.goaway(), 0);
    let requests = client.requests.clone();
    // The GOAWAY is there as soon as no new request can be made.
    eventually("no more requests are taken", || {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(requests.clone().poll_ready(&mut cx), Poll::Ready(Err(_)))
    });
    go.send(()).unwrap();
    assert_eq!(client.answer(response).text(), "halfhalf");
    drop(client);
    drop(idle);
    stopped.join().unwrap();
}

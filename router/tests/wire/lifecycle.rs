//! Start, stop and counts of a server.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use router::{Handle, Options, Server, StartError};
use router_config::Listen;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, config, eventually, loopback};

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind(loopback(0)).unwrap();
    let address = taken.local_addr().unwrap();
    let listen = Listen { http: Some(address), ..Listen::default() };
    let error = Server::start(&listen, Handle::new(), Options::default()).unwrap_err();
    assert!(matches!(error, StartError::InUse(found) if found == address));
    assert!(error.to_string().contains("stop what listens there, or choose another port"));
}

#[test]
fn a_v6_wildcard_serves_v4_too_and_forwards_the_plain_address() {
    let end = Endpoint::text("ok");
    let handle = Handle::new();
    handle.replace(&config(&[("example.com", end.address)]));
    let listen = Listen { http: Some("[::]:0".parse().unwrap()), ..Listen::default() };
    let server = Server::start(&listen, handle, Options { workers: 2, ..Options::default() }).unwrap();
    assert_eq!(server.addresses().https, None);
    let mut client = Client::connect(loopback(server.addresses().http.unwrap().port()));
    client.send(GET);
    assert_eq!(client.response().text(), "ok");
    assert_eq!(end.last().header("X-Forwarded-For"), Some("127.0.0.1"));
}

#[test]
fn an_empty_router_answers_404_and_its_status() {
    let site = Site::start(&config(&[]));
    assert_eq!(site.get("example.com", "/").status, 404);
    assert_eq!(site.get("example.com", "/.well-known/status").status, 200);
}

#[test]
fn a_shutdown_lets_requests_finish_and_closes_what_is_idle() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let waits = gate.clone();
    let end = Endpoint::serving(move |connection| {
        while let Some(seen) = connection.request() {
            if seen.target() == "/slow" {
                drop(waits.lock());
            }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let site = Site::of(end.address);
    let address = site.http();
    let (mut idle, mut busy) = (site.client(), site.client());
    idle.send(GET);
    assert_eq!(idle.response().text(), "ok");
    busy.send("GET /slow HTTP/1.1\r\nHost: example.com\r\n\r\n");
    eventually("the endpoint has the request", || end.requests().len() == 2);
    let stopping = std::thread::spawn(move || site.server.shutdown(Duration::from_secs(30)));
    assert!(idle.is_closed());
    eventually("the port is closed", || TcpStream::connect(address).is_err());
    drop(closed);
    let response = busy.response();
    assert_eq!((response.text(), response.header("Connection")), ("ok", Some("close")));
    assert!(busy.is_closed());
    stopping.join().unwrap();
}

#[test]
fn a_shutdown_ends_when_its_grace_does() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.wait_for_end();
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(GET);
    eventually("the endpoint has the request", || end.requests().len() == 1);
    let start = Instant::now();
    site.server.shutdown(Duration::from_millis(200));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(client.is_closed());
}

#[test]
fn a_connection_that_was_accepted_is_answered_though_the_server_stops() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let address = site.http();
    let mut fresh = site.client();
    eventually("the connection is accepted", || site.server.metrics().connections == 1);
    let stopping = std::thread::spawn(move || site.server.shutdown(Duration::from_secs(10)));
    eventually("the port is closed", || TcpStream::connect(address).is_err());
    fresh.send(GET);
    assert_eq!(fresh.response().text(), "ok");
    stopping.join().unwrap();
}

#[test]
fn every_connection_that_was_made_before_a_shutdown_is_answered() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    // Faster than they are accepted: some wait in the sockets' queues.
    let mut clients: Vec<_> = (0..150).map(|_| site.client()).collect();
    let stopping = std::thread::spawn(move || site.server.shutdown(Duration::from_secs(10)));
    clients.iter_mut().for_each(|client| client.send(GET));
    for client in &mut clients {
        assert_eq!(client.response().text(), "ok");
    }
    stopping.join().unwrap();
}

#[test]
fn responses_are_counted_by_class() {
    let end = Endpoint::answering(|_| "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".into());
    let site = Site::of(end.address);
    site.get("example.com", "/");
    site.get("unknown.org", "/");
    site.send("nonsense\r\n\r\n");
    let snapshot = site.server.metrics();
    assert_eq!((snapshot.responses, snapshot.connections), ([0, 0, 1, 2, 0], 3));
}

//! More connections than there is room for: some are closed, the others are served, and it passes.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use router::Options;
use router_config::{Config, Listen};
use serde_json::json;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, config, eventually, loopback, own_ip};

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

/// Answers, but `/wait` only when the gate is open.
fn gated(gate: &Arc<Mutex<()>>) -> Endpoint {
    let gate = gate.clone();
    Endpoint::serving(move |connection| {
        while let Some(seen) = connection.request() {
            if seen.target() == "/wait" {
                drop(gate.lock());
            }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    })
}

fn with_at_most(connections: usize, config: &Config) -> Site {
    Site::start_with(config, Options { workers: 1, max_connections: Some(connections), ..Options::default() })
}

/// A client in the middle of a request.
fn waiting(address: SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.send("GET /wait HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client
}

fn is_served(address: SocketAddr) -> bool {
    let mut client = Client::connect(address);
    client.try_send(GET) && client.status() == Some(200)
}

#[test]
fn a_connection_that_waits_for_its_client_makes_room_for_a_new_one() {
    let end = Endpoint::text("ok");
    let site = with_at_most(4, &config(&[("example.com", end.address)]));
    let mut idle: Vec<_> = (0..4).map(|_| site.client()).collect();
    for client in &mut idle {
        client.send(GET);
        assert_eq!(client.response().text(), "ok");
    }
    let mut new = site.client();
    new.send(GET);
    assert_eq!(new.response().text(), "ok");
    let metrics = site.server.metrics();
    assert_eq!((metrics.connections_evicted, metrics.connections_shed), (1, 0));
    assert!(idle[0].is_closed());
    idle[3].send(GET);
    assert_eq!(idle[3].response().text(), "ok");
}

#[test]
fn without_any_that_waits_the_new_one_is_closed_until_there_is_room() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let end = gated(&gate);
    let site = with_at_most(3, &config(&[("example.com", end.address)]));
    let mut busy: Vec<_> = (0..3).map(|_| waiting(site.http())).collect();
    eventually("all are with the endpoint", || end.requests().len() == 3);
    assert!(site.client().is_closed());
    let metrics = site.server.metrics();
    assert_eq!((metrics.connections_evicted, metrics.connections_shed), (0, 1));
    drop(closed);
    for client in &mut busy {
        assert_eq!(client.response().text(), "ok");
    }
    assert_eq!(site.get("example.com", "/").text(), "ok");
}

#[test]
fn one_client_may_have_only_so_many_connections() {
    let end = Endpoint::text("ok");
    let listen = Listen { http: Some(loopback(0)), proxy_protocol: true, ..Listen::default() };
    let options = Options { workers: 2, max_connections_per_client: Some(2), ..Options::default() };
    let site = Site::listening(&listen, &config(&[("example.com", end.address)]), options);
    let connect = |address: &str| {
        let mut client = site.client();
        client.send(format!("PROXY TCP4 {address} 20.2.2.2 1000 2000\r\n{GET}"));
        client
    };
    let mut first: Vec<_> = (0..2).map(|_| connect("10.0.0.1")).collect();
    first.iter_mut().for_each(|client| assert_eq!(client.response().text(), "ok"));
    assert!(connect("10.0.0.1").is_closed());
    assert_eq!(site.server.metrics().connections_shed, 1);
    assert_eq!(connect("10.0.0.2").response().text(), "ok");
    drop(first);
    eventually("the places are given up", || connect("10.0.0.1").status() == Some(200));
}

/// A router of its own process, with so many descriptors.
struct Small {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Small {
    fn start(descriptors: u32, more: &str, end: &Endpoint) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ip: IpAddr = own_ip();
        let address = SocketAddr::from((ip, 8080));
        let file = folder.path().join("router.json");
        let config = json!({
            "listen": {"http": address},
            "services": {"web": {"endpoints": [end.address]}},
            "hosts": {"example.com": {"paths": {"/": {"forward": {"service": "web"}}}}},
        });
        fs::write(&file, config.to_string()).unwrap();
        let router = env!("CARGO_BIN_EXE_flynn-router");
        let line =
            format!("ulimit -n {descriptors}; exec {router} --workers 1 {more} --config {}", file.display());
        let mut command = Command::new("sh");
        let child = command.args(["-c", &line]).stderr(Stdio::null()).spawn().unwrap();
        let small = Self { child, address, _folder: folder };
        eventually("it listens", || TcpStream::connect(address).is_ok());
        small
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_flood_of_idle_connections_leaves_other_clients_served() {
    let end = Endpoint::text("ok");
    // By the bound that follows from the descriptors, and without it, so that they run out.
    for more in ["", "--max-connections 100000"] {
        let small = Small::start(128, more, &end);
        let idle: Vec<_> = (0..300).map(|_| Client::connect(small.address)).collect();
        for _ in 0..20 {
            eventually("a new client is served", || is_served(small.address));
        }
        drop(idle);
        assert!(is_served(small.address));
    }
}

/// A client that does not end its head, and is closed at once or not at all.
fn slow(address: SocketAddr) -> (TcpStream, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    // It may be closed already.
    let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
    let read = stream.read(&mut [0]);
    let is_open = read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    (stream, !is_open)
}

#[test]
fn a_router_without_descriptors_closes_new_connections_and_recovers() {
    let end = Endpoint::text("ok");
    let small = Small::start(64, "--max-connections 100000", &end);
    let mut clients: Vec<_> = (0..70).map(|_| TcpStream::connect(small.address).unwrap()).collect();
    for client in &mut clients {
        let _ = client.write_all(b"GET / HTTP/1.1\r\n");
    }
    // Closed, not left to wait.
    eventually("a new one is closed", || {
        let (client, is_closed) = slow(small.address);
        clients.push(client);
        is_closed
    });
    drop(clients);
    eventually("it serves again", || is_served(small.address));
}

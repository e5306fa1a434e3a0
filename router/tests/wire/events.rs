//! The stream of events of the admin API (flynn-compat 1.17): what comes and goes, and when an endpoint has served its last request.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use router::Timeouts;
use router_config::{Config, Delta, Instance, Service, TcpRoute};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::admin;
use crate::client::{Client, PATIENCE};
use crate::endpoint::Endpoint;
use crate::site::{Site, config, eventually, loopback};

const ALL: &str = "set,remove,backend-up,backend-down,backend-drained";

/// How many streams there may be at once.
const STREAMS: usize = 64;

/// One stream, as its client reads it.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(site: &Site, types: &str) -> Self {
        let mut socket = TcpStream::connect(site.server.addresses().admin.unwrap()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // A response to a client of HTTP/1.0 is not in chunks.
        write!(socket, "GET /events?types={types} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut stream = Self(BufReader::new(socket));
        let head: Vec<_> = std::iter::from_fn(|| Some(stream.line()).filter(|line| line != "\r\n")).collect();
        assert!(head[0].contains("200 OK"), "{head:?}");
        let kind = "content-type: text/event-stream; charset=utf-8\r\n";
        assert!(head.iter().any(|line| line.eq_ignore_ascii_case(kind)), "{head:?}");
        stream
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// The next event: a line of data and an empty one.
    fn event(&mut self) -> Value {
        let line = self.line();
        let data = line.strip_prefix("data: ").unwrap_or_else(|| panic!("{line:?} is no data"));
        assert_eq!(self.line(), "\n");
        serde_json::from_str(data).unwrap()
    }

    /// Its name, and the address of its backend or the domain of its route.
    fn next(&mut self) -> (String, String) {
        let event = self.event();
        let about = [&event["backend"]["addr"], &event["route"]["domain"]];
        let about = about.iter().find_map(|value| value.as_str()).unwrap_or_default();
        (event["event"].as_str().unwrap().to_owned(), about.to_owned())
    }

    /// Whether nothing comes for a moment. What it shows is only as good as the moment is long; no test relies on it alone.
    fn is_silent(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let silent = matches!(self.0.fill_buf(), Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }
}

fn draining(endpoints: &[SocketAddr]) -> Service {
    let instance = |address: &SocketAddr| (*address, Instance { app: "web".into(), job: "job-1".into() });
    Service {
        endpoints: endpoints.to_vec(),
        drain_events: true,
        instances: endpoints.iter().map(instance).collect(),
        ..Service::default()
    }
}

fn told(endpoint: &Endpoint) -> Config {
    let mut config = config(&[("example.com", endpoint.address)]);
    config.services.insert("example.com/".into(), draining(&[endpoint.address]));
    config
}

fn change(site: &Site, service: Service) {
    let mut delta = Delta::default();
    delta.services.insert("example.com/".into(), Some(service));
    site.handle.apply(delta);
}

fn pair(event: &str, about: impl ToString) -> (String, String) {
    (event.to_owned(), about.to_string())
}

/// A reader with a small buffer. It asks, and reads nothing.
fn reader(site: &Site, types: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&site.server.addresses().admin.unwrap().into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /events?types={types} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    stream
}

/// Whether there is a place for one more stream.
fn is_admitted(site: &Site) -> bool {
    let mut status = [0; 12];
    reader(site, "").read_exact(&mut status).unwrap();
    status.ends_with(b" 200")
}

/// A reader that takes nothing for long enough is cut off, and its place is another's. More waits for it than the buffers on
/// the way hold.
#[test]
fn a_reader_that_takes_nothing_is_cut_off() {
    let addresses: Vec<_> = (1..=20_000).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
    let mut config = Config::default();
    config.services.insert("web".into(), draining(&addresses));
    let timeouts = Timeouts { events: Duration::from_millis(200), ..Timeouts::default() };
    let site = admin::site_with(&config, timeouts);
    let mut slow = reader(&site, "backend-up");
    let others: Vec<_> = (1..STREAMS).map(|_| Stream::open(&site, "")).collect();
    eventually("its place is free", || is_admitted(&site));
    drop(others);
    let mut told = String::new();
    // What was on the way still comes; then the connection ends, or is reset.
    let _ = slow.read_to_string(&mut told);
    let count = told.matches("backend-up").count();
    assert!((1..addresses.len()).contains(&count), "{count} events were sent");
}

#[test]
fn a_stream_begins_with_what_is_there_in_flynns_words() {
    let end = Endpoint::text("");
    let site = admin::site(&told(&end));
    let expected = json!({"event": "backend-up", "backend": {
        "service": "example.com/", "addr": end.address.to_string(), "app": "web", "job_id": "job-1",
    }});
    assert_eq!(Stream::open(&site, ALL).event(), expected);
    // Nothing was asked for, so that nothing is told.
    assert!(Stream::open(&site, "").is_silent());
}

#[test]
fn what_comes_and_goes_is_told_in_order() {
    let site = admin::site(&Config::default());
    let mut stream = Stream::open(&site, ALL);
    let end = Endpoint::text("");
    site.handle.replace(&told(&end));
    assert_eq!(stream.next(), pair("set", "example.com"));
    assert_eq!(stream.next(), pair("backend-up", end.address));
    site.handle.replace(&Config::default());
    assert_eq!(stream.next(), pair("backend-down", end.address));
    assert_eq!(stream.next(), pair("remove", "example.com"));
    assert_eq!(stream.next(), pair("backend-drained", end.address));
}

#[test]
fn an_endpoint_is_drained_when_its_last_request_is_over() {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let end = Endpoint::serving(move |connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1");
        released.lock().unwrap().recv().unwrap();
        connection.send("2");
    });
    let other = Endpoint::text("");
    let site = admin::site(&told(&end));
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client.head();
    let mut stream = Stream::open(&site, "backend-down,backend-drained");
    change(&site, draining(&[other.address]));
    assert_eq!(stream.next(), pair("backend-down", end.address));
    assert!(stream.is_silent());
    release.send(()).unwrap();
    assert_eq!(client.bytes(2), b"12");
    assert_eq!(stream.next(), pair("backend-drained", end.address));
}

#[test]
fn an_upgrade_counts_until_it_is_over() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        connection.wait_for_end();
    });
    let site = admin::site(&told(&end));
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    client.head();
    let mut stream = Stream::open(&site, "backend-down,backend-drained");
    change(&site, draining(&[]));
    assert_eq!(stream.next(), pair("backend-down", end.address));
    assert!(stream.is_silent());
    drop(client);
    assert_eq!(stream.next(), pair("backend-drained", end.address));
}

#[test]
fn a_connection_of_tcp_counts_until_it_is_over() {
    let end = Endpoint::serving(|connection| {
        connection.send("1");
        connection.wait_for_end();
    });
    // Free a moment ago; the router listens on it.
    let port = TcpListener::bind(loopback(0)).unwrap().local_addr().unwrap().port();
    let mut config = told(&end);
    let route = TcpRoute { service: "example.com/".into(), leader: false, clients: Vec::new() };
    config.tcp.insert(port, route);
    let site = admin::site(&config);
    let mut client = Client::connect(loopback(port));
    assert_eq!(client.bytes(1), b"1");
    let mut stream = Stream::open(&site, "backend-down,backend-drained");
    change(&site, draining(&[]));
    assert_eq!(stream.next(), pair("backend-down", end.address));
    assert!(stream.is_silent());
    drop(client);
    assert_eq!(stream.next(), pair("backend-drained", end.address));
}

#[test]
fn the_endpoints_of_a_service_that_does_not_ask_for_it_are_not_told() {
    let end = Endpoint::text("");
    let site = admin::site(&config(&[("example.com", end.address)]));
    let mut stream = Stream::open(&site, ALL);
    site.handle.replace(&Config::default());
    assert_eq!(stream.next(), pair("remove", "example.com"));
}

//! TCP routes: connections to a port, as they are (flynn-compat 1.15). The rows of Flynn's tests are in `conformance/tcp.rs`.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use router::{Fault, Options, Subject, Timeouts};
use router_config::{Config, Delta, Listen, Service, TcpRange, TcpRoute};
use socket2::{Domain, Socket, Type};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, config, dead, eventually, loopback, own_ip};

/// A router with an address of its own, where each TCP route has the port that a test gives it.
pub(crate) struct Ports {
    pub(crate) site: Site,
    ip: IpAddr,
}

/// The ports that are held for routes.
pub(crate) const HELD: std::ops::RangeInclusive<u16> = 3000..=3009;

impl Ports {
    pub(crate) fn start(config: &Config) -> Self {
        Self::start_with(config, Options { workers: 2, ..Options::default() })
    }

    pub(crate) fn start_with(config: &Config, options: Options) -> Self {
        let ip = own_ip();
        let range = TcpRange { ip, first: *HELD.start(), last: *HELD.end() };
        let listen = Listen { http: Some((ip, 8080).into()), tcp: Some(range), ..Listen::default() };
        Self { site: Site::listening(&listen, config, options), ip }
    }

    pub(crate) fn at(&self, port: u16) -> SocketAddr {
        (self.ip, port).into()
    }

    pub(crate) fn client(&self, port: u16) -> Client {
        Client::connect(self.at(port))
    }

    /// Changes what is served.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Delta)) {
        let mut delta = Delta::default();
        change(&mut delta);
        self.site.handle.apply(delta);
    }

    fn faults(&self) -> Vec<Fault> {
        self.site.server.faults().borrow().clone()
    }
}

/// A configuration with one TCP route, of this service.
pub(crate) fn tcp(port: u16, service: Service) -> Config {
    let mut config = Config::default();
    config.services.insert("echo".into(), service);
    config.tcp.insert(port, route());
    config
}

pub(crate) fn route() -> TcpRoute {
    TcpRoute { service: "echo".into(), ..TcpRoute::default() }
}

pub(crate) fn service(endpoints: &[SocketAddr]) -> Service {
    Service { endpoints: endpoints.to_vec(), ..Service::default() }
}

/// Says its name, and then what it hears, until the other side ends.
pub(crate) fn echo(name: &'static str) -> Endpoint {
    Endpoint::serving(move |connection| {
        connection.send(name);
        while connection.fill().is_some() {
            let heard = connection.bytes(connection.left_over().len()).unwrap();
            connection.send(heard);
        }
    })
}

#[test]
fn each_side_may_go_on_when_the_other_has_ended() {
    let end = Endpoint::serving(|connection| {
        connection.wait_for_end();
        connection.send("after your end");
    });
    let ports = Ports::start(&tcp(3000, service(&[end.address])));
    let mut client = ports.client(3000);
    client.send("hello");
    client.end();
    assert_eq!(client.rest(), b"after your end");

    let end = Endpoint::serving(|connection| {
        connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(connection.bytes(5).unwrap(), b"hello");
    });
    ports.change(|delta| _ = delta.services.insert("echo".into(), Some(service(&[end.address]))));
    let mut client = ports.client(3000);
    assert!(client.is_closed());
    client.send("hello");
    client.end();
    eventually("the endpoint has heard it", || end.closed() == 1);
}

#[test]
fn large_transfers_arrive_whole() {
    let end = echo("");
    let ports = Ports::start(&tcp(3000, service(&[end.address])));
    let sent: Vec<u8> = (0..4_000_000_u32).map(|number| number as u8).collect();
    let stream = TcpStream::connect(ports.at(3000)).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let copy = sent.clone();
    let writing = std::thread::spawn(move || {
        std::io::Write::write_all(&mut writer, &copy).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut heard = Vec::new();
    std::io::Read::read_to_end(&mut &stream, &mut heard).unwrap();
    writing.join().unwrap();
    assert!(heard == sent);
}

#[test]
fn a_held_port_without_a_route_refuses_clients_and_other_programs() {
    let ports = Ports::start(&Config::default());
    for port in HELD {
        assert!(TcpStream::connect(ports.at(port)).is_err());
        assert!(TcpListener::bind(ports.at(port)).is_err());
    }
}

#[test]
fn a_connection_that_no_endpoint_takes_is_closed() {
    let mut config = tcp(3000, Service::default());
    config.services.insert("dead".into(), service(&[dead(), dead()]));
    config.services.insert("headless".into(), service(&[dead()]));
    config.tcp.insert(3001, TcpRoute { service: "dead".into(), ..route() });
    config.tcp.insert(3002, TcpRoute { service: "headless".into(), leader: true, ..route() });
    let ports = Ports::start(&config);
    for port in 3000..=3002 {
        assert!(ports.client(port).is_closed(), "{port}");
    }
    let mut missing = Delta::default();
    missing.tcp.insert(3003, Some(TcpRoute { service: "missing".into(), ..route() }));
    let faults = ports.site.handle.apply(missing).faults;
    assert_eq!(faults[0].subject, Subject::Tcp(3003));
    eventually("the port is open", || TcpStream::connect(ports.at(3003)).is_ok());
    assert!(ports.client(3003).is_closed());
}

#[test]
fn endpoints_are_dialled_until_one_answers() {
    let end = echo("1");
    let ports = Ports::start(&tcp(3000, service(&[dead(), dead(), end.address])));
    for _ in 0..10 {
        assert_eq!(ports.client(3000).bytes(1), b"1");
    }
}

#[test]
fn all_endpoints_get_connections() {
    let (one, two) = (echo("1"), echo("2"));
    let ports = Ports::start(&tcp(3000, service(&[one.address, two.address])));
    for _ in 0..40 {
        ports.client(3000).bytes(1);
    }
    assert!(one.connections() > 0 && two.connections() > 0);
}

/// An address whose listener answers nobody: its queue is full.
fn silent() -> (SocketAddr, Vec<Socket>) {
    let new = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = new();
    listener.bind(&loopback(0).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut kept = vec![listener];
    for _ in 0..4 {
        let client = new();
        client.set_nonblocking(true).unwrap();
        let _ = client.connect(&address);
        kept.push(client);
    }
    (address.as_socket().unwrap(), kept)
}

#[test]
fn no_further_endpoint_is_dialled_for_a_client_that_is_gone() {
    let (addresses, _kept): (Vec<_>, Vec<_>) = (0..10).map(|_| silent()).unzip();
    let timeouts = Timeouts { dial: Duration::from_millis(100), ..Timeouts::default() };
    let ports =
        Ports::start_with(&tcp(3000, service(&addresses)), Options { timeouts, ..Options::default() });
    drop(ports.client(3000));
    // Came later, and is told when all ten have failed for it.
    assert!(ports.client(3000).is_closed());
    let failures = ports.site.server.metrics().dial_failures;
    assert!((10..15).contains(&failures), "{failures}");
}

#[test]
fn clients_of_other_networks_are_closed() {
    let end = echo("1");
    let mut config = tcp(3000, service(&[end.address]));
    config.tcp.get_mut(&3000).unwrap().clients = vec!["10.0.0.0/8".parse().unwrap()];
    config.tcp.insert(3001, TcpRoute { clients: vec!["127.0.0.0/8".parse().unwrap()], ..route() });
    let ports = Ports::start(&config);
    assert!(ports.client(3000).is_closed());
    assert_eq!(ports.client(3001).bytes(1), b"1");
    assert_eq!(end.connections(), 1);
}

#[test]
fn a_change_is_for_new_connections_and_running_ones_go_on() {
    let (one, two) = (echo("1"), echo("2"));
    let ports = Ports::start(&tcp(3000, service(&[one.address])));
    let mut running = ports.client(3000);
    assert_eq!(running.bytes(1), b"1");
    ports.change(|delta| {
        delta.services.insert("other".into(), Some(service(&[two.address])));
        delta.tcp.insert(3000, Some(TcpRoute { service: "other".into(), ..route() }));
    });
    for _ in 0..10 {
        assert_eq!(ports.client(3000).bytes(1), b"2");
    }
    ports.change(|delta| _ = delta.tcp.insert(3000, None));
    eventually("the port is closed", || TcpStream::connect(ports.at(3000)).is_err());
    running.send("asdf");
    running.end();
    assert_eq!(running.rest(), b"asdf");
}

#[test]
fn a_port_that_is_not_to_be_had_is_a_fault_until_it_is() {
    let end = echo("1");
    let ports = Ports::start(&tcp(3000, service(&[end.address])));
    let taken = TcpListener::bind(ports.at(4000)).unwrap();
    ports.change(|delta| {
        delta.tcp.insert(4000, Some(route()));
        delta.tcp.insert(8080, Some(route()));
        delta.tcp.insert(0, Some(route()));
    });
    eventually("the faults are told", || ports.faults().len() == 3);
    let faults = ports.faults();
    let reasons: Vec<_> = faults.iter().map(|fault| (&fault.subject, fault.reason.as_str())).collect();
    let in_use =
        format!("the address {} is in use: stop what listens there, or choose another port", ports.at(4000));
    assert_eq!(
        reasons,
        [
            (&Subject::Tcp(0), "a TCP route needs a port from 1 to 65535"),
            (&Subject::Tcp(4000), in_use.as_str()),
            (&Subject::Tcp(8080), "the router itself listens on the port 8080: choose another one"),
        ]
    );
    assert_eq!(ports.client(3000).bytes(1), b"1");
    drop(taken);
    eventually("the port is open", || ports.faults().len() == 2);
    assert_eq!(ports.client(4000).bytes(1), b"1");
}

#[test]
fn connections_count_as_busy_for_requests_too() {
    let held = echo("1");
    let end = Endpoint::text("ok");
    let mut config = config(&[]);
    crate::site::add(&mut config, "example.com", "/", &[held.address, end.address]);
    config.services.insert("echo".into(), service(&[held.address]));
    config.tcp.insert(3000, route());
    let ports = Ports::start(&config);
    // More than a request that is just ending can count.
    let mut clients: Vec<_> = (0..4).map(|_| ports.client(3000)).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.bytes(1), b"1"));
    for _ in 0..20 {
        assert_eq!(ports.site.get("example.com", "/").text(), "ok");
    }
    assert_eq!(held.connections(), 4);
}

#[test]
fn a_shutdown_lets_connections_and_upgrades_go_on_as_long_as_its_grace() {
    let end = echo("1");
    let switching = Endpoint::serving(|connection| {
        connection.request();
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        while connection.fill().is_some() {
            let heard = connection.bytes(connection.left_over().len()).unwrap();
            connection.send(heard);
        }
    });
    let mut config = config(&[("example.com", switching.address)]);
    config.services.insert("echo".into(), service(&[end.address]));
    config.tcp.insert(3000, route());
    let ports = Ports::start(&config);
    let (http, tcp) = (ports.at(8080), ports.at(3000));
    let (mut plain, mut upgraded) = (ports.client(3000), ports.site.client());
    assert_eq!(plain.bytes(1), b"1");
    upgraded.send("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    upgraded.head();
    let mut silent = ports.site.client();
    eventually("it is accepted", || ports.site.server.metrics().connections >= 3);
    let server = ports.site.server;
    let stopping = std::thread::spawn(move || server.shutdown(Duration::from_secs(30)));
    eventually("the ports are closed", || {
        TcpStream::connect(http).is_err() && TcpStream::connect(tcp).is_err()
    });
    // Who has asked for nothing is closed first.
    assert!(silent.is_closed());
    for client in [&mut plain, &mut upgraded] {
        client.send("still here");
        assert_eq!(client.bytes(10), b"still here");
        client.end();
        assert!(client.is_closed());
    }
    stopping.join().unwrap();
}

#[test]
fn a_shutdown_without_grace_ends_connections() {
    let end = echo("1");
    let ports = Ports::start(&tcp(3000, service(&[end.address])));
    let mut client = ports.client(3000);
    assert_eq!(client.bytes(1), b"1");
    ports.site.server.shutdown(Duration::ZERO);
    assert!(client.is_closed());
}

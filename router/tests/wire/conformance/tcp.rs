//! The rows about TCP routes. An echo server says its number first, then what it hears.

use std::net::TcpStream;

use router::{Options, Server};
use router_config::{Listen, Service, TcpRoute};

use crate::client::Client;
use crate::site::{eventually, own_ip};
use crate::tcp::{HELD, Ports, echo, route, service, tcp};

/// What a client hears that says `asdf` and ends.
fn asdf(mut client: Client) -> String {
    client.send("asdf");
    client.end();
    String::from_utf8(client.rest()).unwrap()
}

/// T43.
#[test]
fn a_tcp_route_outside_of_the_range_comes_changes_and_goes() {
    let (one, two) = (echo("1"), echo("2"));
    let ports = Ports::start(&tcp(4000, service(&[one.address])));
    assert!(!HELD.contains(&4000));
    assert_eq!(asdf(ports.client(4000)), "1asdf");
    ports.change(|delta| _ = delta.services.insert("echo".into(), Some(service(&[two.address]))));
    assert_eq!(asdf(ports.client(4000)), "2asdf");
    ports.change(|delta| _ = delta.tcp.insert(4000, None));
    eventually("connections are refused", || TcpStream::connect(ports.at(4000)).is_err());
}

/// T44.
#[test]
fn a_leader_route_follows_the_leader() {
    let (one, two) = (echo("1"), echo("2"));
    let led_by = |leader| Service { leader: Some(leader), ..service(&[one.address, two.address]) };
    let mut config = tcp(3000, led_by(one.address));
    config.tcp.insert(3000, TcpRoute { leader: true, ..route() });
    let ports = Ports::start(&config);
    for _ in 0..5 {
        assert_eq!(asdf(ports.client(3000)), "1asdf");
    }
    ports.change(|delta| _ = delta.services.insert("echo".into(), Some(led_by(two.address))));
    for _ in 0..5 {
        assert_eq!(asdf(ports.client(3000)), "2asdf");
    }
}

/// T45.
#[test]
fn a_router_that_starts_serves_the_routes_that_are_there() {
    let end = echo("1");
    let ports = Ports::start(&tcp(3000, service(&[end.address])));
    let handle = ports.site.handle;
    drop(ports.site.server);
    let ip = own_ip();
    let listen = Listen { http: Some((ip, 8080).into()), ..Listen::default() };
    let server = Server::start(&listen, handle, Options::default()).unwrap();
    assert_eq!(asdf(Client::connect((ip, 3000).into())), "1asdf");
    drop(server);
}

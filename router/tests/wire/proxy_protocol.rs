//! The PROXY protocol in front of HTTP and HTTPS (flynn-compat 1.14).

use std::time::Duration;

use router::{Options, Timeouts};
use router_config::{Action, Config, Listen};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, certificate, config, eventually, loopback};

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

const LINE: &[u8] = b"PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000\r\n";

/// 10.1.1.1:1000 to 20.2.2.2:2000, with three bytes of additional values.
const BINARY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\x0a\x01\x01\x01\x14\x02\x02\x02\x03\xe8\x07\xd0\x04\0\0";

/// A router that looks for headers.
pub(crate) fn proxied(config: &Config) -> Site {
    proxied_with(config, Options { workers: 1, ..Options::default() })
}

fn proxied_with(config: &Config, options: Options) -> Site {
    let (http, https) = (Some(loopback(0)), Some(loopback(0)));
    Site::listening(&Listen { http, https, proxy_protocol: true, ..Listen::default() }, config, options)
}

/// What the endpoint was last told about the client.
pub(crate) fn forwarded_for(end: &Endpoint) -> String {
    end.last().header("X-Forwarded-For").unwrap().to_owned()
}

#[test]
fn a_header_of_either_version_may_come_in_pieces() {
    let end = Endpoint::text("1");
    let site = proxied(&config(&[("example.com", end.address)]));
    for header in [LINE, BINARY] {
        let mut client = site.client();
        for byte in header {
            client.send([*byte]);
            std::thread::yield_now();
        }
        for _ in 0..2 {
            client.send(GET);
            assert_eq!(client.response().text(), "1");
            assert_eq!(forwarded_for(&end), "10.1.1.1");
        }
    }
}

#[test]
fn a_request_that_begins_like_a_header_is_a_request() {
    let end = Endpoint::text("1");
    let site = proxied(&config(&[("example.com", end.address)]));
    let mut client = site.client();
    for piece in ["PRO", "PFIND / HTTP/1.1\r\nHost: example.com\r\n\r\n"] {
        client.send(piece);
        std::thread::yield_now();
    }
    assert_eq!(client.response().text(), "1");
    assert!(end.last().head.starts_with("PROPFIND / "));
}

#[test]
fn a_header_that_names_nobody_leaves_the_connections_own_address() {
    let end = Endpoint::text("1");
    let site = proxied(&config(&[("example.com", end.address)]));
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".as_slice();
    for header in [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN 1 2 3 4 5 6\r\n".as_slice(), local] {
        let mut client = site.client();
        client.send([header, GET.as_bytes()].concat());
        assert_eq!(client.response().text(), "1");
        assert_eq!(forwarded_for(&end), "127.0.0.1");
    }
}

#[test]
fn a_broken_header_ends_the_connection_before_any_request() {
    let end = Endpoint::text("1");
    let site = proxied(&config(&[("example.com", end.address)]));
    let long = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 100]].concat();
    let long_binary = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff".as_slice(), &[0; 100]].concat();
    for header in [
        b"PROXY TCP4 10.1.1.1\r\n".as_slice(),
        b"PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c\x0a\x01\x01\x01\x14\x02\x02\x02\x03\xe8\x07\xd0",
        &long,
        &long_binary,
    ] {
        for address in [site.http(), site.https()] {
            let mut client = Client::connect(address);
            client.send([header, GET.as_bytes()].concat());
            assert!(client.is_closed(), "{:?}", String::from_utf8_lossy(header));
        }
    }
    assert_eq!(site.server.metrics().refused_proxy_headers, 10);
    assert_eq!(end.connections(), 0);
}

#[test]
fn a_header_that_does_not_end_is_waited_for_only_so_long() {
    let end = Endpoint::text("1");
    let timeouts = Timeouts { handshake: Duration::from_millis(100), ..Timeouts::default() };
    let options = Options { workers: 1, timeouts, ..Options::default() };
    let site = proxied_with(&config(&[("example.com", end.address)]), options);
    let mut slow = site.client();
    slow.send(&LINE[..20]);
    assert!(slow.is_closed());
    let mut ended = site.client();
    ended.send(&LINE[..20]);
    ended.end();
    assert!(ended.is_closed());
    eventually("both are counted", || site.server.metrics().refused_proxy_headers == 2);
}

#[test]
fn networks_of_clients_are_compared_with_the_address_in_the_header() {
    let end = Endpoint::text("1");
    let mut config = config(&[("example.com", end.address)]);
    let Some(Action::Forward(forward)) = config.hosts.get_mut("example.com").unwrap().paths.get_mut("/")
    else {
        panic!("it forwards");
    };
    forward.clients = vec!["10.0.0.0/8".parse().unwrap()];
    let site = proxied(&config);
    let status = |header: &[u8]| {
        let mut client = site.client();
        client.send([header, GET.as_bytes()].concat());
        client.response().status
    };
    assert_eq!((status(LINE), status(BINARY), status(b"")), (200, 200, 403));
}

#[test]
fn without_being_asked_for_a_header_is_no_header() {
    let end = Endpoint::text("1");
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send([LINE, GET.as_bytes()].concat());
    assert_eq!(client.response().status, 400);
    let mut config = config(&[]);
    config.certificates.insert("default".into(), certificate("example.com").0);
    config.default_certificate = Some("default".into());
    let site = Site::start(&config);
    assert!(Client::connect_tls_after(site.https(), LINE, "example.com").is_err());
}

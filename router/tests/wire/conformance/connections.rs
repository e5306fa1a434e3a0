//! Connections on either side: kept or not, plain or TLS, upgraded.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use router::Options;

use crate::client::{Client, PATIENCE};
use crate::endpoint::Endpoint;
use crate::site::{Site, add_with, certificate, config, eventually};

/// A site with one worker, so that one pool holds all connections.
fn single(end: &Endpoint, keep_alive: bool) -> (Site, router_config::Config) {
    let mut config = config(&[]);
    add_with(&mut config, "example.com", "/", &[end.address], |forward| forward.keep_alive = keep_alive);
    let site = Site::start_with(&config, Options { workers: 1, ..Options::default() });
    (site, config)
}

/// Serves like a plain server, and tells what becomes of each connection, in the words of Flynn's tests.
fn told() -> (Endpoint, Arc<Mutex<Vec<&'static str>>>) {
    let states = Arc::new(Mutex::new(Vec::new()));
    let log = states.clone();
    let end = Endpoint::serving(move |connection| {
        let tell = |state| log.lock().unwrap().push(state);
        tell("new");
        while let Some(seen) = connection.request() {
            tell("active");
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
            if seen.header("Connection") == Some("close") {
                break;
            }
            tell("idle");
        }
        tell("closed");
    });
    (end, states)
}

/// T41. The one difference: the connection that was kept before serves again afterwards, where Flynn dials anew.
#[test]
fn a_route_without_keep_alive_uses_a_connection_for_one_request() {
    let (end, states) = told();
    let (site, kept) = single(&end, true);
    let mut client = site.client();
    let mut get_and_see = |expected: [&[&str]; 2]| {
        for expected in expected {
            client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
            let response = client.response();
            assert_eq!((response.text(), response.header("Connection")), ("1", None));
            eventually("the endpoint is done", || states.lock().unwrap().len() >= expected.len());
            assert_eq!(std::mem::take(&mut *states.lock().unwrap()), expected);
        }
    };
    get_and_see([&["new", "active", "idle"], &["active", "idle"]]);

    let mut single_use = kept.clone();
    add_with(&mut single_use, "example.com", "/", &[end.address], |forward| forward.keep_alive = false);
    site.handle.replace(&single_use);
    get_and_see([&["new", "active", "closed"], &["new", "active", "closed"]]);

    site.handle.replace(&kept);
    get_and_see([&["active", "idle"], &["active", "idle"]]);
    assert_eq!(end.connections(), 3);
}

const HANDSHAKE: &str = "GET /websocket HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.net\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// One text frame of one letter, as a server sends it.
fn frame(letter: u8) -> [u8; 3] {
    [0x81, 1, letter]
}

/// T20: as the first request of a connection, and after a plain one.
#[test]
fn a_websocket_opens_on_a_fresh_and_on_a_used_connection() {
    let end = Endpoint::serving(|connection| {
        while let Some(seen) = connection.request() {
            if seen.target() != "/websocket" {
                let body = "not a websocket upgrade\n";
                connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
                continue;
            }
            assert_eq!(seen.header("Origin"), Some("http://example.net"));
            connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            );
            connection.send(frame(b'1'));
            assert_eq!(connection.bytes(7).as_deref(), Some(&[0x81, 0x81, 0, 0, 0, 0, b'2'][..]));
            connection.send(frame(b'3'));
            return;
        }
    });
    let site = Site::of(end.address);
    for plain_first in [false, true] {
        let mut client = site.client();
        if plain_first {
            client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
            assert_eq!(client.response().text(), "not a websocket upgrade\n");
        }
        client.send(HANDSHAKE);
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        assert_eq!(client.bytes(3), frame(b'1'));
        client.send([0x81, 0x81, 0, 0, 0, 0, b'2']);
        assert_eq!(client.rest(), frame(b'3'));
    }
}

fn secure(end: &Endpoint) -> Site {
    let mut config = config(&[("example.com", end.address)]);
    config.certificates.insert("default".into(), certificate("example.com").0);
    config.default_certificate = Some("default".into());
    Site::start(&config)
}

/// T33, T34 over TLS.
#[test]
fn the_name_of_the_handshake_and_the_host_are_found_in_any_case_and_with_any_port() {
    let end = Endpoint::answering(|seen| {
        let host = seen.header("Host").unwrap();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{host}", host.len())
    });
    let site = secure(&end);
    for host in ["ExamPle.cOm", "example.com:443"] {
        let name = host.split(':').next().unwrap();
        let mut client = Client::connect_tls(site.https(), name).unwrap();
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response().text(), host);
    }
}

/// T48 over TLS.
#[test]
fn what_a_client_says_about_its_way_is_kept_before_our_own_over_tls_too() {
    let end = Endpoint::text("1");
    let site = secure(&end);
    let port = site.https().port();
    let mut client = Client::connect_tls(site.https(), "example.com").unwrap();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(client.response().text(), "1");
    let seen = end.last();
    assert_eq!(seen.header("X-Forwarded-For"), Some("127.0.0.1"));
    assert_eq!(seen.header("X-Forwarded-Proto"), Some("https"));
    assert_eq!(seen.header("X-Forwarded-Port"), Some(port.to_string().as_str()));
    client.send(
        "GET / HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-Proto: fakeproto\r\nX-Forwarded-Port: 8080\r\n\r\n",
    );
    assert_eq!(client.response().text(), "1");
    let seen = end.last();
    assert_eq!(seen.header("X-Forwarded-Proto"), Some("fakeproto, https"));
    assert_eq!(seen.header("X-Forwarded-Port"), Some(format!("8080, {port}").as_str()));
}

/// A hello of TLS 1.0 (RFC 2246) with the name `example.com`: suites of that time, no later version.
fn old_hello() -> Vec<u8> {
    let name = b"example.com";
    let mut hello = vec![3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]);
    let sni_length = name.len() as u8 + 5;
    hello.extend([0, sni_length + 4, 0, 0, 0, sni_length, 0, sni_length - 2, 0, 0, name.len() as u8]);
    hello.extend(name);
    let mut message = vec![1, 0, 0, hello.len() as u8];
    message.extend(&hello);
    let mut record = vec![22, 3, 1, 0, message.len() as u8];
    record.extend(&message);
    record
}

/// T40: the alert is `protocol_version`, fatal.
#[test]
fn tls_before_1_2_is_refused_by_its_name() {
    let end = Endpoint::text("1");
    let site = secure(&end);
    let mut stream = TcpStream::connect(site.https()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&old_hello()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(&answer[..1], [21], "an alert");
    assert_eq!(&answer[5..], [2, 70]);
}

//! Protocol upgrades (flynn-compat 1.8).

use crate::endpoint::Endpoint;
use crate::site::{Site, add, config, dead, eventually};

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: pinger\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: pinger\r\nX-Own: 1\r\n\r\n";

/// Switches, then answers `pong!` to `ping!` and ends.
fn pinger() -> Endpoint {
    Endpoint::serving(|connection| {
        connection.request();
        connection.send(SWITCH);
        if connection.bytes(6).as_deref() == Some(b"ping!\n") {
            connection.send("pong!\n");
        }
    })
}

/// T36.
#[test]
fn after_a_101_bytes_go_both_ways_until_both_sides_have_ended() {
    let end = pinger();
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(UPGRADE);
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    for line in ["Connection: upgrade", "Upgrade: pinger", "X-Own: 1"] {
        assert!(head.contains(line), "{head}");
    }
    client.send("ping!\n");
    assert_eq!(client.rest(), b"pong!\n");
    assert_eq!(end.last().header("Upgrade"), Some("pinger"));
}

/// T20 (b): an upgrade after a plain request on the same connection.
#[test]
fn a_connection_can_switch_after_it_served_requests() {
    let end = Endpoint::serving(|connection| {
        while let Some(seen) = connection.request() {
            if seen.target() != "/chat" {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
                continue;
            }
            // The first bytes of the new protocol come with the head.
            connection.send(format!("{SWITCH}1"));
            assert_eq!(connection.bytes(1).unwrap(), b"2");
            connection.send("3");
            return;
        }
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(client.response().text(), "no");
    client.send(UPGRADE);
    client.head();
    assert_eq!(client.bytes(1), b"1");
    client.send("2");
    assert_eq!(client.rest(), b"3");
}

#[test]
fn the_end_of_one_side_is_passed_on_and_the_other_goes_on() {
    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.send(SWITCH);
        connection.wait_for_end();
        let sum: usize = connection.left_over().iter().map(|byte| usize::from(*byte)).sum();
        connection.send(sum.to_string());
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(UPGRADE);
    client.head();
    client.send(vec![1; 200_000]);
    client.end();
    assert_eq!(client.rest(), b"200000");
}

/// What follows the head of an upgrade is the new protocol or nothing, never a request (CVE-2026-2833).
#[test]
fn bytes_behind_an_upgrade_are_never_taken_for_a_request() {
    let smuggled = format!("{UPGRADE}GET /smuggled HTTP/1.1\r\nHost: example.com\r\n\r\n");
    let end = Endpoint::text("no");
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(&smuggled);
    let response = client.response();
    assert_eq!((response.text(), response.header("Connection")), ("no", Some("close")));
    client.end();
    assert!(client.is_closed());
    assert_eq!(end.requests().len(), 1);

    let end = Endpoint::serving(|connection| {
        connection.request();
        connection.send(SWITCH);
        let seen = connection.head().unwrap();
        connection.send(seen);
    });
    let site = Site::of(end.address);
    let mut client = site.client();
    client.send(&smuggled);
    client.head();
    assert_eq!(client.rest(), b"GET /smuggled HTTP/1.1\r\nHost: example.com");
}

/// T21.
#[test]
fn the_option_is_known_in_any_case_and_the_protocol_passes_unchanged() {
    let end = Endpoint::answering(|_| "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n".into());
    let site = Site::of(end.address);
    for option in ["upgrade", "Upgrade", "upGradE"] {
        let response = site.send(&format!(
            "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: {option}\r\nUpgrade: Some-proto-2\r\n\r\n"
        ));
        assert_eq!((response.status, response.text()), (200, "ok\n"));
        let seen = end.last();
        assert!(seen.header("Connection").unwrap().eq_ignore_ascii_case("upgrade"));
        assert_eq!(seen.header("Upgrade"), Some("Some-proto-2"));
    }
}

#[test]
fn an_upgrade_to_cleartext_http_2_is_not_passed_on() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let response = site.send("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
    assert_eq!(response.text(), "ok");
    let seen = end.last();
    for name in ["Connection", "Upgrade", "HTTP2-Settings"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
}

/// T26, T27: dead endpoints, of which an upgrade tries all.
#[test]
fn an_upgrade_tries_every_endpoint() {
    let end = pinger();
    let mut config = config(&[]);
    let mut endpoints: Vec<_> = (0..9).map(|_| dead()).collect();
    add(&mut config, "dead.com", "/", &endpoints);
    endpoints.push(end.address);
    add(&mut config, "example.com", "/", &endpoints);
    let site = Site::start(&config);
    for _ in 0..20 {
        let mut client = site.client();
        client.send(UPGRADE);
        assert!(client.head().starts_with("HTTP/1.1 101"));
    }
    let response = site.send("GET / HTTP/1.1\r\nHost: dead.com\r\nConnection: Upgrade\r\n\r\n");
    assert_eq!((response.status, response.text()), (503, "Service Unavailable\n"));
}

/// A tunnel counts as a request in flight, so that its endpoint gets fewer others.
#[test]
fn an_endpoint_with_tunnels_counts_as_busy() {
    let hold = |connection: &mut crate::endpoint::Connection| {
        while let Some(seen) = connection.request() {
            if seen.target() == "/chat" {
                connection.send(SWITCH);
                return connection.wait_for_end();
            }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    };
    let (one, two) = (Endpoint::serving(hold), Endpoint::serving(hold));
    let mut config = config(&[("tunnel.com", one.address)]);
    add(&mut config, "example.com", "/", &[one.address, two.address]);
    let site = Site::start(&config);
    // More than one, because a request may still count for a moment when its client has the response already.
    let mut tunnels = [(); 3].map(|()| site.client());
    for tunnel in &mut tunnels {
        tunnel.send(UPGRADE.replace("example.com", "tunnel.com"));
        tunnel.head();
    }
    for _ in 0..20 {
        assert_eq!(site.get("example.com", "/").text(), "ok");
    }
    assert_eq!((one.requests().len(), two.requests().len()), (3, 20));
    drop(tunnels);
    eventually("the endpoint gets requests again", || {
        site.get("example.com", "/");
        one.requests().len() > 3
    });
}

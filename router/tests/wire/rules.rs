//! The rules of a route beside where it leads: who may ask, how much, how many at once, and what else is said.

use std::sync::{Arc, Mutex};

use router_config::{Action, Config, Forward, Host, Hsts, Redirect, Service};

use crate::client::{Client, fields};
use crate::endpoint::{Connection, Endpoint};
use crate::site::{Site, add, add_with, certificate, config, dead, eventually};

const POST: &str = "POST / HTTP/1.1\r\nHost: example.com\r\n";

fn with(end: &Endpoint, change: impl FnOnce(&mut Forward)) -> Site {
    let mut config = config(&[]);
    add_with(&mut config, "example.com", "/", &[end.address], change);
    Site::start(&config)
}

#[test]
fn a_body_that_says_that_it_is_too_long_reaches_no_endpoint() {
    let end = Endpoint::text("ok");
    let site = with(&end, |forward| forward.max_body_bytes = Some(5));
    assert_eq!(site.send(&format!("{POST}Content-Length: 5\r\n\r\nabcde")).text(), "ok");
    let connections = end.connections();
    for rest in
        ["Content-Length: 6\r\n\r\nabcdef", "Expect: 100-continue\r\nContent-Length: 999999999\r\n\r\n"]
    {
        let response = site.send(&format!("{POST}{rest}"));
        assert_eq!(response.status, 413);
        assert_eq!(response.text(), "413 Content Too Large: the body is longer than this route takes");
    }
    assert_eq!((end.requests().len(), end.connections()), (1, connections));
}

#[test]
fn a_body_in_chunks_is_measured_as_it_comes() {
    let end = Endpoint::text("ok");
    let site = with(&end, |forward| forward.max_body_bytes = Some(5));
    let chunked = |chunks: &str| site.send(&format!("{POST}Transfer-Encoding: chunked\r\n\r\n{chunks}"));
    assert_eq!(chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").text(), "ok");
    for chunks in ["6\r\nabcdef\r\n", "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", "ffffff\r\nabcdefgh"] {
        let response = chunked(chunks);
        assert_eq!((response.status, response.header("Connection")), (413, Some("close")), "{chunks:?}");
    }
    assert_eq!(end.requests().len(), 1, "no endpoint saw a whole request");
}

#[test]
fn a_body_that_turns_out_too_long_after_the_answer_began_cuts_the_connection() {
    let end = Endpoint::serving(|connection| {
        connection.head();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstart");
        connection.wait_for_end();
    });
    let site = with(&end, |forward| forward.max_body_bytes = Some(5));
    let mut client = site.client();
    client.send(format!("{POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
    assert!(client.head().starts_with("HTTP/1.1 200"));
    client.send("3\r\ndef\r\n");
    assert_eq!(client.rest(), b"start");
    eventually("the endpoint is left alone", || end.closed() == 1);
}

#[test]
fn only_clients_of_the_networks_are_served() {
    let end = Endpoint::text("ok");
    let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let inside = with(&end, |forward| forward.clients = networks(&["10.0.0.0/8", "127.0.0.0/8"]));
    assert_eq!(inside.get("example.com", "/").text(), "ok");
    let outside = with(&end, |forward| forward.clients = networks(&["10.0.0.0/8", "::1/128"]));
    // What the client says about itself does not count.
    let response = outside.send("GET / HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
    assert_eq!(response.status, 403);
    assert_eq!(response.text(), "403 Forbidden: clients of your network are not served here");
    assert_eq!(end.requests().len(), 1);
}

/// Answers when the gate is open, and switches protocols where that is asked for.
fn gated(gate: &Arc<Mutex<()>>) -> Endpoint {
    let gate = gate.clone();
    Endpoint::serving(move |connection: &mut Connection| {
        while let Some(seen) = connection.request() {
            if seen.header("Upgrade").is_some() {
                connection
                    .send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
                return connection.wait_for_end();
            }
            drop(gate.lock());
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    })
}

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

fn limited(ends: &[&Endpoint], limit: u32) -> Config {
    let mut config = config(&[]);
    add(&mut config, "example.com", "/", &[]);
    let endpoints = ends.iter().map(|end| end.address).collect();
    let service = Service { endpoints, max_in_flight: Some(limit), ..Service::default() };
    config.services.insert("example.com/".into(), service);
    config
}

#[test]
fn an_endpoint_gets_no_more_requests_at_once_than_it_may_have() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let (one, two) = (gated(&gate), gated(&gate));
    let site = Site::start(&limited(&[&one, &two], 2));
    let mut clients: Vec<_> = (0..4).map(|_| site.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(GET);
        eventually("it is with an endpoint", || one.requests().len() + two.requests().len() == number + 1);
    }
    assert_eq!((one.requests().len(), two.requests().len()), (2, 2));
    for request in [GET, UPGRADE] {
        let response = site.send(request);
        assert_eq!((response.status, response.header("Retry-After")), (503, Some("1")));
        assert_eq!(response.text(), "Service Unavailable\n");
    }
    drop(closed);
    for client in &mut clients {
        assert_eq!(client.response().text(), "ok");
    }
    eventually("there is room again", || site.get("example.com", "/").status == 200);
}

/// A tunnel is a request in flight for as long as it lasts.
#[test]
fn tunnels_count_among_the_requests_of_an_endpoint() {
    let end = gated(&Arc::new(Mutex::new(())));
    let site = Site::start(&limited(&[&end], 1));
    let mut tunnel = site.client();
    tunnel.send(UPGRADE);
    assert!(tunnel.head().starts_with("HTTP/1.1 101"));
    let response = site.get("example.com", "/");
    assert_eq!((response.status, response.header("Retry-After")), (503, Some("1")));
    drop(tunnel);
    eventually("the tunnel is over", || site.get("example.com", "/").status == 200);
}

#[test]
fn a_503_shows_the_operators_page_and_nothing_else_does() {
    const PAGE: &str = "<!doctype html><h1>Back soon \u{2014} sorry</h1>";
    let end = Endpoint::text("ok");
    let mut config = config(&[("example.com", end.address)]);
    config.unavailable_page = Some(PAGE.into());
    add(&mut config, "empty.com", "/", &[]);
    add(&mut config, "dead.com", "/", &[dead()]);
    let refuse = Action::Refuse { reason: "the app has no web process".into() };
    config
        .hosts
        .insert("refused.com".into(), Host { paths: [("/".into(), refuse)].into(), ..Host::default() });
    add_with(&mut config, "closed.com", "/", &[end.address], |forward| {
        forward.clients = vec!["10.0.0.0/8".parse().unwrap()];
    });
    let site = Site::start(&config);
    for host in ["empty.com", "dead.com", "refused.com"] {
        for upgrade in ["", "Connection: upgrade\r\nUpgrade: x\r\n"] {
            let response = site.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n"));
            assert_eq!((response.status, response.text()), (503, PAGE), "{host}");
            assert_eq!(response.header("Content-Type"), Some("text/html; charset=utf-8"));
        }
        let head = site.send(&format!("HEAD / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(head.header("Content-Length"), Some(PAGE.len().to_string().as_str()));
    }
    assert_eq!(site.get("unknown.org", "/").text(), "Not Found\n");
    assert_eq!(site.get("closed.com", "/").header("Content-Type"), Some("text/plain; charset=utf-8"));
    config.unavailable_page = None;
    site.handle.replace(&config);
    assert_eq!(site.get("empty.com", "/").text(), "Service Unavailable\n");
}

#[test]
fn a_hosts_strict_transport_is_declared_on_every_response_over_https_and_on_no_other() {
    let end = Endpoint::answering(|seen| {
        let own = if seen.target() == "/own" { "Strict-Transport-Security: max-age=1\r\n" } else { "" };
        format!("HTTP/1.1 200 OK\r\n{own}Content-Length: 0\r\n\r\n")
    });
    let mut config = config(&[("example.com", end.address), ("plain.org", end.address)]);
    config.certificates.insert("default".into(), certificate("example.com").0);
    config.default_certificate = Some("default".into());
    add(&mut config, "example.com", "/empty", &[]);
    let host = config.hosts.get_mut("example.com").unwrap();
    host.hsts = Some(Hsts { max_age_seconds: 63_072_000, include_subdomains: true, preload: false });
    let away = Redirect { path: Some("/".into()), ..Redirect::default() };
    host.paths.insert("/away".into(), Action::Redirect(away));
    let site = Site::start(&config);
    let declared = |host: &str, path: &str| {
        let mut client = Client::connect_tls(site.https(), host).unwrap();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let head = client.response().head;
        fields(&head, "Strict-Transport-Security").map(str::to_owned).collect::<Vec<_>>()
    };
    for path in ["/", "/own", "/empty", "/away"] {
        assert_eq!(declared("example.com", path), ["max-age=63072000; includeSubDomains"], "{path}");
        let head = site.get("example.com", path).head;
        let expected: &[&str] = if path == "/own" { &["max-age=1"] } else { &[] };
        assert_eq!(fields(&head, "Strict-Transport-Security").collect::<Vec<_>>(), expected, "{path}");
    }
    assert_eq!(declared("plain.org", "/"), [""; 0]);
}

/// What belongs to the client's trace is not ours to judge, not even if it is malformed.
#[test]
fn trace_context_passes_untouched() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let lines = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1,b=2\r\n\
        Traceparent: nonsense\r\ntracestate: c=3\r\nX-Forwarded-Host: own.example\r\n";
    assert_eq!(site.send(&format!("GET / HTTP/1.1\r\nHost: example.com\r\n{lines}\r\n")).text(), "ok");
    assert!(end.last().head.contains(lines), "{}", end.last().head);
}

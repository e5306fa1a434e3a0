//! HTTPS: which certificate a client gets, and who is refused (flynn-compat 1.12).

use std::sync::Arc;

use router_config::{Config, Delta};
use rustls::client::Tls12Resumption;
use rustls::version::{TLS12, TLS13};

use crate::client::{Client, tls_config};
use crate::endpoint::Endpoint;
use crate::site::{Site, certificate, config, eventually};

/// `example.com` with a certificate of its own, `plain.org` without, and a default certificate if asked for.
fn secure(end: &Endpoint, default: bool) -> (Config, [Vec<u8>; 2]) {
    let mut config = config(&[("example.com", end.address), ("*.plain.org", end.address)]);
    let (own, own_der) = certificate("example.com");
    let (fallback, default_der) = certificate("default");
    config.certificates.insert("own".into(), own);
    config.certificates.insert("default".into(), fallback);
    config.hosts.get_mut("example.com").unwrap().certificate = Some("own".into());
    config.default_certificate = default.then(|| "default".into());
    (config, [own_der.to_vec(), default_der.to_vec()])
}

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

/// T02, T03 (HTTP/1.1), T32.
#[test]
fn a_client_gets_the_certificate_of_the_host_it_names() {
    let end = Endpoint::text("1");
    let (config, [own, default]) = secure(&end, true);
    let site = Site::start(&config);
    let rows =
        [("example.com", &own), ("EXAMPLE.com", &own), ("a.plain.org", &default), ("127.0.0.1", &default)];
    for (name, expected) in rows {
        let mut client = Client::connect_tls(site.https(), name).unwrap();
        assert_eq!(client.certificate().as_ref(), expected.as_slice(), "{name}");
        let host = if name == "127.0.0.1" { "example.com" } else { name };
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response().text(), "1");
        let seen = end.last();
        assert_eq!(seen.header("X-Forwarded-Proto"), Some("https"));
        assert_eq!(seen.header("X-Forwarded-Port"), Some(site.https().port().to_string().as_str()));
    }
}

/// T02: a name that no route has.
#[test]
fn a_client_that_names_an_unknown_host_is_refused() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    for name in ["unknown.org", "www.example.com", "org"] {
        assert!(Client::connect_tls(site.https(), name).is_err(), "{name}");
    }
    eventually("they are counted", || site.server.metrics().refused_handshakes == 3);
}

#[test]
fn without_a_default_certificate_only_hosts_with_their_own_are_served() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, false);
    let site = Site::start(&config);
    assert!(Client::connect_tls(site.https(), "example.com").is_ok());
    assert!(Client::connect_tls(site.https(), "a.plain.org").is_err());
    assert!(Client::connect_tls(site.https(), "127.0.0.1").is_err());
}

/// T05.
#[test]
fn a_new_certificate_is_shown_from_then_on_and_open_connections_go_on() {
    let end = Endpoint::text("1");
    let (config, [own, _]) = secure(&end, true);
    let site = Site::start(&config);
    let mut open = Client::connect_tls(site.https(), "example.com").unwrap();
    let (pair, new) = certificate("example.com");
    let mut delta = Delta::default();
    delta.certificates.insert("own".into(), Some(pair));
    site.handle.apply(delta);
    assert_eq!(open.certificate().as_ref(), own.as_slice());
    open.send(GET);
    assert_eq!(open.response().text(), "1");
    let client = Client::connect_tls(site.https(), "example.com").unwrap();
    assert_eq!(client.certificate(), &new);
}

#[test]
fn a_host_that_goes_takes_its_name_with_it() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    assert!(Client::connect_tls(site.https(), "example.com").is_ok());
    let mut delta = Delta::default();
    delta.hosts.insert("example.com".into(), None);
    site.handle.apply(delta);
    assert!(Client::connect_tls(site.https(), "example.com").is_err());
}

/// A client that was shown a certificate for one host has not seen that the router may speak for another.
#[test]
fn a_request_for_a_host_with_another_certificate_than_the_handshakes_is_misdirected() {
    let end = Endpoint::text("1");
    let (mut config, _) = secure(&end, true);
    // The same pair by another name is the same certificate.
    config.certificates.insert("copy".into(), config.certificates["own"].clone());
    for (host, certificate) in [("copy.org", Some("copy")), ("default.org", None)] {
        crate::site::add(&mut config, host, "/", &[end.address]);
        config.hosts.get_mut(host).unwrap().certificate = certificate.map(Into::into);
    }
    let site = Site::start(&config);
    let rows = [
        ("example.com", "example.com", 200),
        ("example.com", "EXAMPLE.com:443", 200),
        ("example.com", "copy.org", 200),
        ("example.com", "default.org", 421),
        ("example.com", "unknown.org", 404),
        ("example.com", "example.com", 200),
        ("default.org", "a.plain.org", 200),
        ("default.org", "example.com", 421),
        ("127.0.0.1", "example.com", 200),
    ];
    for (name, host, status) in rows {
        let mut client = Client::connect_tls(site.https(), name).unwrap();
        for _ in 0..2 {
            client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            assert_eq!(client.response().status, status, "{name}, then {host}");
        }
    }
    let mut client = Client::connect_tls(site.https(), "example.com").unwrap();
    client.send("GET https://default.org/ HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(client.response().status, 421);
    for host in ["example.com", "default.org"] {
        assert_eq!(site.get(host, "/").status, 200, "{host} without TLS");
    }
}

/// A host that is gone shows no certificate any more, so that its connections can be used for nothing else.
#[test]
fn a_connection_whose_host_is_gone_is_misdirected_too() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    let mut client = Client::connect_tls(site.https(), "example.com").unwrap();
    let mut delta = Delta::default();
    delta.hosts.insert("example.com".into(), None);
    site.handle.apply(delta);
    client.send("GET / HTTP/1.1\r\nHost: a.plain.org\r\n\r\n");
    assert_eq!(client.response().status, 421);
    client.send(GET);
    assert_eq!(client.response().status, 404);
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_http_1_1_is_agreed_on() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    for versions in [&[&TLS12], &[&TLS13]] {
        for protocols in [&[][..], &["http/1.1"], &["spdy/3", "http/1.1"]] {
            let mut client =
                Client::connect_tls_with(site.https(), "example.com", protocols, versions).unwrap();
            client.send(GET);
            assert_eq!(client.response().text(), "1");
        }
    }
    assert!(Client::connect_tls_with(site.https(), "example.com", &["spdy/3"], &[&TLS13]).is_err());
}

#[test]
fn a_session_is_resumed_on_any_worker() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(tls_config(&[], &[version]));
        let mut resumed = 0;
        for _ in 0..8 {
            let mut client = Client::connect_tls_config(site.https(), "example.com", config.clone()).unwrap();
            client.send(GET);
            assert_eq!(client.response().text(), "1");
            resumed += usize::from(client.is_resumed());
        }
        assert_eq!(resumed, 7, "{version:?}");
    }
}

/// The router remembers no session by itself, because all workers would have to share that memory.
#[test]
fn a_client_of_tls_1_2_that_takes_no_tickets_shakes_hands_anew() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    let mut config = tls_config(&[], &[&TLS12]);
    config.resumption = config.resumption.tls12_resumption(Tls12Resumption::SessionIdOnly);
    let config = Arc::new(config);
    for _ in 0..3 {
        let mut client = Client::connect_tls_config(site.https(), "example.com", config.clone()).unwrap();
        client.send(GET);
        assert_eq!(client.response().text(), "1");
        assert!(!client.is_resumed());
    }
}

#[test]
fn large_bodies_pass_through_tls_both_ways() {
    let end = Endpoint::answering(|seen| {
        let body = String::from_utf8(seen.body.clone()).unwrap();
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        )
    });
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    let mut client = Client::connect_tls(site.https(), "example.com").unwrap();
    let body = "0123456789".repeat(200_000);
    for _ in 0..3 {
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert!(client.response().text() == body);
    }
}

#[test]
fn a_client_that_speaks_plain_http_to_the_tls_port_is_told_so() {
    let end = Endpoint::text("1");
    let (config, _) = secure(&end, true);
    let site = Site::start(&config);
    let mut client = Client::connect(site.https());
    client.send(GET);
    let answer = String::from_utf8(client.rest()).unwrap();
    assert_eq!(answer, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
}

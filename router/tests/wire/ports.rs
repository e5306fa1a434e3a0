//! More ports than the two default ones: hosts that name a port are served there, and nowhere else.

use std::net::SocketAddr;

use router::{Options, Subject};
use router_config::{Config, Listen};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, add, certificate, eventually, loopback};

/// A router with one more port for each scheme.
fn start() -> Site {
    let listen = Listen {
        http: Some(loopback(0)),
        https: Some(loopback(0)),
        extra_http: vec![loopback(0)],
        extra_https: vec![loopback(0)],
        ..Listen::default()
    };
    Site::listening(&listen, &Config::default(), Options { workers: 2, ..Options::default() })
}

fn extra(site: &Site) -> (SocketAddr, SocketAddr) {
    let addresses = site.server.addresses();
    (addresses.extra_http[0], addresses.extra_https[0])
}

fn get(mut client: Client, host: &str) -> (u16, String) {
    client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    let response = client.response();
    (response.status, response.text().to_owned())
}

#[test]
fn a_host_with_a_port_is_served_there_and_one_without_on_the_default_ports() {
    let (default, own) = (Endpoint::text("default"), Endpoint::text("own"));
    let site = start();
    let (http, _) = extra(&site);
    let mut config = Config::default();
    add(&mut config, "example.com", "/", &[default.address]);
    add(&mut config, &format!("example.com:{}", http.port()), "/", &[own.address]);
    add(&mut config, &format!("only.com:{}", http.port()), "/", &[own.address]);
    add(&mut config, "default.com", "/", &[default.address]);
    assert_eq!(site.handle.replace(&config).faults, []);
    let statuses = |host: &str| [site.http(), http].map(|address| get(Client::connect(address), host));
    let found = |text: &str| (200, text.to_owned());
    assert_eq!(statuses("example.com"), [found("default"), found("own")]);
    assert_eq!(statuses("only.com")[1], found("own"));
    assert_eq!(statuses("default.com")[0], found("default"));
    assert_eq!((statuses("only.com")[0].0, statuses("default.com")[1].0), (404, 404));
    // The port in a request is not looked at.
    assert_eq!(statuses(&format!("example.com:{}", http.port())), [found("default"), found("own")]);
}

#[test]
fn the_endpoint_is_told_the_port_that_the_client_came_to() {
    let end = Endpoint::text("ok");
    let site = start();
    let (http, https) = extra(&site);
    let mut config = Config::default();
    for port in [http.port(), https.port()] {
        add(&mut config, &format!("example.com:{port}"), "/", &[end.address]);
    }
    config.certificates.insert("default".into(), certificate("default").0);
    config.default_certificate = Some("default".into());
    site.handle.replace(&config);
    assert_eq!(get(Client::connect(http), "example.com").0, 200);
    let seen = |name| end.last().header(name).unwrap().to_owned();
    assert_eq!(
        (seen("X-Forwarded-Port"), seen("X-Forwarded-Proto")),
        (http.port().to_string(), "http".into())
    );
    let client = Client::connect_tls(https, "example.com").unwrap();
    assert_eq!(get(client, "example.com").0, 200);
    assert_eq!(
        (seen("X-Forwarded-Port"), seen("X-Forwarded-Proto")),
        (https.port().to_string(), "https".into())
    );
}

#[test]
fn a_name_is_looked_up_by_the_port_that_the_handshake_comes_to() {
    let end = Endpoint::text("ok");
    let site = start();
    let (_, https) = extra(&site);
    let mut config = Config::default();
    let only = format!("only.com:{}", https.port());
    add(&mut config, &only, "/", &[end.address]);
    add(&mut config, "default.com", "/", &[end.address]);
    let (own, own_der) = certificate("only.com");
    config.certificates.insert("own".into(), own);
    config.certificates.insert("default".into(), certificate("default").0);
    config.hosts.get_mut(&only).unwrap().certificate = Some("own".into());
    config.default_certificate = Some("default".into());
    site.handle.replace(&config);
    let client = Client::connect_tls(https, "only.com").unwrap();
    assert_eq!(client.certificate(), &own_der);
    assert_eq!(get(client, "only.com").0, 200);
    assert!(Client::connect_tls(site.https(), "default.com").is_ok());
    assert!(Client::connect_tls(site.https(), "only.com").is_err());
    assert!(Client::connect_tls(https, "default.com").is_err());
    eventually("they are counted", || site.server.metrics().refused_handshakes == 2);
}

#[test]
fn a_host_on_a_port_that_nobody_listens_on_is_a_fault_until_it_goes() {
    let end = Endpoint::text("ok");
    let mut config = Config::default();
    add(&mut config, "early.com:9", "/", &[end.address]);
    let listen = Listen { http: Some(loopback(0)), extra_http: vec![loopback(0)], ..Listen::default() };
    let site = Site::listening(&listen, &config, Options::default());
    let told = || -> Vec<_> {
        let faults = site.server.faults();
        let faults = faults.borrow();
        assert!(faults.iter().all(|fault| fault.reason.contains("does not listen on port")), "{faults:?}");
        faults.iter().map(|fault| fault.subject.clone()).collect()
    };
    let host = |key: &str| Subject::Host(key.into());
    assert_eq!(told(), [host("early.com:9")]);
    add(&mut config, "*.late.com:8", "/", &[end.address]);
    add(
        &mut config,
        &format!("heard.com:{}", site.server.addresses().extra_http[0].port()),
        "/",
        &[end.address],
    );
    site.handle.replace(&config);
    eventually("the second one is told", || told() == [host("*.late.com:8"), host("early.com:9")]);
    config.hosts.remove("early.com:9");
    site.handle.replace(&config);
    eventually("the first one is not told any more", || told() == [host("*.late.com:8")]);
}

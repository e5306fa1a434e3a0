//! What clients see of changes: routes, services, certificates and leaders that come and go.

use router_config::{Config, Delta, Service};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, add, add_with, certificate, config};

/// The service of `host` has these endpoints from now on.
fn set(site: &Site, host: &str, endpoints: &[&Endpoint]) {
    let endpoints = endpoints.iter().map(|end| end.address).collect();
    let mut delta = Delta::default();
    delta.services.insert(format!("{host}/"), Some(Service { endpoints, ..Service::default() }));
    site.handle.apply(delta);
}

/// `host` without an endpoint yet, with the default certificate.
fn empty(host: &str) -> Config {
    let mut config = config(&[]);
    add(&mut config, host, "/", &[]);
    let (pair, _) = certificate("example.com");
    config.certificates.insert("default".into(), pair);
    config.default_certificate = Some("default".into());
    config
}

fn tls(site: &Site, host: &str) -> Client {
    Client::connect_tls(site.https(), host).unwrap()
}

fn get_on(client: &mut Client, host: &str) -> String {
    client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    client.response().text().to_owned()
}

fn assert_both(site: &Site, host: &str, body: &str) {
    assert_eq!(site.get(host, "/").text(), body);
    assert_eq!(get_on(&mut tls(site, host), host), body);
}

/// T02.
#[test]
fn a_route_serves_whoever_is_in_its_service_until_it_is_removed() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let site = Site::start(&empty("example.com"));
    set(&site, "example.com", &[&one]);
    let (mut kept, mut kept_tls) = (site.client(), tls(&site, "example.com"));
    for client in [&mut kept, &mut kept_tls] {
        assert_eq!(get_on(client, "example.com"), "1");
    }
    set(&site, "example.com", &[&two]);
    for client in [&mut kept, &mut kept_tls] {
        assert_eq!(get_on(client, "example.com"), "2");
    }
    drop((kept, kept_tls));
    assert_both(&site, "example.com", "2");
    assert_eq!(site.get("example2.com", "/").status, 404);
    assert!(Client::connect_tls(site.https(), "example2.com").is_err());
    let mut delta = Delta::default();
    delta.hosts.insert("example.com".into(), None);
    site.handle.apply(delta);
    assert_eq!(site.get("example.com", "/").status, 404);
}

/// T04.
#[test]
fn routes_can_share_a_certificate() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let mut config = config(&[("1.bar.example.org", one.address), ("2.bar.example.org", two.address)]);
    let (pair, shown) = certificate("*.bar.example.org");
    config.certificates.insert("shared".into(), pair);
    for host in config.hosts.values_mut() {
        host.certificate = Some("shared".into());
    }
    let site = Site::start(&config);
    for (host, body) in [("1.bar.example.org", "1"), ("2.bar.example.org", "2")] {
        assert_both(&site, host, body);
        assert_eq!(tls(&site, host).certificate(), &shown);
    }
}

/// T08: the leader alone gets requests, whoever that is at the moment; without one there is none.
#[test]
fn a_leader_route_follows_the_leader() {
    let ends = ["1", "2"].map(Endpoint::text);
    let mut config = config(&[]);
    let addresses = ends.each_ref().map(|end| end.address);
    add_with(&mut config, "foo.bar", "/", &addresses, |forward| forward.leader = true);
    let site = Site::start(&config);
    let lead = |leader| {
        let mut delta = Delta::default();
        let service = Service { endpoints: addresses.to_vec(), leader, ..Service::default() };
        delta.services.insert("foo.bar/".into(), Some(service));
        site.handle.apply(delta);
    };
    let mut client = site.client();
    for leader in [0, 1, 0] {
        lead(Some(addresses[leader]));
        for _ in 0..10 {
            assert_eq!(get_on(&mut client, "foo.bar"), ["1", "2"][leader]);
        }
    }
    lead(None);
    assert_eq!(site.get("foo.bar", "/").status, 503);
    lead(Some(crate::site::dead()));
    assert_eq!(site.get("foo.bar", "/").status, 503, "a leader that is no endpoint");
}

/// T10.
#[test]
fn a_router_that_starts_anew_serves_what_it_is_given_and_what_comes_later() {
    let config = empty("example.com");
    drop(Site::start(&config));
    let site = Site::start(&config);
    assert_eq!(site.get("example.com", "/").status, 503);
    let one = Endpoint::text("1");
    set(&site, "example.com", &[&one]);
    assert_both(&site, "example.com", "1");
}

/// T12: what is not in a whole configuration any more is gone, and what is new serves.
#[test]
fn a_whole_configuration_takes_the_place_of_the_one_before() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let site = Site::of(one.address);
    let mut client = site.client();
    assert_eq!(get_on(&mut client, "example.com"), "1");
    site.handle.replace(&empty("example.org"));
    assert_eq!(get_on(&mut client, "example.com"), "Not Found\n");
    set(&site, "example.org", &[&two]);
    assert_eq!(get_on(&mut client, "example.org"), "2");
}

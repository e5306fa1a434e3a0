//! The admin API (flynn-compat 1.17): on an address of its own, and nowhere else.

use std::collections::BTreeMap;

use router::{Explanation, Options, Outcome, Routes, State, Timeouts};
use router_config::{Config, Delta, Host, Listen, Service};
use serde_json::Value;

use crate::client::{Client, Response};
use crate::endpoint::Endpoint;
use crate::site::{Site, add, certificate, config, eventually, loopback};

/// A site with an admin API.
pub(crate) fn site(config: &Config) -> Site {
    site_with(config, Timeouts::default())
}

pub(crate) fn site_with(config: &Config, timeouts: Timeouts) -> Site {
    let listen = Listen {
        http: Some(loopback(0)),
        https: Some(loopback(0)),
        admin: Some(loopback(0)),
        ..Listen::default()
    };
    let options = Options { workers: 2, version: "v9".into(), timeouts, ..Options::default() };
    Site::listening(&listen, config, options)
}

pub(crate) fn ask(site: &Site, path: &str) -> Response {
    ask_as(site, path, "localhost")
}

fn ask_as(site: &Site, path: &str, host: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut client = Client::connect(site.server.addresses().admin.unwrap());
    client.send(&request);
    client.response_to(&request)
}

fn trace(site: &Site, url: &str, more: &str) -> Explanation {
    let url = url.replace(':', "%3A").replace('?', "%3F");
    let answer = ask(site, &format!("/trace?url={url}{more}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn the_status_is_what_flynns_clients_read_and_other_paths_are_not_there() {
    let site = site(&Config::default());
    let status = ask(&site, "/.well-known/status");
    assert_eq!(status.header("content-type"), Some("application/json"));
    assert_eq!(
        status.text(),
        "{\n  \"data\": {\n    \"status\": \"healthy\",\n    \"version\": \"v9\"\n  }\n}\n"
    );
    let other = ask(&site, "/debug/pprof");
    assert_eq!((other.status, other.text()), (404, "404 page not found\n"));
}

#[test]
fn a_page_that_reaches_this_machine_by_a_name_of_its_own_learns_nothing() {
    let site = site(&Config::default());
    for path in ["/routes", "/metrics", "/events?types=set"] {
        assert_eq!(ask_as(&site, path, "evil.com").status, 403);
    }
    assert_eq!(ask_as(&site, "/routes", "127.0.0.1:9912").status, 200);
}

#[test]
fn the_public_listeners_serve_nothing_of_it() {
    let end = Endpoint::text("app");
    let site = site(&config(&[("example.com", end.address)]));
    for path in ["/routes", "/metrics", "/events?types=set", "/trace?url=http://example.com/"] {
        assert_eq!(site.get("example.com", path).text(), "app");
        assert_eq!(site.get("127.0.0.1", path).status, 404);
    }
}

#[test]
fn the_table_is_told_as_it_is_served_and_without_keys() {
    let end = Endpoint::text("");
    let mut config = config(&[("example.com", end.address)]);
    let (pair, _) = certificate("example.com");
    let key = pair.key.pem().to_owned();
    config.certificates.insert("own".into(), pair);
    config.hosts.get_mut("example.com").unwrap().certificate = Some("own".into());
    let site = site(&config);
    let answer = ask(&site, "/routes");
    let routes: Routes = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(routes.hosts[0].host, "example.com");
    assert_eq!(routes.hosts[0].certificate.as_ref().unwrap().names, ["example.com"]);
    let path = &routes.hosts[0].paths[0];
    assert_eq!((path.path.as_str(), path.action.as_str()), ("/", "forward"));
    assert_eq!((path.endpoints[0].address, path.endpoints[0].state), (end.address, State::Healthy));
    assert!(!answer.text().contains(key.lines().nth(1).unwrap()));
}

#[test]
fn a_trace_tells_what_a_request_then_meets() {
    let end = Endpoint::text("");
    let mut config = config(&[("example.com", end.address), ("*.wild.com", end.address)]);
    add(&mut config, "none.com", "/", &[]);
    add(&mut config, "deep.com", "/only", &[end.address]);
    config.hosts.get_mut("*.wild.com").unwrap().https_redirect = true;
    let site = site(&config);
    for (host, path) in [
        ("example.com", "/"),
        ("a.wild.com", "/x?y"),
        ("none.com", "/"),
        ("deep.com", "/"),
        ("deep.com", "/only/this"),
        ("other.com", "/"),
        ("example.com", "/%zz"),
    ] {
        let met = site.get(host, path);
        let told = match trace(&site, &format!("http://{host}{}", path.replace('%', "%25")), "").outcome {
            Outcome::Forwarded { endpoints, .. } => {
                assert_eq!(endpoints[0].address, end.address);
                200
            }
            Outcome::Redirected { status, location } => {
                assert_eq!(met.header("location"), Some(location.as_str()));
                status
            }
            Outcome::Answered { status } => status,
            Outcome::Refused { status, .. } => status.unwrap(),
        };
        assert_eq!(told, met.status, "{host}{path}");
    }
    let client = trace(&site, "http://example.com/", "&client=192.0.2.1&method=TRACE");
    assert!(matches!(client.outcome, Outcome::Refused { status: Some(405), .. }), "{client:?}");
    assert_eq!(ask(&site, "/trace").status, 400);
    assert_eq!(ask(&site, "/trace?url=nonsense").status, 400);
}

#[test]
fn the_number_of_series_does_not_grow_with_the_routes() {
    let end = Endpoint::text("");
    let site = site(&config(&[("example.com", end.address)]));
    let series = || {
        let text = ask(&site, "/metrics").text().to_owned();
        text.lines().filter(|line| !line.starts_with('#')).count()
    };
    let few = series();
    let mut delta = Delta::default();
    for number in 0..10_000 {
        let name = format!("host-{number}.com");
        let service = Service { endpoints: vec![end.address], ..Service::default() };
        delta.services.insert(name.clone(), Some(service));
        let forward = router_config::Action::Forward(router_config::Forward::to(&name));
        delta
            .hosts
            .insert(name, Some(Host { paths: BTreeMap::from([("/".into(), forward)]), ..Host::default() }));
    }
    site.handle.apply(delta);
    for number in 0..20 {
        assert_eq!(site.get(&format!("host-{number}.com"), "/").status, 200);
    }
    assert_eq!(series(), few);
    assert!(few < 2_000, "{few}");
    let routes: Value = serde_json::from_slice(&ask(&site, "/routes").body).unwrap();
    assert_eq!(routes["hosts"].as_array().unwrap().len(), 10_001);
}

#[test]
fn what_is_served_is_counted_by_protocol_and_by_who_answered() {
    let end = Endpoint::text("hello");
    let site = site(&config(&[("example.com", end.address)]));
    assert_eq!(site.get("example.com", "/").text(), "hello");
    assert_eq!(site.get("other.com", "/").status, 404);
    for line in [
        "flynn_router_requests_total{protocol=\"http1\"} 2",
        "flynn_router_responses_total{class=\"2xx\",by=\"endpoint\"} 1",
        "flynn_router_responses_total{class=\"4xx\",by=\"router\"} 1",
        "flynn_router_request_duration_seconds_count 2",
        "flynn_router_sent_bytes_total 15",
        "flynn_router_connections_total 2",
        "flynn_router_endpoints 1",
    ] {
        // A client may have its response a moment before it is counted.
        eventually(line, || ask(&site, "/metrics").text().lines().any(|found| found == line));
    }
}

//! Sticky sessions (flynn-compat 1.7).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use router_config::{Config, CookieKey, Delta, Service};

use crate::client::{Response, fields};
use crate::endpoint::{Connection, Endpoint};
use crate::site::{Site, add_with, config, dead, eventually};

fn sticky(endpoints: &[SocketAddr]) -> Config {
    let mut config = config(&[]);
    add_with(&mut config, "example.com", "/", endpoints, |forward| forward.sticky = true);
    config.cookie_key = Some(CookieKey::new([0; 32]));
    config
}

/// The service's endpoints from now on.
fn set(site: &Site, endpoints: &[SocketAddr], leader: Option<SocketAddr>) {
    let mut delta = Delta::default();
    let service = Service { endpoints: endpoints.to_vec(), leader, ..Service::default() };
    delta.services.insert("example.com/".into(), Some(service));
    site.handle.apply(delta);
}

/// The cookie that a response sets, as it is sent back.
fn cookie(head: &str) -> Option<String> {
    let line = fields(head, "Set-Cookie").find(|line| line.starts_with("_backend="))?;
    Some(line.strip_suffix("; Path=/").expect("no other attribute").to_owned())
}

fn get(site: &Site, cookie: &str) -> Response {
    site.send(&format!("GET / HTTP/1.1\r\nHost: example.com\r\nCookie: {cookie}\r\n\r\n"))
}

/// T23.
#[test]
fn a_client_stays_with_its_endpoint_while_that_is_there() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let site = Site::start(&sticky(&[one.address]));
    let first = cookie(&site.get("example.com", "/").head).unwrap();
    set(&site, &[one.address, two.address], None);
    for _ in 0..10 {
        let response = get(&site, &first);
        assert_eq!((response.text(), cookie(&response.head)), ("1", None));
        assert_eq!(one.last().header("Cookie"), Some(first.as_str()));
    }
    set(&site, &[two.address], None);
    for _ in 0..10 {
        let response = get(&site, &first);
        assert_eq!(response.text(), "2");
        assert!(cookie(&response.head).is_some());
    }
}

/// Switches protocols if asked to, and says who it is.
fn switching(id: &'static str) -> Endpoint {
    Endpoint::serving(move |connection| {
        let Some(seen) = connection.request() else { return };
        if seen.header("Upgrade").is_none() {
            connection.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        connection.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nBackend-Id: {id}\r\n\r\n"
        ));
    })
}

/// T24.
#[test]
fn an_upgrade_stays_with_its_endpoint_too() {
    let (one, two) = (switching("1"), switching("2"));
    let site = Site::start(&sticky(&[one.address]));
    let mut newest = String::new();
    let mut switch = |id: &str, sets: bool| {
        let mut client = site.client();
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: {newest}\r\n\r\n"
        ));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 ") && head.contains(&format!("Backend-Id: {id}")), "{head}");
        let set = cookie(&head);
        assert_eq!(set.is_some(), sets, "{head}");
        newest = set.unwrap_or(newest.clone());
    };
    switch("1", true);
    (0..9).for_each(|_| switch("1", false));
    set(&site, &[one.address, two.address], None);
    (0..10).for_each(|_| switch("1", false));
    set(&site, &[two.address], None);
    switch("2", true);
    (0..9).for_each(|_| switch("2", false));
}

/// T26.
#[test]
fn a_sticky_route_without_an_endpoint_that_answers_is_503() {
    let site = Site::start(&sticky(&[dead(), dead()]));
    for upgrade in ["", "Connection: Upgrade\r\n"] {
        let response = site.send(&format!("GET / HTTP/1.1\r\nHost: example.com\r\n{upgrade}\r\n"));
        assert_eq!((response.status, response.text()), (503, "Service Unavailable\n"));
        assert_eq!(cookie(&response.head), None);
    }
}

/// T27.
#[test]
fn a_client_whose_endpoint_is_dead_is_served_by_another() {
    const BODY: &str = "A not-so-large Flynn test body...";
    let once = |connection: &mut Connection| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1");
    };
    let (one, two) = (Endpoint::serving(once), Endpoint::text("2"));
    let address = one.address;
    let site = Site::start(&sticky(&[address]));
    let first = cookie(&site.get("example.com", "/").head).unwrap();
    drop(one);
    eventually("the endpoint is dead", || std::net::TcpStream::connect(address).is_err());
    set(&site, &[address, two.address], None);
    for method in ["GET", "POST"] {
        for upgrade in [false, true] {
            let option = if upgrade { "Connection: Upgrade\r\nUpgrade: x\r\n" } else { "" };
            let body = if method == "POST" { BODY } else { "" };
            let response = site.send(&format!(
                "{method} / HTTP/1.1\r\nHost: example.com\r\nCookie: {first}\r\n{option}Content-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            assert_eq!((response.status, response.text()), (200, "2"));
            assert_eq!(response.header("Connection") == Some("close"), upgrade);
            assert!(cookie(&response.head).is_some());
            assert_eq!(two.last().body, body.as_bytes());
        }
    }
}

/// T42.
#[test]
fn an_endpoint_that_is_busy_with_its_own_clients_gets_no_others() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let ends = ["a", "b", "c"].map(|id| {
        let gate = gate.clone();
        Endpoint::serving(move |connection| {
            while let Some(seen) = connection.request() {
                if seen.target() == "/block" {
                    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                    drop(gate.lock());
                    connection.send("0\r\n\r\n");
                } else {
                    connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{id}"));
                }
            }
        })
    });
    let site = Site::start(&sticky(&ends.each_ref().map(|end| end.address)));
    let response = site.get("example.com", "/ping");
    let (busy, own) = (response.text(), cookie(&response.head).unwrap());
    let mut blocked: Vec<_> = (0..10).map(|_| site.client()).collect();
    for client in &mut blocked {
        client.send(format!("GET /block HTTP/1.1\r\nHost: example.com\r\nCookie: {own}\r\n\r\n"));
        client.head();
    }
    for _ in 0..10 {
        assert_ne!(site.get("example.com", "/ping").text(), busy);
    }
    drop(closed);
    for client in &mut blocked {
        assert_eq!(client.bytes(5), b"0\r\n\r\n");
    }
}

#[test]
fn the_cookie_comes_after_the_endpoints_own_and_its_own_are_left_alone() {
    let end = Endpoint::answering(|_| {
        "HTTP/1.1 200 OK\r\nSet-Cookie: app=1\r\nContent-Length: 0\r\nSet-Cookie: _backend_x=2\r\n\r\n".into()
    });
    let site = Site::start(&sticky(&[end.address]));
    let head = site.get("example.com", "/").head;
    let set: Vec<_> = fields(&head, "Set-Cookie").collect();
    assert_eq!(set[..2], ["app=1", "_backend_x=2"]);
    assert!(set.len() == 3 && set[2].starts_with("_backend="), "{head}");
}

/// The first counts even if a later one would open, and none that does not open hurts.
#[test]
fn a_cookie_that_cannot_be_read_is_replaced() {
    let end = Endpoint::text("1");
    let site = Site::start(&sticky(&[end.address]));
    let good = cookie(&site.get("example.com", "/").head).unwrap();
    let long = format!("_backend={}", "A".repeat(30_000));
    for bad in [
        "_backend=!!!notbase64",
        "_backend=",
        "_backend",
        "_backend=AAAA",
        "_backend=\"",
        "_backend=\u{e9}",
        &good[..good.len() - 4],
        &long,
        &format!("_backend=abc; {good}"),
    ] {
        let response = get(&site, bad);
        assert_eq!(response.text(), "1");
        let renewed = cookie(&response.head).unwrap();
        assert_eq!(cookie(&get(&site, &renewed).head), None);
        assert_eq!(cookie(&get(&site, &format!("{renewed}; {bad}")).head), None);
    }
}

#[test]
fn the_leader_is_the_only_endpoint_of_a_sticky_leader_route() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let both = [one.address, two.address];
    let mut config = config(&[]);
    add_with(&mut config, "example.com", "/", &both, |forward| {
        forward.sticky = true;
        forward.leader = true;
    });
    let site = Site::start(&config);
    set(&site, &both, Some(one.address));
    let first = cookie(&site.get("example.com", "/").head).unwrap();
    set(&site, &both, Some(two.address));
    let response = get(&site, &first);
    assert_eq!(response.text(), "2");
    let second = cookie(&response.head).unwrap();
    assert_eq!(cookie(&get(&site, &second).head), None);
}

/// The key is that of all routers of a cluster: a session goes on with another one, and after a start.
#[test]
fn a_session_survives_a_change_of_the_router_that_has_the_same_key() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let both = [one.address, two.address];
    let sites = [Site::start(&sticky(&both)), Site::start(&sticky(&both))];
    let response = sites[0].get("example.com", "/");
    let own = cookie(&response.head).unwrap();
    for site in &sites {
        let again = get(site, &own);
        assert_eq!((again.text(), cookie(&again.head)), (response.text(), None));
    }
    let other = Config { cookie_key: Some(CookieKey::new([1; 32])), ..sticky(&both) };
    let response = get(&Site::start(&other), &own);
    assert!(cookie(&response.head).is_some(), "a cookie of another key is none");
}

/// Whatever comes and goes: a request meets an endpoint that is there, its own if that is, and is told if not.
#[test]
fn no_session_leads_to_an_endpoint_that_is_gone() {
    let ends: Vec<_> = ["0", "1", "2", "3", "4"].map(Endpoint::text).into();
    let site = Site::start(&sticky(&[]));
    let mut random = fastrand::Rng::with_seed(7);
    let mut sessions: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..60 {
        let there: Vec<_> = (0..ends.len()).filter(|_| random.bool()).collect();
        let addresses: Vec<_> = there.iter().map(|place| ends[*place].address).collect();
        set(&site, &addresses, None);
        let mut known: Vec<_> =
            sessions.iter().map(|(cookie, place)| (cookie.clone(), Some(*place))).collect();
        random.shuffle(&mut known);
        known.truncate(8);
        known.push((String::new(), None));
        for (own, place) in known {
            let response = get(&site, &own);
            if there.is_empty() {
                assert_eq!(response.status, 503);
                continue;
            }
            let served_by: usize = response.text().parse().unwrap();
            assert!(there.contains(&served_by), "{served_by} is gone");
            let stays = place.filter(|place| there.contains(place));
            assert_eq!(stays.unwrap_or(served_by), served_by);
            assert_eq!(cookie(&response.head).is_none(), stays.is_some());
            sessions.extend(cookie(&response.head).map(|cookie| (cookie, served_by)));
        }
    }
}

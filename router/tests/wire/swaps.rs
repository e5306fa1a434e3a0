//! Changes under load lose nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use router::Handle;
use router_config::{Action, Config, Delta, Forward, Host, Service};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, certificate, config};

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
const POST: &str = "POST /x HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\n\r\nabc";

/// Clients with kept and with new connections, plain and TLS, go on while hosts, endpoints and certificates change.
#[test]
fn requests_do_not_notice_changes() {
    let ends = ["1", "2", "3"].map(Endpoint::text);
    let mut config = config(&[("example.com", ends[0].address)]);
    config.certificates.insert("own".into(), certificate("example.com").0);
    config.hosts.get_mut("example.com").unwrap().certificate = Some("own".into());
    let site = Site::start(&config);
    let (http, https) = (site.http(), site.https());
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let ask = move |client: &mut Client, request: &str| {
        client.send(request);
        let response = client.response();
        assert_eq!(response.status, 200, "{}", response.head);
        assert!(["1", "2", "3"].contains(&response.text()));
    };
    let clients: Vec<_> = (0..4)
        .map(|kind| {
            let (stop, served) = (stop.clone(), served.clone());
            thread::spawn(move || {
                let mut kept = Client::connect(http);
                while !stop.load(Ordering::SeqCst) {
                    match kind {
                        0 => ask(&mut kept, GET),
                        1 => ask(&mut kept, POST),
                        2 => ask(&mut Client::connect(http), POST),
                        _ => ask(&mut Client::connect_tls(https, "example.com").unwrap(), GET),
                    }
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let pairs = [certificate("example.com").0, certificate("example.com").0];
    let end = Instant::now() + Duration::from_secs(2);
    let mut changes = 0;
    while Instant::now() < end {
        change(&site.handle, changes, &ends, &pairs);
        changes += 1;
        thread::yield_now();
    }
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().expect("no request was lost");
    }
    let (served, snapshot) = (served.load(Ordering::SeqCst), site.server.metrics());
    assert!(changes > 200 && served > 200, "{changes} changes, {served} requests");
    assert_eq!(snapshot.responses, [0, served as u64, 0, 0, 0]);
}

fn change(handle: &Handle, number: usize, ends: &[Endpoint; 3], pairs: &[router_config::KeyPair; 2]) {
    let mut delta = Delta::default();
    let endpoints = (0..=number % 3).map(|place| ends[(number + place) % 3].address).collect();
    delta.services.insert("example.com/".into(), Some(Service { endpoints, ..Service::default() }));
    let other = format!("other-{}.com", number % 50);
    let forward = Action::Forward(Forward::to("example.com/"));
    let host = || Host {
        certificate: Some("own".into()),
        paths: [("/".into(), forward.clone()), (format!("/{number}/"), forward.clone())].into(),
        ..Host::default()
    };
    delta.hosts.insert(other, number.is_multiple_of(2).then(host));
    delta.hosts.insert("example.com".into(), Some(host()));
    delta.certificates.insert("own".into(), Some(pairs[number % 2].clone()));
    handle.apply(delta);
}

/// One edit among ten thousand hosts costs what one among ten costs, within a wide margin.
#[test]
fn an_edit_costs_what_changed() {
    let time = |hosts: usize| {
        let handle = Handle::new();
        let mut config = Config::default();
        config.services.insert("web".into(), Service::default());
        let host = |path: String| Host {
            paths: [(path, Action::Forward(Forward::to("web")))].into(),
            ..Host::default()
        };
        for number in 0..hosts {
            config.hosts.insert(format!("host-{number}.example.com"), host("/".into()));
        }
        handle.replace(&config);
        let mut times: Vec<_> = (0..101)
            .map(|number| {
                let mut delta = Delta::default();
                delta.hosts.insert("host-1.example.com".into(), Some(host(format!("/{number}/"))));
                let start = Instant::now();
                handle.apply(delta);
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[50]
    };
    let (few, many) = (time(10), time(10_000));
    assert!(many < few * 20 + Duration::from_micros(500), "{few:?} with 10 hosts, {many:?} with 10,000");
}

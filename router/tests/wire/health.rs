//! Endpoints that are not well: found out by failed requests and by the router's own checks, and left alone as long as others are well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use router_config::{Config, HealthCheck};

use crate::endpoint::Endpoint;
use crate::site::{Site, add, eventually};

const GET: &str = "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n";

/// Closes its first connections without a word, as many as that, and answers on the others.
fn failing(times: usize, body: &'static str) -> (Endpoint, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let endpoint = Endpoint::serving(move |connection| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        while let Some(_request) = connection.request() {
            if number < times {
                return;
            }
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        }
    });
    (endpoint, count)
}

fn serving(endpoints: &[&Endpoint]) -> Config {
    let mut config = Config::default();
    let addresses: Vec<_> = endpoints.iter().map(|endpoint| endpoint.address).collect();
    add(&mut config, "example.com", "/", &addresses);
    config
}

#[test]
fn an_endpoint_that_fails_three_requests_in_a_row_is_left_alone_while_another_is_well() {
    let (broken, asked) = failing(usize::MAX, "");
    let well = Endpoint::text("well");
    let site = Site::start(&serving(&[&broken, &well]));
    eventually("it is ejected", || {
        site.send(GET);
        site.server.metrics().ejections == 1
    });
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    for _ in 0..50 {
        assert_eq!(site.send(GET).text(), "well");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let metrics = site.server.metrics();
    assert_eq!((metrics.endpoints, metrics.endpoints_unhealthy), (2, 1));
}

#[test]
fn a_healed_endpoint_gets_requests_again() {
    let (broken, _) = failing(3, "healed");
    let well = Endpoint::text("well");
    let site = Site::start(&serving(&[&broken, &well]));
    eventually("it is ejected", || {
        site.send(GET);
        site.server.metrics().ejections == 1
    });
    eventually("it is asked again", || site.send(GET).text() == "healed");
    assert_eq!(site.server.metrics().endpoints_unhealthy, 0);
}

#[test]
fn ejection_never_ejects_all() {
    let (first, _) = failing(5, "back");
    let (second, _) = failing(5, "back");
    let site = Site::start(&serving(&[&first, &second]));
    let statuses: Vec<_> = (0..12).map(|_| site.send(GET).status).collect();
    assert!(statuses[..10].contains(&503), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&200), "{statuses:?}");
}

#[test]
fn an_endpoint_that_answers_500_or_was_removed_and_added_again_is_not_held_to_be_broken() {
    let angry = Endpoint::answering(|_| "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned());
    let (broken, _) = failing(usize::MAX, "");
    let site = Site::start(&serving(&[&angry]));
    for _ in 0..10 {
        assert_eq!(site.send(GET).status, 500);
    }
    assert_eq!(site.server.metrics().ejections, 0);
    site.handle.replace(&serving(&[&broken]));
    for _ in 0..3 {
        assert_eq!(site.send(GET).status, 503);
    }
    assert_eq!(site.server.metrics().endpoints_unhealthy, 1);
    site.handle.replace(&serving(&[&angry]));
    site.handle.replace(&serving(&[&broken]));
    assert_eq!(site.server.metrics().endpoints_unhealthy, 0);
}

/// An endpoint whose answer to `/up` can be changed.
fn checked() -> (Endpoint, Arc<AtomicUsize>) {
    let status = Arc::new(AtomicUsize::new(200));
    let told = status.clone();
    let endpoint = Endpoint::answering(move |seen| {
        let status = if seen.target() == "/up" { told.load(Ordering::SeqCst) } else { 200 };
        format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n")
    });
    (endpoint, status)
}

fn requests(endpoint: &Endpoint) -> usize {
    endpoint.requests().iter().filter(|seen| seen.target() == "/").count()
}

#[test]
fn an_endpoint_that_fails_its_checks_gets_no_requests_until_it_passes_them() {
    let ((one, status), (other, _)) = (checked(), checked());
    let mut config = serving(&[&one, &other]);
    let check = HealthCheck {
        interval_seconds: 1,
        unhealthy_after: 1,
        host: Some("up.example.com".into()),
        ..HealthCheck::of("/up")
    };
    config.services.get_mut("example.com/").unwrap().health = Some(check);
    let site = Site::start(&config);
    let unhealthy = || site.server.metrics().endpoints_unhealthy;
    status.store(500, Ordering::SeqCst);
    eventually("the checks find out", || unhealthy() == 1);
    let before = requests(&one);
    for _ in 0..30 {
        assert_eq!(site.send(GET).status, 200);
    }
    assert_eq!((requests(&one), requests(&other)), (before, 30));
    let check = one.requests().into_iter().find(|seen| seen.target() == "/up").unwrap();
    assert_eq!(check.header("Host"), Some("up.example.com"));
    status.store(200, Ordering::SeqCst);
    eventually("the checks find out", || unhealthy() == 0);
    eventually("it gets requests again", || {
        site.send(GET);
        requests(&one) > before
    });
    status.store(500, Ordering::SeqCst);
    eventually("the checks find out", || unhealthy() == 1);
    // Without a check nobody says that it is unwell.
    site.handle.replace(&serving(&[&one, &other]));
    eventually("what they found is forgotten", || unhealthy() == 0);
}

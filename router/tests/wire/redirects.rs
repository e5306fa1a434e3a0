//! Redirects: declared ones, and from HTTP to HTTPS.

use router_config::{Redirect, RedirectCode, Scheme};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{Site, certificate, config, redirecting};

fn location(redirect: Redirect, request: &str) -> (u16, String) {
    let mut config = config(&[]);
    config.hosts.insert("example.com".into(), redirecting(redirect));
    let site = Site::start(&config);
    let response = site.send(request);
    assert_eq!(response.header("Content-Length"), Some("0"));
    let location = response.header("Location").unwrap().to_owned();
    let (http, https) = (format!(":{}/", site.http().port()), format!(":{}/", site.https().port()));
    (response.status, location.replace(&http, ":HTTP/").replace(&https, ":HTTPS/"))
}

const GET: &str = "GET /a//b%2F?c=d&e HTTP/1.1\r\nHost: Example.com:99\r\n\r\n";

#[test]
fn what_a_redirect_leaves_out_is_kept_from_the_request() {
    let www = || Redirect { host: Some("www.example.com".into()), ..Redirect::default() };
    let rows = [
        (www(), (308, "http://www.example.com:HTTP/a//b%2F?c=d&e")),
        (
            Redirect { scheme: Some(Scheme::Https), ..www() },
            (308, "https://www.example.com:HTTPS/a//b%2F?c=d&e"),
        ),
        (
            Redirect { port: Some(80), code: RedirectCode::Found, ..www() },
            (302, "http://www.example.com/a//b%2F?c=d&e"),
        ),
        (
            Redirect { port: Some(8080), code: RedirectCode::TemporaryRedirect, ..www() },
            (307, "http://www.example.com:8080/a//b%2F?c=d&e"),
        ),
        (
            Redirect {
                scheme: Some(Scheme::Https),
                port: Some(443),
                code: RedirectCode::MovedPermanently,
                ..Redirect::default()
            },
            (301, "https://Example.com/a//b%2F?c=d&e"),
        ),
        (
            Redirect { path: Some("/new?x".into()), port: Some(80), ..www() },
            (308, "http://www.example.com/new?x"),
        ),
    ];
    for (redirect, (status, expected)) in rows {
        assert_eq!(location(redirect, GET), (status, expected.to_owned()));
    }
}

#[test]
fn an_absolute_target_is_redirected_by_its_own_parts() {
    let redirect = Redirect { port: Some(80), ..Redirect::default() };
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: other.org\r\n\r\n");
    assert_eq!(location(redirect.clone(), &get("http://example.com:1/x?y")).1, "http://example.com/x?y");
    assert_eq!(location(redirect, &get("http://example.com")).1, "http://example.com/");
}

#[test]
fn plain_http_is_sent_to_https_except_for_acme() {
    let end = Endpoint::text("secure");
    let mut config = config(&[("example.com", end.address)]);
    let (pair, _) = certificate("example.com");
    config.certificates.insert("own".into(), pair);
    let host = config.hosts.get_mut("example.com").unwrap();
    host.https_redirect = true;
    host.certificate = Some("own".into());
    let site = Site::start(&config);
    let response = site.get("example.com", "/x?y");
    let port = site.https().port();
    assert_eq!(
        (response.status, response.header("Location")),
        (308, Some(format!("https://example.com:{port}/x?y").as_str()))
    );
    assert_eq!(site.get("example.com", "/.well-known/acme-challenge/token").text(), "secure");
    assert_eq!(site.get("example.com", "/.well-known/acme-challengex").status, 308);
    assert_eq!(site.get("10.0.0.1", "/.well-known/status").status, 200);
    assert!(end.requests().len() == 1);
    let mut client = Client::connect_tls(site.https(), "example.com").unwrap();
    client.send("GET /x?y HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(client.response().text(), "secure");
}

#[test]
fn a_redirect_without_a_host_to_point_to_is_refused() {
    let mut config = config(&[]);
    config.hosts.insert("*".into(), redirecting(Redirect::default()));
    let site = Site::start(&config);
    assert_eq!(site.send("GET / HTTP/1.0\r\n\r\n").status, 400);
}

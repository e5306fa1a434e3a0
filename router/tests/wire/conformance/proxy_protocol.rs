//! The row about the PROXY protocol, and the tests of Flynn's own package for it (flynn-compat 1.14).

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::proxy_protocol::{GET, forwarded_for, proxied};
use crate::site::{certificate, config};

/// T39.
#[test]
fn the_address_in_a_proxy_header_is_the_clients_with_and_without_tls() {
    let end = Endpoint::text("1");
    let mut config = config(&[("example.com", end.address)]);
    config.certificates.insert("default".into(), certificate("example.com").0);
    config.default_certificate = Some("default".into());
    let site = proxied(&config);
    const HEADER: &str = "PROXY TCP4 1.1.1.123 20.2.2.2 1000 2000\r\n";
    let mut plain = site.client();
    plain.send(format!("{HEADER}{GET}"));
    assert_eq!(plain.response().text(), "1");
    assert_eq!(forwarded_for(&end), "1.1.1.123");
    let mut secure = Client::connect_tls_after(site.https(), HEADER.as_bytes(), "example.com").unwrap();
    secure.send(GET);
    assert_eq!(secure.response().text(), "1");
    assert_eq!(forwarded_for(&end), "1.1.1.123");
    assert_eq!(end.last().header("X-Forwarded-Proto"), Some("https"));
}

/// Flynn's package tests: passed through, IPv4 with bytes in the same write, IPv6, a bad header.
#[test]
fn headers_are_taken_off_and_what_is_none_passes() {
    let end = Endpoint::text("1");
    let site = proxied(&config(&[("example.com", end.address)]));
    for (header, expected) in [
        ("", "127.0.0.1"),
        ("PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000\r\n", "10.1.1.1"),
        ("PROXY TCP6 ffff::ffff ffff::ffff 1000 2000\r\n", "ffff::ffff"),
    ] {
        let mut client = site.client();
        // The start of the request is in the same write as the header, its end is not.
        let (start, rest) = GET.split_at(3);
        client.send(format!("{header}{start}"));
        client.send(rest);
        assert_eq!(client.response().text(), "1");
        assert_eq!(forwarded_for(&end), expected);
    }
    let mut client = site.client();
    client.send(format!("PROXY TCP4 what 127.0.0.1 1000 2000\r\n{GET}"));
    assert!(client.is_closed());
}

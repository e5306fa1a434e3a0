//! Which headers an endpoint and a client see (flynn-compat 1.9 and 1.10).

use crate::client::{field, fields};
use crate::endpoint::Endpoint;
use crate::site::Site;

fn is_uuid(id: &str) -> bool {
    id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// What the endpoint sees of a GET with these fields.
fn seen(fields: &str) -> String {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let response = site.send(&format!("GET / HTTP/1.1\r\nHost: example.com\r\n{fields}\r\n"));
    assert_eq!(response.status, 200);
    end.last().head
}

/// T14.
#[test]
fn an_endpoint_learns_where_a_request_came_from() {
    let end = Endpoint::text("1");
    let site = Site::of(end.address);
    assert_eq!(site.get("example.com", "/").text(), "1");
    let seen = end.last();
    assert_eq!(seen.header("X-Forwarded-For"), Some("127.0.0.1"));
    assert_eq!(seen.header("X-Forwarded-Proto"), Some("http"));
    assert_eq!(seen.header("X-Forwarded-Port"), Some(site.http().port().to_string().as_str()));
    assert_eq!(seen.header("X-Request-Start").map(str::len), Some(13));
    assert!(is_uuid(seen.header("X-Request-Id").unwrap()));
}

/// T15, T48.
#[test]
fn a_clients_own_forwarded_headers_are_appended_to() {
    let head = seen(
        "X-Forwarded-For: 192.168.1.1\r\nX-Forwarded-Proto: fakeproto\r\nX-Forwarded-Port: 8080\r\nX-Request-Id: asdf1234asdf\r\n\
         X_Forwarded_For: 6.6.6.6\r\n",
    );
    assert_eq!(field(&head, "X-Forwarded-For"), Some("192.168.1.1, 127.0.0.1"));
    assert_eq!(field(&head, "X-Forwarded-Proto"), Some("fakeproto, http"));
    assert!(field(&head, "X-Forwarded-Port").unwrap().starts_with("8080, "));
    assert!(is_uuid(field(&head, "X-Request-Id").unwrap()));
    assert!(!head.contains("6.6.6.6"));
}

/// T16.
#[test]
fn a_clients_request_id_is_kept_if_it_can_be_one() {
    let allowed = "/-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+=";
    for id in ["a".repeat(20), "a".repeat(200), allowed.into()] {
        assert_eq!(field(&seen(&format!("X-Request-Id: {id}\r\n")), "X-Request-Id"), Some(id.as_str()));
    }
    for id in [String::new(), "a".into(), "a".repeat(19), "a".repeat(201), format!("{allowed}*")] {
        assert!(is_uuid(field(&seen(&format!("X-Request-Id: {id}\r\n")), "X-Request-Id").unwrap()), "{id}");
    }
}

/// T17.
#[test]
fn a_clients_proxy_headers_pass() {
    for upgrade in ["", "Connection: upgrade\r\n"] {
        let head = seen(&format!("Proxy-Authenticate: fake\r\nProxy-Authorization: not-empty\r\n{upgrade}"));
        assert_eq!(field(&head, "Proxy-Authenticate"), Some("fake"));
        assert_eq!(field(&head, "Proxy-Authorization"), Some("not-empty"));
    }
}

/// T18.
#[test]
fn a_client_that_closes_does_not_close_the_endpoints_connection() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    for _ in 0..2 {
        let mut client = site.client();
        client.send("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n");
        assert_eq!(client.response().header("Connection"), Some("close"));
        assert!(client.is_closed());
        assert_eq!(end.last().header("Connection"), None);
    }
}

/// The rows of T19 and T22: `Connection`, which of the four headers must be gone, and which must be there.
const ROWS: [(&str, &[&str], &[&str]); 6] = [
    ("", &["Upgrade"], &["Another-Option", "Custom-Conn-Header", "Keep-Alive"]),
    ("keep-alive", &["Keep-Alive", "Upgrade"], &["Another-Option", "Custom-Conn-Header"]),
    ("custom-conn-header", &["Custom-Conn-Header", "Upgrade"], &["Another-Option", "Keep-Alive"]),
    (
        "custom-conn-header,   ,another-option   ",
        &["Another-Option", "Custom-Conn-Header", "Upgrade"],
        &["Keep-Alive"],
    ),
    ("upgrade", &[], &["Custom-Conn-Header", "Keep-Alive", "Upgrade"]),
    (
        "upGrade, custom-Conn-header,   ,Another-option   ",
        &[],
        &["Another-Option", "Custom-Conn-Header", "Keep-Alive", "Upgrade"],
    ),
];

const OPTIONAL: &str =
    "Another-Option: test-a\r\nCustom-Conn-Header: test-c\r\nKeep-Alive: test-k\r\nUpgrade: test-u\r\n";

fn connection_line(value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("Connection: {value}\r\n") }
}

fn check(head: &str, row: &str, gone: &[&str], there: &[&str]) {
    for name in gone.iter().chain(&["Transfer-Encoding"]) {
        assert_eq!(field(head, name), None, "{row}: {name}");
    }
    for name in there {
        assert!(field(head, name).is_some(), "{row}: {name}");
    }
}

/// T19.
#[test]
fn a_clients_connection_headers_stay_on_their_hop() {
    for (connection, gone, there) in ROWS {
        check(&seen(&format!("{}{OPTIONAL}", connection_line(connection))), connection, gone, there);
    }
}

/// T22.
#[test]
fn an_endpoints_connection_headers_stay_on_their_hop() {
    for (connection, gone, there) in ROWS {
        let line = connection_line(connection);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{line}{OPTIONAL}\r\nok");
        let end = Endpoint::answering(move |_| answer.clone());
        let site = Site::of(end.address);
        let upgrade = if gone.is_empty() { "Connection: upgrade\r\nUpgrade: special-proto\r\n" } else { "" };
        let response = site.send(&format!("GET / HTTP/1.1\r\nHost: example.com\r\n{upgrade}\r\n"));
        assert_eq!((response.status, response.text()), (200, "ok"));
        check(&response.head, connection, gone, there);
    }
}

#[test]
fn nothing_is_added_to_a_request_that_the_client_did_not_ask_for() {
    let head = seen("");
    for name in ["User-Agent", "Accept-Encoding", "Content-Length", "Transfer-Encoding", "Connection"] {
        assert_eq!(field(&head, name), None, "{name}");
    }
}

#[test]
fn a_response_keeps_its_reason_its_headers_and_their_order() {
    let answer = "HTTP/1.1 299 Quite Fine\r\nServer: x\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Custom: \t y \r\nContent-Length: 0\r\n\r\n";
    let end = Endpoint::answering(move |_| answer.into());
    let response = Site::of(end.address).get("example.com", "/");
    assert!(response.head.starts_with(
        "HTTP/1.1 299 Quite Fine\r\nServer: x\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Custom: y\r\n"
    ));
    assert_eq!(fields(&response.head, "Set-Cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(fields(&response.head, "Date").count(), 1);
}

#[test]
fn an_endpoints_date_is_kept() {
    let end = Endpoint::answering(|_| "HTTP/1.1 200 OK\r\nDate: then\r\nContent-Length: 0\r\n\r\n".into());
    let response = Site::of(end.address).get("example.com", "/");
    assert_eq!(fields(&response.head, "Date").collect::<Vec<_>>(), ["then"]);
}

//! Rules of the heads that endpoints get.

use super::super::head::Head;
use super::*;

fn forwarded(text: &str) -> String {
    rendered(text, true)
}

fn rendered(text: &str, keep_alive: bool) -> String {
    let mut head = Head::default();
    head.advance(text.as_bytes()).unwrap();
    let request = Request::parse(&head, text.as_bytes()).unwrap();
    let origin = Origin { peer: "::ffff:10.0.0.1".parse().unwrap(), scheme: Scheme::Https, port: 8443 };
    let mut out = Buffer::default();
    render(&request, origin, keep_alive, &mut out);
    String::from_utf8(out.bytes().to_vec()).unwrap()
}

fn get(fields: &str) -> String {
    forwarded(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn the_target_and_the_host_are_forwarded_byte_for_byte() {
    let head = forwarded("GET //a%2F../b;c?d=%zz&e#f HTTP/1.0\r\nhost: A.b:80\r\n\r\n");
    assert!(head.starts_with("GET //a%2F../b;c?d=%zz&e#f HTTP/1.1\r\nHost: A.b:80\r\n"), "{head}");
    let head = forwarded("GET http://A.b/x HTTP/1.1\r\nHost: other\r\n\r\n");
    assert!(head.starts_with("GET http://A.b/x HTTP/1.1\r\nHost: A.b\r\n"), "{head}");
    assert_eq!(head.matches("Host:").count(), 1);
}

#[test]
fn forwarded_headers_are_appended_to_the_clients_lines_folded_into_one() {
    let head = get(
        "X-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\nX-Forwarded-Proto: fake\r\nX-Forwarded-Port: 1\r\n",
    );
    assert_eq!(value(&head, "X-Forwarded-For"), Some("1.1.1.1, 2.2.2.2, 10.0.0.1"));
    assert_eq!(value(&head, "X-Forwarded-Proto"), Some("fake, https"));
    assert_eq!(value(&head, "X-Forwarded-Port"), Some("1, 8443"));
    assert_eq!(value(&get(""), "X-Forwarded-For"), Some("10.0.0.1"));
}

#[test]
fn a_request_id_is_kept_if_it_can_be_one_and_made_otherwise() {
    let id =
        |given: &str| value(&get(&format!("X-Request-Id: {given}\r\n")), "X-Request-Id").unwrap().to_owned();
    let allowed =
        format!("/-{}{}{}+=", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789");
    for kept in ["a".repeat(20), "a".repeat(200), allowed.clone()] {
        assert_eq!(id(&kept), kept);
    }
    for replaced in [String::new(), "a".into(), "a".repeat(19), "a".repeat(201), format!("{allowed}*")] {
        let made = id(&replaced);
        let parts: Vec<_> = made.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{made}");
        assert!(made.as_bytes()[14] == b'4' && b"89ab".contains(&made.as_bytes()[19]), "{made}");
    }
}

#[test]
fn the_time_of_arrival_is_in_milliseconds_whatever_the_client_says() {
    let head = get("X-Request-Start: 5\r\n");
    assert_eq!(value(&head, "X-Request-Start").map(str::len), Some(13));
    assert_eq!(head.matches("X-Request-Start").count(), 1);
}

#[test]
fn hop_by_hop_fields_of_every_connection_line_are_removed() {
    let head = get(
        "Connection: close,  X-A ,\r\nConnection: x-b\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\nTE: trailers\r\nTrailer: x\r\nTrailers: x\r\nUpgrade: h\r\n",
    );
    for gone in ["Connection", "X-A", "X-B", "TE", "Trailer", "Trailers", "Upgrade"] {
        assert_eq!(value(&head, gone), None, "{gone}");
    }
    assert_eq!(value(&head, "X-C"), Some("3"));
}

#[test]
fn an_endpoint_is_told_when_its_connection_is_not_kept() {
    let head = rendered("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false);
    assert_eq!(value(&head, "Connection"), Some("close"));
    let head = rendered("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", false);
    assert_eq!(value(&head, "Connection"), Some("upgrade"));
    assert_eq!(head.matches("Connection").count(), 1);
}

#[test]
fn trailers_are_announced_where_there_can_be_some() {
    let head = get("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\nTrailers: x\r\n");
    assert_eq!((value(&head, "Trailer"), value(&head, "Trailers")), (Some("X-Sum"), None));
    assert_eq!(value(&get("Trailer: X-Sum\r\n"), "Trailer"), None);
}

#[test]
fn keep_alive_passes_unless_connection_names_it() {
    assert!(value(&get("Keep-Alive: x\r\n"), "Keep-Alive").is_some());
    assert!(value(&get("Connection: keep-alive\r\nKeep-Alive: x\r\n"), "Keep-Alive").is_none());
}

#[test]
fn an_upgrade_passes_with_its_fields() {
    let head = get("Connection: upGrade, x-a\r\nUpgrade: special\r\nX-A: 1\r\nTE: x\r\n");
    assert_eq!(value(&head, "Connection"), Some("upgrade"));
    assert_eq!((value(&head, "Upgrade"), value(&head, "X-A")), (Some("special"), Some("1")));
    assert_eq!(value(&head, "TE"), None);
}

#[test]
fn connection_cannot_remove_what_the_router_vouches_for() {
    let head = get(
        "Connection: X-Forwarded-For, X-Request-Id, Host, X-Request-Start\r\nX-Request-Id: aaaaaaaaaaaaaaaaaaaaaa\r\n",
    );
    for kept in ["X-Forwarded-For", "X-Request-Id", "Host", "X-Request-Start"] {
        assert!(value(&head, kept).is_some(), "{kept}");
    }
}

#[test]
fn an_alias_of_a_forwarded_header_is_removed() {
    let head =
        get("X_Forwarded_For: 6.6.6.6\r\nX_Forwarded-Proto: https\r\nContent_Length: 5\r\nX_Own: 1\r\n");
    assert!(
        !head.contains("6.6.6.6") && !head.contains("X_Forwarded") && !head.contains("Content_"),
        "{head}"
    );
    assert_eq!(value(&head, "X_Own"), Some("1"));
}

#[test]
fn framing_is_written_anew() {
    let length = |line: &str| {
        let head = forwarded(&format!("{line} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        value(&head, "Content-Length").map(str::to_owned)
    };
    assert_eq!(length("POST"), Some("0".into()));
    assert_eq!(length("PATCH"), Some("0".into()));
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "SEARCH"] {
        assert_eq!(length(method), None, "{method}");
    }
    assert_eq!(value(&get("content-length: 007\r\n"), "Content-Length"), Some("7"));
    let chunked = forwarded("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n");
    assert_eq!(value(&chunked, "Transfer-Encoding"), Some("chunked"));
    assert_eq!(value(&chunked, "Content-Length"), None);
}

#[test]
fn nothing_is_added_that_the_client_did_not_ask_for() {
    let head = get("");
    for absent in ["User-Agent", "Accept-Encoding", "Via", "Forwarded", "Connection", "Content-Length"] {
        assert_eq!(value(&head, absent), None, "{absent}");
    }
}

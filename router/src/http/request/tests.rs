//! Rules of requests.

use super::*;

/// The request that a head makes, as a function of it, because a request borrows its head.
fn with<T>(text: &str, look: impl FnOnce(Result<&Request<'_>, Refusal>) -> T) -> T {
    let mut head = Head::default();
    head.advance(text.as_bytes()).unwrap();
    match Request::parse(&head, text.as_bytes()) {
        Ok(request) => look(Ok(&request)),
        Err(refusal) => look(Err(refusal)),
    }
}

fn status(text: &str) -> Option<u16> {
    with(text, |request| request.err().map(|refusal| refusal.status))
}

fn is(text: &str, property: impl FnOnce(&Request<'_>) -> bool) -> bool {
    with(text, |request| property(request.unwrap()))
}

#[test]
fn a_request_line_has_three_parts_and_single_spaces() {
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
    for line in [
        "GET /",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/11",
        "",
    ] {
        assert_eq!(status(&format!("{line}\r\nHost: a\r\n\r\n")), Some(400), "{line:?}");
    }
}

#[test]
fn another_version_is_refused_as_such() {
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.1"] {
        assert_eq!(status(&format!("GET / {version}\r\nHost: a\r\n\r\n")), Some(505), "{version}");
    }
    assert_eq!(status("PRI * HTTP/2.0\r\n\r\n"), Some(505));
}

#[test]
fn there_is_exactly_one_host_and_it_is_one() {
    assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), Some(400));
    assert_eq!(status("GET / HTTP/1.0\r\n\r\n"), None);
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), Some(400));
    assert_eq!(status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Some(400));
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), Some(400));
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), Some(400));
}

#[test]
fn the_targets_authority_wins_over_host() {
    let text = "GET http://real.com:80/x HTTP/1.1\r\nHost: other.com\r\n\r\n";
    assert!(
        is(text, |request| request.authority.raw == b"real.com:80" && request.authority.host == b"real.com")
    );
}

#[test]
fn a_connection_is_kept_as_the_version_and_the_options_say() {
    let kept = |version: &str, options: &str| {
        is(&format!("GET / {version}\r\nHost: a\r\nConnection: {options}\r\n\r\n"), |request| {
            request.keep_alive
        })
    };
    assert!(kept("HTTP/1.1", ""));
    assert!(!kept("HTTP/1.1", "x , Close"));
    assert!(!kept("HTTP/1.0", ""));
    assert!(kept("HTTP/1.0", "Keep-Alive"));
    assert!(!kept("HTTP/1.0", "keep-alive, close"));
    assert!(!kept("HTTP/1.1", "x\r\nConnection: close"));
}

#[test]
fn an_upgrade_is_asked_for_by_the_option_alone_and_never_to_h2c() {
    let upgrade = |version: &str, fields: &str| {
        is(&format!("GET / {version}\r\nHost: a\r\n{fields}\r\n"), |request| request.upgrade)
    };
    assert!(upgrade("HTTP/1.1", "Connection: upGrade\r\n"));
    assert!(upgrade("HTTP/1.1", "Connection: x, upgrade\r\nUpgrade: websocket\r\n"));
    assert!(!upgrade("HTTP/1.0", "Connection: upgrade\r\n"));
    assert!(!upgrade("HTTP/1.1", "Upgrade: websocket\r\n"));
    assert!(!upgrade("HTTP/1.1", "Connection: upgrade, HTTP2-Settings\r\nUpgrade: x, H2C\r\n"));
}

#[test]
fn only_100_continue_can_be_expected() {
    let post =
        |expect: &str| format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: {expect}\r\n\r\n");
    assert!(is(&post("100-Continue"), |request| request.expects_continue));
    assert_eq!(status(&post("200-ok")), Some(417));
    assert!(
        !is("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", |request| request.expects_continue)
    );
}

#[test]
fn a_call_of_grpc_is_known_by_its_type_whatever_it_carries() {
    let is_grpc = |kind: &str| {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Type: {kind}\r\n\r\n");
        is(&head, |request| request.facts().is_grpc)
    };
    for kind in ["application/grpc", "Application/gRPC+proto", "application/grpc;charset=utf-8"] {
        assert!(is_grpc(kind), "{kind}");
    }
    for kind in ["application/grpc-web+proto", "application/grpcx", "application/grp", "text/plain"] {
        assert!(!is_grpc(kind), "{kind}");
    }
}

use super::*;

use h2::ext::Protocol;
use http::Request;

/// The rendered head, line by line.
fn lines(request: http::request::Builder, ended: bool) -> Result<Vec<String>, Malformed> {
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let mut out = Buffer::default();
    render(&parts, ended, &mut out)?;
    let text = std::str::from_utf8(out.bytes()).unwrap();
    Ok(text.strip_suffix("\r\n\r\n").unwrap().split("\r\n").map(str::to_owned).collect())
}

fn get(path: &str) -> http::request::Builder {
    Request::get(format!("https://a.com{path}"))
}

#[test]
fn a_request_is_a_line_a_host_and_its_fields() {
    let request = get("/b%2F?c").header("x-one", "1").header("x-two", "2").header("te", "trailers");
    let expected =
        ["GET /b%2F?c HTTP/1.1", "Host: a.com", "TE: trailers", "x-one: 1", "x-two: 2", "Connection: close"];
    assert_eq!(lines(request, true).unwrap(), expected);
}

#[test]
fn a_body_without_a_length_comes_in_chunks() {
    let has = |request, line: &str| lines(request, false).unwrap().iter().any(|found| found == line);
    assert!(has(get("/"), "Transfer-Encoding: chunked"));
    assert!(has(get("/").header("content-length", "5"), "content-length: 5"));
    assert!(!has(get("/").header("content-length", "5"), "Transfer-Encoding: chunked"));
}

#[test]
fn an_authority_that_disagrees_with_the_host_leaves_both_to_be_refused() {
    let hosts = |request| -> Vec<_> {
        lines(request, true).unwrap().into_iter().filter(|line| line.starts_with("Host")).collect()
    };
    assert_eq!(hosts(get("/").header("host", "A.com")), ["Host: a.com"]);
    assert_eq!(hosts(get("/").header("host", "b.com")), ["Host: a.com", "Host: b.com"]);
    assert_eq!(hosts(get("/").header("host", "a.com:443")).len(), 2);
    assert_eq!(hosts(Request::get("/").header("host", "b.com")), ["Host: b.com"]);
}

#[test]
fn the_crumbs_of_a_cookie_are_one_line() {
    let request = get("/").header("cookie", "a=1").header("x", "y").header("cookie", "b=2; c=3");
    let lines = lines(request, true).unwrap();
    let cookies: Vec<_> = lines.iter().filter(|line| line.starts_with("cookie")).collect();
    assert_eq!(cookies, ["cookie: a=1; b=2; c=3"]);
}

#[test]
fn a_websocket_is_an_upgrade_with_a_key_of_its_own() {
    let request = || {
        Request::builder()
            .method(Method::CONNECT)
            .uri("https://a.com/chat")
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-key", "forged")
    };
    let key = || {
        let lines = lines(request(), false).unwrap();
        assert_eq!(lines[0], "GET /chat HTTP/1.1");
        assert!(lines.contains(&"Connection: upgrade, close".to_owned()));
        assert!(lines.contains(&"Upgrade: websocket".to_owned()));
        assert!(!lines.iter().any(|line| line.contains("chunked") || line.contains("forged")));
        lines.iter().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap().to_owned()
    };
    assert_eq!(lines(request().header("content-length", "5"), false), Err(Malformed));
    assert_ne!(key(), key());
    assert_eq!(key().len(), 24);
}

#[test]
fn a_value_with_whitespace_around_it_is_malformed() {
    for value in [" a", "a ", "\ta", "a\t"] {
        assert_eq!(lines(get("/").header("x", value), true), Err(Malformed), "{value:?}");
    }
    assert!(lines(get("/").header("x", "a b").header("y", ""), true).is_ok());
}

#[test]
fn a_target_that_is_no_path_is_malformed() {
    assert_eq!(lines(Request::get("*"), true), Err(Malformed));
    assert_eq!(lines(Request::options("*"), true).unwrap()[0], "OPTIONS * HTTP/1.1");
    let connect = Request::builder().method(Method::CONNECT).uri("a.com:443");
    assert_eq!(lines(connect, true).unwrap()[0], "CONNECT a.com:443 HTTP/1.1");
}

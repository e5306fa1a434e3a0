//! Endpoints that speak HTTP/2, as gRPC needs them, for clients of HTTP/2 and of HTTP/1.1.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Request};
use router_config::{Action, Config, Protocol};

use super::client::Session;
use super::grpc_server::GrpcServer;
use crate::site::{Site, add, dead, eventually, judging};

fn config(server: &GrpcServer) -> Config {
    let mut config = Config::default();
    add(&mut config, "example.com", "/", &[server.address]);
    config.services.values_mut().for_each(|service| service.protocol = Protocol::H2c);
    config
}

fn site(server: &GrpcServer) -> Site {
    Site::start_with(&config(server), router::Options { workers: 1, ..router::Options::default() })
}

fn call(method: &str) -> http::request::Builder {
    Request::post(format!("http://example.com/test.Echo/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", "5S")
}

#[test]
fn a_unary_call_has_its_message_and_its_status() {
    let server = GrpcServer::start();
    let site = site(&server);
    let mut client = Session::plain(site.http());
    let (response, mut upload) = client.start(call("Unary"), false);
    upload.send_data(Bytes::from_static(b"\0\0\0\0\x05hello"), false).unwrap();
    let mut metadata = HeaderMap::new();
    metadata.insert("x-checksum", "42".parse().unwrap());
    upload.send_trailers(metadata).unwrap();
    let answer = client.answer(response);
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"\0\0\0\0\x05hello"[..]));
    assert_eq!(answer.header("content-type"), Some("application/grpc"));
    assert_eq!(answer.trailers.get("grpc-status").unwrap(), "0");
    assert_eq!(answer.trailers.get("x-checksum").unwrap(), "42");
    let seen = server.last();
    assert_eq!(seen.get("te").unwrap(), "trailers");
    assert_eq!(seen.get("grpc-timeout").unwrap(), "5S");
    assert!(seen.contains_key("x-forwarded-for") && !seen.contains_key("connection"));
}

#[test]
fn messages_of_a_stream_go_both_ways_as_they_come() {
    let server = GrpcServer::start();
    let site = site(&server);
    let mut client = Session::plain(site.http());
    let (response, mut upload) = client.start(call("Stream"), false);
    let response = client.run(response).unwrap();
    let mut body = response.into_body();
    client.run(async {
        for n in 0..50 {
            let message = format!("message {n}");
            upload.send_data(Bytes::from(message.clone()), false).unwrap();
            let mut heard = Vec::new();
            while heard.len() < message.len() {
                heard.extend_from_slice(&body.data().await.unwrap().unwrap());
            }
            assert_eq!(heard, message.as_bytes());
        }
        upload.send_data(Bytes::new(), true).unwrap();
        assert!(body.data().await.is_none());
        assert_eq!(body.trailers().await.unwrap().unwrap().get("grpc-status").unwrap(), "0");
    });
}

/// The server hears all of it before it answers; a body of another type that comes like this is given up.
#[test]
fn a_call_may_send_its_messages_as_slowly_as_it_likes() {
    let server = GrpcServer::start();
    let mut config = config(&server);
    let action = config.hosts.get_mut("example.com").unwrap().paths.get_mut("/").unwrap();
    let Action::Forward(forward) = action else { panic!("the route forwards") };
    forward.min_body_bytes_per_second = 1_000_000;
    let site = judging(&config);
    let mut client = Session::plain(site.http());
    let (mut response, mut upload) = client.start(call("Unary"), false);
    assert!(client.drip(&mut upload, &mut response, 20).is_none());
    upload.send_data(Bytes::new(), true).unwrap();
    assert_eq!(client.answer(response).text(), "x".repeat(20));
    let other = Request::post("http://example.com/test.Echo/Unary").header("content-type", "text/plain");
    let (mut response, mut upload) = client.start(other, false);
    let answer = client.drip(&mut upload, &mut response, 1_999).expect("an answer before the end");
    assert_eq!(answer.status.as_u16(), 408);
}

#[test]
fn a_response_may_be_a_status_and_nothing_else() {
    let server = GrpcServer::start();
    let site = site(&server);
    let answer = Session::plain(site.http()).send(call("None"), "message");
    assert_eq!(answer.header("grpc-status"), Some("12"));
    assert!(answer.body.is_empty() && answer.trailers.is_empty());
}

#[test]
fn calls_share_a_connection_until_the_server_leaves_it() {
    let server = GrpcServer::start();
    let site = site(&server);
    let mut client = Session::plain(site.http());
    for _ in 0..5 {
        assert_eq!(client.send(call("Unary"), "m").text(), "m");
    }
    let streams: Vec<_> = (0..5).map(|_| client.start(call("Stream"), false)).collect();
    eventually("all calls are there", || server.calls() == 10);
    assert_eq!(server.connections(), 1);
    let left = client.send(call("Leave"), "");
    assert_eq!(left.header("grpc-status"), Some("0"));
    assert_eq!(client.send(call("Unary"), "again").text(), "again");
    assert_eq!(server.connections(), 2);
    for (response, mut upload) in streams {
        upload.send_data(Bytes::from_static(b"still there"), true).unwrap();
        assert_eq!(client.answer(response).text(), "still there");
    }
    eventually("the first connection is closed", || server.open() == 1);
}

#[test]
fn a_server_that_dies_is_answered_for_with_503_and_dialled_again() {
    let server = GrpcServer::start();
    let site = site(&server);
    let mut client = Session::plain(site.http());
    assert_eq!(client.send(call("Die"), "x").status.as_u16(), 503);
    assert_eq!(client.send(call("Unary"), "m").text(), "m");
}

#[test]
fn a_response_that_breaks_off_is_reset() {
    let server = GrpcServer::start();
    let site = site(&server);
    let mut client = Session::plain(site.http());
    let (response, mut upload) = client.start(call("Fail"), false);
    let mut body = client.run(response).unwrap().into_body();
    let error = client.run(async {
        assert_eq!(body.data().await.unwrap().unwrap(), "half");
        upload.send_data(Bytes::from_static(b"go on"), false).unwrap();
        body.data().await.unwrap().unwrap_err()
    });
    assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
    assert_eq!(client.send(call("Unary"), "m").text(), "m");
    assert_eq!(server.connections(), 1, "a call that fails leaves the connection alone");
}

#[test]
fn a_call_that_its_client_gives_up_is_cancelled_at_the_server() {
    let server = GrpcServer::start();
    let site = site(&server);
    let mut client = Session::plain(site.http());
    let (response, mut upload) = client.start(call("Stream"), false);
    client.run(response).unwrap();
    upload.send_reset(Reason::CANCEL);
    eventually("the server hears of it", || server.resets() == [Some(Reason::CANCEL)]);
    assert_eq!(client.send(call("Unary"), "m").text(), "m");
    assert_eq!(server.connections(), 1);
}

#[test]
fn early_hints_of_a_server_come_before_the_response() {
    let server = GrpcServer::start();
    let site = site(&server);
    let mut client = Session::plain(site.http());
    let (mut response, _) = client.start(Request::get("http://example.com/hints"), true);
    let hints = client.run(std::future::poll_fn(|cx| response.poll_informational(cx))).unwrap().unwrap();
    assert_eq!(hints.status().as_u16(), 103);
    assert_eq!(client.answer(response).status.as_u16(), 200);
}

#[test]
fn a_client_of_http_1_is_served_too() {
    let server = GrpcServer::start();
    let site = site(&server);
    let request = "POST /test.Echo/Unary HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\nhello";
    let mut client = site.client();
    for _ in 0..3 {
        client.send(request);
        let response = client.response();
        assert_eq!((response.status, response.text()), (200, "hello"));
        assert_eq!(response.header("Content-Type"), Some("application/grpc"));
    }
    let seen = server.last();
    assert_eq!(seen.get("content-length").unwrap(), "5");
    assert!(!seen.contains_key("x-hop"));
    let head = site.send("HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!((head.status, head.header("grpc-status")), (200, Some("12")));
    let upgrade =
        site.send("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(upgrade.status, 200, "an upgrade is not possible, and not asked for");
    assert!(!server.last().contains_key("upgrade"));
}

#[test]
fn a_server_that_cannot_be_reached_is_replaced_and_one_that_speaks_something_else_is_not_believed() {
    let server = GrpcServer::start();
    let mut config = Config::default();
    add(&mut config, "some.com", "/", &[dead(), server.address]);
    let other = crate::endpoint::Endpoint::text("HTTP/1.1");
    add(&mut config, "other.com", "/", &[other.address]);
    config.services.values_mut().for_each(|service| service.protocol = Protocol::H2c);
    let site = Site::start(&config);
    let mut client = Session::plain(site.http());
    for _ in 0..5 {
        assert_eq!(client.get("http://some.com/").status.as_u16(), 200);
    }
    assert_eq!(client.get("http://other.com/").status.as_u16(), 503);
}

#[test]
fn a_host_or_a_path_that_http_2_has_no_form_for_is_refused() {
    let server = GrpcServer::start();
    let mut config = Config::default();
    add(&mut config, "*", "/", &[server.address]);
    config.services.values_mut().for_each(|service| service.protocol = Protocol::H2c);
    let site = Site::start(&config);
    let status = |path: &str, host: &str| site.get(host, path).status;
    for path in ["/<", "/a?b=`c<", "/a#b", "/^>"] {
        assert_eq!(status(path, "example.com"), 400, "{path}");
    }
    assert_eq!(status("/", "ex%41mple.com"), 400);
    for path in ["/", "/?", "/%3C", "/a?b=c&d={}|", "/é"] {
        assert_eq!(status(path, "example.com"), 200, "{path}");
    }
}

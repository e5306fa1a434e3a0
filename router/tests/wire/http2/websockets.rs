//! WebSockets over HTTP/2 (RFC 8441), with endpoints that speak HTTP/1.1.

use bytes::Bytes;
use h2::Reason;
use h2::ext::Protocol;
use http::{Method, Request};

use super::client::Session;
use super::frames::{SETTINGS, Wire};
use crate::endpoint::Endpoint;
use crate::site::{Site, eventually};

fn connect(protocol: &'static str) -> http::request::Builder {
    Request::builder()
        .method(Method::CONNECT)
        .uri("http://example.com/chat?room=1")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "echo")
        .extension(Protocol::from_static(protocol))
}

/// Agrees to switch, and sends every byte back.
fn echo() -> Endpoint {
    Endpoint::serving(|connection| {
        let Some(head) = connection.head() else { return };
        assert!(head.starts_with("GET /chat?room=1 HTTP/1.1"), "{head}");
        assert!(connection.left_over().is_empty(), "nothing comes before the switch");
        let key = crate::client::field(&head, "Sec-WebSocket-Key").unwrap();
        assert!(key.len() == 24 && key.ends_with("=="), "{key}");
        for (name, value) in
            [("Upgrade", "websocket"), ("Connection", "upgrade"), ("Sec-WebSocket-Version", "13")]
        {
            assert_eq!(crate::client::field(&head, name), Some(value));
        }
        connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: echo\r\n\r\n",
        );
        loop {
            let bytes = connection.left_over().to_vec();
            connection.bytes(bytes.len());
            connection.send(&bytes);
            if connection.fill().is_none() {
                return;
            }
        }
    })
}

/// A client that knows that the router takes WebSockets.
fn session(site: &Site) -> Session {
    let client = Session::plain(site.http());
    eventually("the router says that it takes WebSockets", || client.takes_websockets());
    client
}

#[test]
fn the_router_says_that_it_takes_them() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let settings = Wire::connect(site.http()).next(SETTINGS).unwrap();
    assert!(settings.payload.chunks(6).any(|setting| setting == [0, 8, 0, 0, 0, 1]), "{settings:?}");
}

#[test]
fn bytes_go_both_ways_until_one_side_ends() {
    let endpoint = echo();
    let site = Site::of(endpoint.address);
    let mut client = session(&site);
    let (response, mut upload) = client.start(connect("websocket"), false);
    upload.send_data(Bytes::from_static(b"early"), false).unwrap();
    let response = client.run(response).unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers().get("sec-websocket-protocol").unwrap(), "echo");
    for absent in ["connection", "upgrade", "sec-websocket-accept"] {
        assert!(!response.headers().contains_key(absent), "{absent}");
    }
    let mut body = response.into_body();
    let mut heard = Vec::new();
    client.run(async {
        while heard.len() < 5 {
            heard.extend_from_slice(&body.data().await.unwrap().unwrap());
        }
        upload.send_data(Bytes::from_static(b", late"), false).unwrap();
        while heard.len() < 11 {
            heard.extend_from_slice(&body.data().await.unwrap().unwrap());
        }
        upload.send_data(Bytes::new(), true).unwrap();
        while let Some(data) = body.data().await {
            assert!(data.unwrap().is_empty(), "the endpoint's end comes through");
        }
    });
    assert_eq!(heard, b"early, late");
    eventually("the endpoint's connection is closed", || endpoint.closed() == 1);
}

#[test]
fn a_client_that_resets_closes_the_endpoints_connection() {
    let endpoint = echo();
    let site = Site::of(endpoint.address);
    let mut client = session(&site);
    let (response, mut upload) = client.start(connect("websocket"), false);
    let response = client.run(response).unwrap();
    upload.send_reset(Reason::CANCEL);
    drop(response);
    eventually("the endpoint's connection is closed", || endpoint.closed() == 1);
}

#[test]
fn an_endpoint_may_refuse_and_says_why() {
    let endpoint = Endpoint::serving(|connection| {
        connection.head();
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nmembers");
        connection.wait_for_end();
        assert!(connection.left_over().is_empty(), "what was meant for a WebSocket never comes");
    });
    let site = Site::of(endpoint.address);
    let mut client = session(&site);
    let (response, mut upload) = client.start(connect("websocket"), false);
    upload
        .send_data(Bytes::from_static(b"GET /smuggled HTTP/1.1\r\nHost: example.com\r\n\r\n"), false)
        .unwrap();
    let answer = client.answer(response);
    assert_eq!((answer.status.as_u16(), answer.text()), (403, "members"));
    eventually("the endpoint's connection is closed", || endpoint.closed() == 1);
}

#[test]
fn other_protocols_are_not_served() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let mut client = session(&site);
    let (response, _upload) = client.start(connect("connect-udp"), false);
    assert_eq!(client.answer(response).status.as_u16(), 405);
    assert_eq!(endpoint.requests().len(), 0);
}

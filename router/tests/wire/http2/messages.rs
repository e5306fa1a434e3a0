//! Requests and responses over HTTP/2, with endpoints that speak HTTP/1.1.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{Method, Request};
use router_config::Config;

use super::client::Session;
use super::frames::{DATA, END_STREAM, HEADERS, Wire, request};
use crate::endpoint::Endpoint;
use crate::site::{Site, add, add_with, certificate, config, count, dead, eventually, judging};

/// How long an upload has to rest to count as held up.
const WHILE: Duration = Duration::from_millis(250);

/// T03, the half that goes over HTTP/2.
#[test]
fn a_route_with_a_certificate_is_served_over_http_2() {
    let endpoint = Endpoint::text("1");
    let mut config = config(&[("foo.example.org", endpoint.address)]);
    let (pair, _) = certificate("foo.example.org");
    config.certificates.insert("own".into(), pair);
    config.hosts.get_mut("foo.example.org").unwrap().certificate = Some("own".into());
    let site = Site::start(&config);
    let answer = Session::tls(site.https(), "foo.example.org").get("https://foo.example.org/");
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "1"));
    assert_eq!(endpoint.last().header("X-Forwarded-Proto"), Some("https"));
    assert!(endpoint.last().head.starts_with("GET / HTTP/1.1"));
}

#[test]
fn a_client_may_know_without_tls_that_http_2_is_spoken() {
    let endpoint = Endpoint::text("hello");
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    for _ in 0..3 {
        let answer = client.get("http://example.com/a%2Fb?x=1");
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "hello"));
    }
    assert_eq!(endpoint.last().target(), "/a%2Fb?x=1");
    assert_eq!(endpoint.connections(), 1);
}

#[test]
fn an_endpoint_sees_a_request_of_http_1() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let request = Request::post("http://example.com/")
        .header("cookie", "a=1")
        .header("te", "trailers")
        .header("x-two", "1")
        .header("cookie", "b=2")
        .header("x-two", "2");
    Session::plain(site.http()).send(request, "the body");
    let seen = endpoint.last();
    assert_eq!(seen.header("Host"), Some("example.com"));
    assert_eq!(seen.header("Cookie"), Some("a=1; b=2"));
    assert_eq!(crate::client::fields(&seen.head, "x-two").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(seen.header("X-Forwarded-For"), Some("127.0.0.1"));
    assert_eq!(seen.header("X-Forwarded-Proto"), Some("http"));
    assert!(seen.header("X-Request-Id").is_some());
    for absent in ["Connection", "Keep-Alive"] {
        assert_eq!(seen.header(absent), None);
    }
    assert_eq!(seen.body, b"the body");
}

#[test]
fn a_body_has_the_length_that_it_was_announced_with_or_comes_in_chunks() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    client.send(Request::post("http://example.com/").header("content-length", "5"), "12345");
    assert_eq!(endpoint.last().header("Content-Length"), Some("5"));
    client.send(Request::post("http://example.com/"), "12345");
    assert_eq!(endpoint.last().header("Transfer-Encoding"), Some("chunked"));
    let (response, mut upload) = client.start(Request::post("http://example.com/"), false);
    for part in ["12", "", "345"] {
        upload.send_data(Bytes::from(part), part == "345").unwrap();
    }
    client.answer(response);
    assert_eq!(endpoint.last().body, b"12345");
    client.send(Request::post("http://example.com/"), "");
    assert_eq!(endpoint.last().header("Content-Length"), Some("0"));
    client.get("http://example.com/");
    assert_eq!(endpoint.last().header("Content-Length"), None);
    assert_eq!(endpoint.last().header("Transfer-Encoding"), None);
}

#[test]
fn empty_frames_inside_a_body_and_at_its_end_are_no_part_of_it() {
    let endpoint = Endpoint::text("");
    let site = Site::of(endpoint.address);
    let mut client = Wire::connect(site.http());
    for (stream, length) in [(1, Some("5")), (3, None)] {
        let mut fields = request("POST", "/");
        fields.extend(length.map(|length| ("content-length", length.as_bytes())));
        client.headers(stream, &fields, 0);
        for part in ["12", "", "345"] {
            client.send(DATA, 0, stream, part.as_bytes());
        }
        client.send(DATA, END_STREAM, stream, b"");
        let answer = client.next(HEADERS).unwrap();
        // `:status: 200` is the eighth entry of HPACK's static table.
        assert_eq!((answer.stream, answer.payload[0]), (stream, 0x88), "{length:?}");
        assert_eq!(endpoint.last().body, b"12345", "{length:?}");
        assert_eq!(endpoint.last().header("Content-Length"), length);
    }
}

#[test]
fn a_response_of_any_framing_comes_whole_without_the_fields_of_its_connection() {
    let large = "x".repeat(300_000);
    let body = large.clone();
    let endpoint = Endpoint::serving(move |connection| {
        while let Some(seen) = connection.request() {
            let head = "HTTP/1.1 200 Fine\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nX-Kept: Yes\r\n";
            match seen.target() {
                "/length" => connection.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())),
                "/chunks" => {
                    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
                    connection.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}"))
                }
                _ => {
                    connection.send(format!("{head}\r\n{body}"));
                    return;
                }
            };
        }
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    for path in ["length", "chunks", "close"] {
        let answer = client.get(&format!("http://example.com/{path}"));
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, large.len()), "{path}");
        assert_eq!(answer.header("x-kept"), Some("Yes"));
        assert!(answer.header("date").is_some());
        for absent in ["connection", "keep-alive", "transfer-encoding", "x-hop"] {
            assert_eq!(answer.header(absent), None, "{path}");
        }
    }
}

#[test]
fn a_response_without_a_body_ends_with_its_head() {
    let endpoint = Endpoint::answering(|seen| {
        let status = &seen.target()[1..];
        match status {
            "200" => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".into(),
            _ => format!("HTTP/1.1 {status} Other\r\nETag: x\r\n\r\n"),
        }
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let head = client.send(Request::head("http://example.com/200"), "");
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, Some("1000")));
    for status in [204, 304] {
        let answer = client.get(&format!("http://example.com/{status}"));
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (status, Some("x")));
    }
}

#[test]
fn trailers_are_passed_on_both_ways() {
    let endpoint = Endpoint::serving(|connection| {
        while let Some(seen) = connection.request() {
            let raw = String::from_utf8(seen.raw_body).unwrap();
            let sum = raw.lines().find_map(|line| line.strip_prefix("x-sum: ")).unwrap_or("none").to_owned();
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Echo: {sum}\r\nContent-Length: 9\r\n\r\n"
            ));
        }
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let (response, mut upload) = client.start(Request::post("http://example.com/"), false);
    upload.send_data(Bytes::from_static(b"body"), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "abc".parse().unwrap());
    upload.send_trailers(trailers).unwrap();
    let answer = client.answer(response);
    assert_eq!((answer.text(), answer.trailers.len()), ("ok", 1));
    assert_eq!(answer.trailers.get("x-echo").unwrap(), "abc");
}

#[test]
fn a_client_that_waits_for_a_100_gets_it() {
    let endpoint = Endpoint::serving(|connection| {
        let head = connection.head().unwrap();
        assert!(head.to_lowercase().contains("expect: 100-continue"));
        connection.send("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(connection.bytes(4).unwrap(), b"body");
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        connection.wait_for_end();
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let request =
        Request::post("http://example.com/").header("expect", "100-continue").header("content-length", "4");
    let (mut response, mut upload) = client.start(request, false);
    let interim = client.run(std::future::poll_fn(|cx| response.poll_informational(cx)));
    assert_eq!(interim.unwrap().unwrap().status().as_u16(), 100);
    upload.send_data(Bytes::from_static(b"body"), true).unwrap();
    assert_eq!(client.answer(response).status.as_u16(), 200);
}

#[test]
fn early_hints_come_before_the_response() {
    let endpoint = Endpoint::serving(|connection| {
        while connection.request().is_some() {
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let (mut response, _) = client.start(Request::get("http://example.com/"), true);
    let hints = client.run(std::future::poll_fn(|cx| response.poll_informational(cx))).unwrap().unwrap();
    assert_eq!(
        (hints.status().as_u16(), hints.headers().get("link").unwrap().as_bytes()),
        (103, &b"</a.css>"[..])
    );
    assert_eq!(client.answer(response).text(), "ok");
}

#[test]
fn many_requests_are_served_at_once_on_one_connection() {
    let (arrived, all) = mpsc::channel();
    let barrier = Arc::new(std::sync::Barrier::new(20));
    let endpoint = Endpoint::serving(move |connection| {
        while let Some(seen) = connection.request() {
            arrived.send(()).unwrap();
            barrier.wait();
            let body = seen.target().to_owned();
            connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        }
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let responses: Vec<_> =
        (0..20).map(|n| client.start(Request::get(format!("http://example.com/{n}")), true).0).collect();
    assert_eq!((0..20).filter(|_| all.recv().is_ok()).count(), 20);
    for (n, response) in responses.into_iter().enumerate() {
        assert_eq!(client.answer(response).text(), format!("/{n}"));
    }
}

#[test]
fn no_more_is_taken_of_an_upload_than_the_endpoint_takes() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let endpoint = Endpoint::serving(move |connection| {
        connection.head().unwrap();
        wait.lock().unwrap().recv().unwrap();
        let mut rest = 8 << 20;
        while rest > 0 {
            let count = rest.min(1 << 16);
            connection.bytes(count).unwrap();
            rest -= count;
        }
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        connection.wait_for_end();
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let length = 8 << 20;
    let request = Request::post("http://example.com/").header("content-length", length.to_string());
    let (response, mut upload) = client.start(request, false);
    let mut sent = 0;
    // Until there is no room for a while: what the sockets on the way hold is far less than the body. A while that is too short
    // proves less, and spoils nothing.
    client.run(async {
        while sent < length {
            upload.reserve_capacity(1 << 16);
            let room = std::future::poll_fn(|cx| upload.poll_capacity(cx));
            let Ok(room) = tokio::time::timeout(WHILE, room).await else { break };
            let room = room.unwrap().unwrap().min(length - sent);
            upload.send_data(Bytes::from(vec![b'x'; room]), false).unwrap();
            sent += room;
        }
    });
    assert!(sent < length, "all {sent} bytes were taken");
    go.send(()).unwrap();
    client.run(async {
        while sent < length {
            upload.reserve_capacity(length - sent);
            let room = std::future::poll_fn(|cx| upload.poll_capacity(cx)).await.unwrap().unwrap();
            let room = room.min(length - sent);
            sent += room;
            upload.send_data(Bytes::from(vec![b'x'; room]), sent == length).unwrap();
        }
    });
    assert_eq!(client.answer(response).status.as_u16(), 200);
}

#[test]
fn an_upload_that_comes_byte_by_byte_for_ever_is_given_up() {
    let endpoint = Endpoint::text("all of it");
    let mut config = Config::default();
    add_with(&mut config, "example.com", "/", &[endpoint.address], |forward| {
        forward.min_body_bytes_per_second = 1_000_000;
    });
    let site = judging(&config);
    let mut client = Session::plain(site.http());
    for length in [None, Some("2000")] {
        let mut request = Request::post("http://example.com/");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let (mut response, mut upload) = client.start(request, false);
        let answer = client.drip(&mut upload, &mut response, 1_999).expect("an answer before the end");
        assert_eq!(answer.status.as_u16(), 408);
        assert!(answer.text().contains("too slowly"), "{}", answer.text());
    }
    assert_eq!(client.get("http://unknown.com/").status.as_u16(), 404, "the connection goes on");
    eventually("it is counted", || count(&site, "router_timeouts", "body_rate") == 2);
}

#[test]
fn a_response_that_breaks_off_is_reset() {
    for framing in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"] {
        let endpoint = Endpoint::serving(move |connection| {
            connection.request();
            connection.send(format!("HTTP/1.1 200 OK\r\n{framing}"));
        });
        let site = Site::of(endpoint.address);
        let mut client = Session::plain(site.http());
        let (response, _) = client.start(Request::get("http://example.com/"), true);
        let error = client.failure(response);
        assert_eq!((error.reason(), error.is_remote()), (Some(Reason::INTERNAL_ERROR), true), "{framing}");
        assert_eq!(client.get("http://unknown.com/").status.as_u16(), 404);
    }
}

#[test]
fn a_request_that_its_client_gives_up_is_given_up_at_the_endpoint() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let endpoint = Endpoint::serving(move |connection| {
        connection.request().unwrap();
        count.fetch_add(1, Ordering::SeqCst);
        connection.wait_for_end();
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let (response, mut upload) = client.start(Request::get("http://example.com/"), true);
    eventually("the endpoint is asked", || asked.load(Ordering::SeqCst) == 1);
    upload.send_reset(Reason::CANCEL);
    drop(response);
    eventually("the endpoint's connection is closed", || endpoint.closed() == 1);
    assert_eq!(client.get("http://unknown.com/").status.as_u16(), 404);
}

#[test]
fn a_client_that_is_gone_gives_up_all_its_requests() {
    let endpoint = Endpoint::serving(|connection| {
        connection.request();
        connection.wait_for_end();
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let responses: Vec<_> = (0..5).map(|_| client.start(Request::get("http://example.com/"), true)).collect();
    eventually("the endpoint is asked", || endpoint.requests().len() == 5);
    drop(responses);
    drop(client);
    eventually("the endpoint's connections are closed", || endpoint.closed() == 5);
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_replaced_or_answered_with_503() {
    let endpoint = Endpoint::text("alive");
    let mut config = Config::default();
    add(&mut config, "some.com", "/", &[dead(), endpoint.address]);
    add(&mut config, "none.com", "/", &[dead()]);
    let site = Site::start(&config);
    let mut client = Session::plain(site.http());
    for _ in 0..10 {
        assert_eq!(client.get("http://some.com/").text(), "alive");
    }
    assert_eq!(client.get("http://none.com/").status.as_u16(), 503);
    assert_eq!(
        client.send(Request::builder().method(Method::POST).uri("http://none.com/"), "x").status.as_u16(),
        503
    );
}

#[test]
fn an_answer_before_the_body_is_whole_stops_the_upload_without_an_error() {
    let endpoint = Endpoint::serving(|connection| {
        connection.head();
        connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    });
    let site = Site::of(endpoint.address);
    let mut client = Session::plain(site.http());
    let (response, mut upload) = client.start(Request::post("http://example.com/"), false);
    upload.send_data(Bytes::from_static(b"some"), false).unwrap();
    let answer = client.answer(response);
    assert_eq!((answer.status.as_u16(), answer.text()), (403, "no"));
    let reason = client.run(std::future::poll_fn(|cx| upload.poll_reset(cx))).unwrap();
    assert_eq!(reason, Reason::NO_ERROR);
}

#[test]
fn an_answer_before_the_body_leaves_the_client_time_to_send_it() {
    let site = Site::start(&Config::default());
    let mut client = Session::plain(site.http());
    let post = Request::post("http://nobody.example/").header("content-length", "5");
    let (response, mut upload) = client.start(post, false);
    assert_eq!(client.answer(response).status, 404);
    // A reset right behind the answer would be here before the next answer.
    assert_eq!(client.get("http://nobody.example/").status, 404);
    upload.send_data(Bytes::from_static(b"abcde"), true).expect("the stream is not reset");
    assert_eq!(client.get("http://nobody.example/").status, 404);
}

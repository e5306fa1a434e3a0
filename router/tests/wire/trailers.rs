//! Fields after a body, both ways (RFC 9110 section 6.5).

use crate::endpoint::{Endpoint, echo};
use crate::site::Site;

const POST: &str = "POST / HTTP/1.1\r\nHost: example.com\r\n";

#[test]
fn a_clients_trailers_reach_the_endpoint_without_those_that_come_too_late() {
    let end = echo();
    let site = Site::of(end.address);
    let response = site.send(&format!(
        "{POST}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nAuthorization: x\r\n\
         Content-Length: 5\r\nX-Forwarded-For: 6.6.6.6\r\nHost: evil\r\n\r\n"
    ));
    assert_eq!(response.text(), "a");
    let seen = end.last();
    assert_eq!(seen.header("Trailer"), Some("X-Sum"));
    assert_eq!(seen.raw_body, b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n");
}

#[test]
fn an_endpoints_trailers_reach_a_client_that_takes_them() {
    let end = Endpoint::answering(|_| {
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a\r\n\r\n".into()
    });
    let site = Site::of(end.address);
    let raw = |fields: &str, version: &str| {
        let mut client = site.client();
        client
            .send(format!("GET / HTTP/{version}\r\nHost: example.com\r\nConnection: close\r\n{fields}\r\n"));
        String::from_utf8(client.rest()).unwrap()
    };
    let with = raw("TE: gzip;q=0.5, Trailers\r\n", "1.1");
    assert!(
        with.contains("\r\nTrailer: X-Sum\r\n") && with.ends_with("\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"),
        "{with}"
    );
    for without in [raw("", "1.1"), raw("TE: gzip\r\n", "1.1")] {
        assert!(!without.contains("Sum") && without.ends_with("\r\n1\r\na\r\n0\r\n\r\n"), "{without}");
    }
    let old = raw("TE: trailers\r\n", "1.0");
    assert!(!old.contains("Sum") && old.ends_with("\r\n\r\na"), "{old}");
}

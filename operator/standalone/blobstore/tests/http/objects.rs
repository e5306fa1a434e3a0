//! GET, HEAD, PUT and DELETE of an object, and the methods that it does not have.

use aws_lc_rs::digest::{SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bed::Bed;

fn etag(content: &[u8]) -> String {
    format!("\"{}\"", STANDARD.encode(digest(&SHA512, content)))
}

#[tokio::test]
async fn an_object_has_its_length_type_tag_and_time() {
    let bed = Bed::new().await;
    let before = std::time::SystemTime::now() - std::time::Duration::from_secs(1);
    bed.put("/a", "text").await;
    let answer = bed.get("/a").await;
    assert_eq!((answer.status, answer.text()), (200, "text"));
    assert_eq!(answer.header("content-length"), "4");
    assert_eq!(answer.header("content-type"), "text/x-test");
    assert_eq!(answer.header("etag"), etag(b"text"));
    assert_eq!(answer.header("accept-ranges"), "bytes");
    let modified = httpdate::parse_http_date(answer.header("last-modified")).unwrap();
    assert!(before <= modified && modified <= std::time::SystemTime::now(), "{modified:?}");
}

#[tokio::test]
async fn the_head_of_an_object_is_that_of_its_whole() {
    let bed = Bed::new().await;
    bed.put("/a", "text").await;
    let whole = bed.get("/a").await;
    for headers in [&[][..], &[("Range", "bytes=0-1")]] {
        let head = bed.ask("HEAD", "/a", headers, b"").await;
        assert_eq!((head.status, head.text()), (200, ""));
        for name in ["content-length", "content-type", "etag", "last-modified", "accept-ranges"] {
            assert_eq!(head.header(name), whole.header(name), "{name}");
        }
    }
    let tag = etag(b"text");
    let head = bed.ask("HEAD", "/a", &[("If-None-Match", &tag)], b"").await;
    assert_eq!((head.status, head.header("etag")), (304, &*tag));
}

#[tokio::test]
async fn an_object_without_a_type_or_content_has_none() {
    let bed = Bed::new().await;
    assert_eq!(bed.ask("PUT", "/a", &[], b"").await.status, 200);
    let answer = bed.get("/a").await;
    assert_eq!((answer.status, answer.text(), answer.header("content-length")), (200, "", "0"));
    assert!(!answer.headers.contains_key("content-type"), "{answer:?}");
    assert_eq!(answer.header("etag"), etag(b""));
}

#[tokio::test]
async fn what_is_missing_is_not_found() {
    let bed = Bed::new().await;
    let answer = bed.get("/a").await;
    assert_eq!((answer.status, answer.text()), (404, "NotFound\n"));
    assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
    assert_eq!(bed.ask("HEAD", "/a", &[], b"").await.status, 404);
}

#[tokio::test]
async fn a_second_put_replaces_content_type_and_tag_and_leaves_no_file() {
    let bed = Bed::new().await;
    bed.put("/a", "a longer text").await;
    let answer =
        bed.ask("PUT", "/a", &[("Content-Type", "image/png"), ("Blobstore-Offset", "0")], b"new").await;
    assert_eq!((answer.status, answer.text()), (200, ""));
    let answer = bed.get("/a").await;
    assert_eq!((answer.text(), answer.header("content-type")), ("new", "image/png"));
    assert_eq!(answer.header("etag"), etag(b"new"));
    assert_eq!(bed.contents(), 1);
}

#[tokio::test]
async fn a_delete_takes_the_name_and_everything_below_it_and_nothing_else() {
    let bed = Bed::new().await;
    for name in ["/a.b", "/a.b/1", "/a.b/2/3", "/axb", "/axb/1", "/a.bc", "/a"] {
        bed.put(name, name).await;
    }
    for _ in 0..2 {
        let answer = bed.ask("DELETE", "/a.b", &[], b"").await;
        assert_eq!((answer.status, answer.text()), (200, ""));
        assert_eq!(bed.get("/").await.text(), r#"["/a","/a.bc","/axb","/axb/"]"#);
    }
    assert_eq!(bed.contents(), 4);
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let bed = Bed::new().await;
    bed.put("/a", "text").await;
    for method in ["POST", "PATCH", "COPY", "OPTIONS", "MOVE"] {
        let answer = bed.ask(method, "/a", &[], b"body").await;
        assert_eq!((answer.status, answer.text()), (405, ""), "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD, PUT, DELETE");
    }
    assert_eq!(bed.get("/a").await.text(), "text");
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let bed = Bed::new().await;
    bed.put("/a/b", "text").await;
    let before = bed.get("/a/b").await;
    let bed = bed.restarted().await;
    let after = bed.get("/a/b").await;
    assert_eq!((after.status, &after.body), (200, &before.body));
    for name in ["content-type", "etag", "last-modified"] {
        assert_eq!(after.header(name), before.header(name), "{name}");
    }
}

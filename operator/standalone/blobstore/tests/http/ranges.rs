//! Parts of an object, and the conditions of a request.

use crate::bed::{Answer, Bed};

async fn object() -> Bed {
    let bed = Bed::new().await;
    bed.put("/a", "0123456789").await;
    bed
}

async fn ask(bed: &Bed, headers: &[(&str, &str)]) -> Answer {
    bed.ask("GET", "/a", headers, b"").await
}

#[tokio::test]
async fn a_range_is_given_with_its_place_in_the_whole() {
    let bed = object().await;
    for (range, text, place) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=5-500", "56789", "bytes 5-9/10"),
    ] {
        let answer = ask(&bed, &[("Range", range)]).await;
        assert_eq!((answer.status, answer.text(), answer.header("content-range")), (206, text, place));
        assert_eq!(answer.header("content-length"), text.len().to_string());
        assert_eq!(answer.header("content-type"), "text/x-test");
    }
}

#[tokio::test]
async fn a_range_that_the_object_does_not_have_is_416_with_its_size() {
    let bed = object().await;
    for range in ["bytes=10-", "bytes=-0", "bytes=5-4", "bytes=x-"] {
        let answer = ask(&bed, &[("Range", range)]).await;
        assert_eq!((answer.status, answer.header("content-range")), (416, "bytes */10"), "{range}");
    }
}

#[tokio::test]
async fn several_ranges_and_other_units_get_the_whole() {
    let bed = object().await;
    for range in ["bytes=0-1,3-4", "lines=0-1"] {
        let answer = ask(&bed, &[("Range", range)]).await;
        assert_eq!((answer.status, answer.text()), (200, "0123456789"), "{range}");
    }
}

#[tokio::test]
async fn a_range_of_another_state_of_the_object_is_the_whole() {
    let bed = object().await;
    let whole = ask(&bed, &[]).await;
    for (condition, status) in [
        (whole.header("etag"), 206),
        (whole.header("last-modified"), 206),
        ("\"other\"", 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
    ] {
        let answer = ask(&bed, &[("Range", "bytes=0-1"), ("If-Range", condition)]).await;
        assert_eq!(answer.status, status, "{condition}");
    }
}

#[tokio::test]
async fn who_has_the_object_already_is_told_so_without_it() {
    let bed = object().await;
    let whole = ask(&bed, &[]).await;
    let (tag, time) = (whole.header("etag"), whole.header("last-modified"));
    for (name, value, status) in [
        ("If-None-Match", tag, 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-Modified-Since", time, 304),
        ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("If-Match", tag, 200),
        ("If-Match", "\"other\"", 412),
        ("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT", 412),
    ] {
        let answer = ask(&bed, &[(name, value), ("Range", "bytes=0-")]).await;
        let status = if status == 200 { 206 } else { status };
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(answer.header("etag"), tag);
        let text = if status == 206 { "0123456789" } else { "" };
        assert_eq!(answer.text(), text, "{name}: {value}");
    }
}

//! Appends, copies, and uploads that come in pieces or do not come to their end.

use tokio::io::AsyncWriteExt as _;

use crate::bed::{Answer, Bed};

#[tokio::test]
async fn an_append_at_the_end_goes_on_with_the_object() {
    let bed = Bed::new().await;
    bed.put("/a", "one").await;
    for (offset, piece) in [("3", " two"), ("7", ""), ("7", " three")] {
        let answer = bed.ask("PUT", "/a", &[("Blobstore-Offset", offset)], piece.as_bytes()).await;
        assert_eq!((answer.status, answer.text()), (200, ""));
    }
    bed.put("/whole", "one two three").await;
    let (appended, whole) = (bed.get("/a").await, bed.get("/whole").await);
    assert_eq!(appended.text(), "one two three");
    for name in ["etag", "content-length", "content-type"] {
        assert_eq!(appended.header(name), whole.header(name), "{name}");
    }
    assert_eq!(bed.contents(), 2);
}

#[tokio::test]
async fn an_append_goes_on_after_a_restart() {
    let bed = Bed::new().await;
    bed.put("/a", "one").await;
    bed.ask("PUT", "/a", &[("Blobstore-Offset", "3")], b" two").await;
    let bed = bed.restarted().await;
    assert_eq!(bed.ask("PUT", "/a", &[("Blobstore-Offset", "7")], b" three").await.status, 200);
    bed.put("/whole", "one two three").await;
    assert_eq!(bed.get("/a").await.header("etag"), bed.get("/whole").await.header("etag"));
}

#[tokio::test]
async fn an_append_anywhere_else_is_refused_and_changes_nothing() {
    let bed = Bed::new().await;
    bed.put("/a", "one").await;
    for offset in ["1", "2", "4"] {
        let answer = bed.ask("PUT", "/a", &[("Blobstore-Offset", offset)], b"more").await;
        assert_eq!((answer.status, answer.text()), (500, "the object has 3 bytes: append at that offset\n"));
    }
    for offset in ["-1", "x", "99999999999999999999"] {
        assert_eq!(
            bed.ask("PUT", "/a", &[("Blobstore-Offset", offset)], b"more").await.status,
            400,
            "{offset}"
        );
    }
    assert_eq!(bed.get("/a").await.text(), "one");
    assert_eq!(bed.contents(), 1);
}

#[tokio::test]
async fn an_append_to_nothing_is_a_conflict() {
    let bed = Bed::new().await;
    let answer = bed.ask("PUT", "/a", &[("Blobstore-Offset", "3")], b"more").await;
    assert_eq!((answer.status, answer.text()), (409, "there is no object /a to append to: put it first\n"));
    assert_eq!((bed.objects.count(), bed.contents()), (0, 0));
}

#[tokio::test]
async fn a_copy_is_an_object_of_its_own() {
    let bed = Bed::new().await;
    bed.put("/a", "text").await;
    let answer = bed.ask("PUT", "/b/c", &[("Blobstore-Copy-From", "//a/")], b"").await;
    assert_eq!((answer.status, answer.text()), (200, ""));
    let (source, copy) = (bed.get("/a").await, bed.get("/b/c").await);
    assert_eq!(copy.body, source.body);
    assert_eq!(copy.header("content-type"), source.header("content-type"));
    assert_eq!(copy.header("etag"), source.header("etag"));
    bed.ask("PUT", "/b/c", &[("Blobstore-Offset", "4")], b" more").await;
    bed.ask("DELETE", "/b", &[], b"").await;
    assert_eq!(bed.get("/a").await.text(), "text");
}

#[tokio::test]
async fn a_copy_needs_a_source_and_a_free_name() {
    let bed = Bed::new().await;
    let copy = async |to: &str, from: &str| bed.ask("PUT", to, &[("Blobstore-Copy-From", from)], b"").await;
    let answer = copy("/b", "/a").await;
    assert_eq!((answer.status, answer.text()), (404, "NotFound\n"));
    bed.put("/a", "text").await;
    bed.put("/b", "other").await;
    let answer = copy("/b", "/a").await;
    assert_eq!((answer.status, answer.text()), (500, "there is an object /b already: delete it first\n"));
    assert_eq!(copy("/c", "/").await.status, 400);
    let both = [("Blobstore-Copy-From", "/a"), ("Blobstore-Offset", "1")];
    assert_eq!(bed.ask("PUT", "/c", &both, b"").await.status, 400);
    assert_eq!(bed.get("/b").await.text(), "other");
    assert_eq!(bed.contents(), 2);
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let bed = Bed::new().await;
    let head = bed.head("PUT", "/a", &[("Transfer-Encoding", "chunked")], 0);
    let stream = bed.send(&(head + "3\r\none\r\n4\r\n two\r\n0\r\n\r\n")).await;
    assert_eq!(Answer::read(stream).await.status, 200);
    assert_eq!(bed.get("/a").await.text(), "one two");
}

#[tokio::test]
async fn an_object_larger_than_every_buffer_is_kept_whole() {
    let bed = Bed::new().await;
    let large: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).take(7_000_003).collect();
    bed.put("/large", &large).await;
    assert!(bed.get("/large").await.body == large);
    let part = bed.ask("GET", "/large", &[("Range", "bytes=65530-3000001")], b"").await;
    assert!(part.body == large[65_530..=3_000_001]);
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_the_old_object_and_no_file() {
    let bed = Bed::new().await;
    bed.put("/a", "old").await;
    let chunked = bed.head("PUT", "/a", &[("Transfer-Encoding", "chunked")], 0) + "5\r\nnew..\r\n";
    for request in [bed.head("PUT", "/a", &[], 1_000_000), chunked] {
        let mut stream = bed.send(&request).await;
        stream
            .write_all(&[b'n'; 300_000][..if request.contains("chunked") { 0 } else { 300_000 }])
            .await
            .unwrap();
        while bed.contents() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bed.get("/a").await.text(), "old");
        drop(stream);
        while bed.contents() > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bed.get("/a").await.text(), "old");
    }
}

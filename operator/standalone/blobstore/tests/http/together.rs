//! Several clients at the same objects: whoever reads sees one whole object or another, never parts of two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinSet;

use crate::bed::Bed;

const WRITERS: u8 = 4;
const ROUNDS: usize = 12;
/// More than the server holds of an object at once.
const SIZE: usize = 300_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_name_that_several_write_see_one_of_them_whole() {
    let bed = Arc::new(Bed::new().await);
    bed.put("/a", vec![b'a'; SIZE]).await;
    let (is_over, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let (bed, is_over, reads) = (bed.clone(), is_over.clone(), reads.clone());
        readers.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let answer = bed.get("/a").await;
                assert_eq!((answer.status, answer.body.len()), (200, SIZE));
                assert!(answer.body.iter().all(|byte| *byte == answer.body[0]), "parts of two objects");
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let bed = bed.clone();
        writers.spawn(async move {
            for _ in 0..ROUNDS {
                bed.put("/a", vec![b'a' + writer; SIZE]).await;
            }
        });
    }
    writers.join_all().await;
    is_over.store(true, Ordering::Relaxed);
    readers.join_all().await;
    assert!(reads.load(Ordering::Relaxed) > 0);
    assert_eq!(bed.contents(), 1, "former contents are gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_appends_at_one_offset_one_is_made() {
    let bed = Arc::new(Bed::new().await);
    bed.put("/a", "-").await;
    for round in 0..ROUNDS {
        let offset = (1 + round * 1000).to_string();
        let mut appends = JoinSet::new();
        for writer in 0..WRITERS {
            let (bed, offset) = (bed.clone(), offset.clone());
            let piece = vec![b'a' + writer; 1000];
            appends.spawn(async move {
                bed.ask("PUT", "/a", &[("Blobstore-Offset", &offset)], &piece).await.status
            });
        }
        let mut statuses = appends.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 500, 500, 500]);
    }
    let body = bed.get("/a").await.body;
    assert_eq!(body.len(), 1 + ROUNDS * 1000);
    assert!(body[1..].chunks(1000).all(|piece| piece.iter().all(|byte| *byte == piece[0])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_written_and_deleted_all_the_time_is_there_whole_or_not_there() {
    let bed = Arc::new(Bed::new().await);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (bed, is_over) = (bed.clone(), is_over.clone());
        readers.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let answer = bed.get("/a/b").await;
                assert!(answer.status == 404 || answer.body.len() == SIZE, "{}", answer.status);
            }
        });
    }
    for _ in 0..ROUNDS * 2 {
        bed.put("/a/b", vec![b'x'; SIZE]).await;
        assert_eq!(bed.ask("DELETE", "/a", &[], b"").await.status, 200);
    }
    is_over.store(true, Ordering::Relaxed);
    readers.join_all().await;
    assert_eq!((bed.objects.count(), bed.contents()), (0, 0));
}

#[tokio::test]
async fn a_stop_lets_a_request_end_that_has_begun() {
    use tokio::io::AsyncReadExt as _;

    let bed = Bed::new().await;
    bed.put("/a", vec![b'a'; 20_000_000]).await;
    let mut stream = bed.send(&bed.head("GET", "/a", &[], 0)).await;
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    let stop = tokio::spawn(bed.server.stop());
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    stop.await.unwrap();
    assert!(rest.len() > 19_999_000, "{}", rest.len());
}

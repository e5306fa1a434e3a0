//! What the API says when the disk does not do its work.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::objects::unreliable::{Trouble, Unreliable};
use crate::{AccessKey, Objects, Server};

struct Bed {
    server: Server,
    key: AccessKey,
    disk: Arc<Unreliable>,
    _folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(Unreliable::default());
        let objects = Arc::new(Objects::open_on(folder.path(), disk.clone()).unwrap());
        let (server, key) = (Server::start(0).await.unwrap(), AccessKey::generate());
        server.access().grant(&key, objects);
        Self { server, key, disk, _folder: folder }
    }

    /// The whole answer as text.
    async fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let key = self.key.reveal();
        let head = format!("{method} /{key}{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn a_full_disk_is_answered_with_507_and_a_reason_and_the_old_object_is_there() {
    let bed = Bed::new().await;
    bed.ask("PUT", "/a", "old").await;
    for step in [0, 1, 20] {
        bed.disk.trouble(Trouble::Full, step);
        let answer = bed.ask("PUT", "/a", &"new".repeat(6 << 20)).await;
        assert!(answer.starts_with("HTTP/1.1 507 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\nthe disk is full: free some space and try again\n"), "{answer}");
        let answer = bed.ask("GET", "/a", "").await;
        assert!(answer.ends_with("\r\n\r\nold"), "{answer}");
    }
    bed.disk.mend();
    assert!(bed.ask("PUT", "/a", "new").await.starts_with("HTTP/1.1 200 "));
    assert!(bed.ask("GET", "/a", "").await.ends_with("\r\n\r\nnew"));
}

#[tokio::test]
async fn a_disk_that_fails_is_an_internal_error_and_an_unhealthy_status() {
    let bed = Bed::new().await;
    assert!(bed.ask("GET", "/.well-known/status", "").await.starts_with("HTTP/1.1 200 "));
    bed.disk.trouble(Trouble::Dead, 0);
    let answer = bed.ask("PUT", "/a", "new").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nInternal Server Error\n"), "{answer}");
    let answer = bed.ask("GET", "/.well-known/status", "").await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains(r#""status": "unhealthy""#), "{answer}");
    bed.disk.mend();
    assert!(bed.ask("GET", "/.well-known/status", "").await.starts_with("HTTP/1.1 200 "));
}

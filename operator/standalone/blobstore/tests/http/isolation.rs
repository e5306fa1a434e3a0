//! Who gets at what: the key in the path, and where the server listens.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use blobstore::{AccessKey, Objects, Server};
use tokio::net::TcpStream;

use crate::bed::{Answer, Bed};

/// The answer to a request without the key.
async fn ask(server: &Server, method: &str, path: &str) -> Answer {
    use tokio::io::AsyncWriteExt as _;

    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: blobs\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    Answer::read(stream).await
}

#[tokio::test]
async fn a_key_opens_its_own_blobstore_and_no_other() {
    let bed = Bed::new().await;
    bed.put("/a", "one").await;
    let folder = tempfile::tempdir().unwrap();
    let other = AccessKey::generate();
    bed.server.access().grant(&other, Arc::new(Objects::open(folder.path()).unwrap()));
    let other = other.reveal();
    assert_eq!(ask(&bed.server, "GET", &format!("/{other}/a")).await.status, 404);
    assert_eq!(ask(&bed.server, "GET", &format!("/{other}/")).await.text(), "[]");
    // A step back is one below the key.
    assert_eq!(ask(&bed.server, "GET", &format!("/{other}/../{}/a", bed.key.reveal())).await.status, 404);
    assert_eq!(ask(&bed.server, "DELETE", &format!("/{other}/a")).await.status, 200);
    assert_eq!(bed.get("/a").await.text(), "one");
}

#[tokio::test]
async fn without_a_key_there_is_nothing() {
    let bed = Bed::new().await;
    bed.put("/a", "one").await;
    let (short, long) = (&bed.key.reveal()[1..], format!("{}x", bed.key.reveal()));
    for path in [
        "/",
        "/a",
        "//a",
        &format!("/{short}/a"),
        &format!("/{long}/a"),
        &format!("//{}/a", bed.key.reveal()),
    ] {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            assert_eq!(ask(&bed.server, method, path).await.status, 404, "{method} {path}");
        }
    }
    assert_eq!(bed.get("/a").await.text(), "one");
}

#[tokio::test]
async fn a_key_that_is_revoked_opens_nothing_and_its_successor_everything() {
    let bed = Bed::new().await;
    bed.put("/a", "one").await;
    let next = AccessKey::generate();
    let path = format!("/{}/a", next.reveal());
    bed.server.access().grant(&next, bed.objects.clone());
    assert_eq!((bed.get("/a").await.text(), ask(&bed.server, "GET", &path).await.text()), ("one", "one"));
    bed.server.access().revoke(&bed.key);
    assert_eq!((bed.get("/a").await.status, ask(&bed.server, "GET", &path).await.status), (404, 200));
}

#[tokio::test]
async fn the_server_listens_on_loopback_only() {
    let bed = Bed::new().await;
    assert_eq!(bed.server.address().ip(), Ipv4Addr::LOCALHOST);
    // All of 127/8 is this machine; a server that listened everywhere would answer here.
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], bed.server.address().port()));
    assert!(TcpStream::connect(elsewhere).await.is_err());
}

#[tokio::test]
async fn the_status_is_told_with_and_without_a_key_and_is_no_object() {
    let bed = Bed::new().await;
    for path in [
        "/.well-known/status".to_owned(),
        bed.path("/.well-known/status"),
        bed.path("/a/../.well-known//status"),
    ] {
        let answer = ask(&bed.server, "GET", &path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(json["data"]["status"], "healthy");
        assert!(json["data"]["version"].is_string());
        assert_eq!(ask(&bed.server, "HEAD", &path).await.status, 200);
        assert_eq!(ask(&bed.server, "PUT", &path).await.status, 405);
    }
    assert_eq!(bed.contents(), 0, "the check leaves nothing");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let bed = Bed::new().await;
    let port = bed.server.address().port();
    let refused = Server::start(port).await.unwrap_err();
    assert!(refused.to_string().contains(&port.to_string()), "{refused}");
}

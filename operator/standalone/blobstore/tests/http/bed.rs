//! A server with one Blobstore, and a client that writes bytes and reads bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use blobstore::{AccessKey, Objects, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A server with one Blobstore.
pub(crate) struct Bed {
    pub(crate) server: Server,
    pub(crate) key: AccessKey,
    pub(crate) objects: Arc<Objects>,
    pub(crate) folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap()).await
    }

    /// Another server, on the same folder.
    pub(crate) async fn restarted(self) -> Self {
        let Self { server, objects, folder, key: _ } = self;
        server.stop().await;
        drop(Arc::into_inner(objects).expect("a server that has stopped has no objects"));
        Self::on(folder).await
    }

    async fn on(folder: tempfile::TempDir) -> Self {
        let objects = Arc::new(Objects::open(folder.path()).unwrap());
        let (server, key) = (Server::start(0).await.unwrap(), AccessKey::generate());
        server.access().grant(&key, objects.clone());
        Self { server, key, objects, folder }
    }

    /// A path of the Blobstore, as a client of the server has to write it.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("/{}{path}", self.key.reveal())
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    /// Writes an object, which has to succeed.
    pub(crate) async fn put(&self, path: &str, body: impl AsRef<[u8]>) {
        let answer = self.ask("PUT", path, &[("Content-Type", "text/x-test")], body.as_ref()).await;
        assert_eq!((answer.status, answer.text()), (200, ""), "PUT {path}");
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.send(&self.head(method, path, headers, body.len())).await;
        stream.write_all(body).await.unwrap();
        Answer::read(stream).await
    }

    /// A request up to its body.
    pub(crate) fn head(&self, method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
        let mut head =
            format!("{method} {} HTTP/1.1\r\nHost: blobs\r\nConnection: close\r\n", self.path(path));
        if length > 0 {
            head += &format!("Content-Length: {length}\r\n");
        }
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        head + "\r\n"
    }

    /// A new connection on which this was sent.
    pub(crate) async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// How many contents are in the folder, those included that are on their way.
    pub(crate) fn contents(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("contents")).unwrap().count()
    }
}

impl Answer {
    pub(crate) async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| {
            panic!("no head: {:?}", String::from_utf8_lossy(&bytes));
        });
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let headers = headers.lines().filter_map(|line| line.split_once(": "));
        Self {
            status: line.split(' ').nth(1).unwrap().parse().unwrap(),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

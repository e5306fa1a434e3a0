//! An endpoint: a server that records what it is sent and answers as a test tells it to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use socket2::SockRef;

use crate::client::{PATIENCE, field};
use crate::site::loopback;

/// A server on a port of its own. It stops accepting when it is dropped.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    closed: AtomicUsize,
    stopped: AtomicBool,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The body's bytes with their framing.
    pub(crate) raw_body: Vec<u8>,
}

/// One connection to the endpoint.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
    log: Arc<Log>,
}

/// Answers with the body that it got.
pub(crate) fn echo() -> Endpoint {
    Endpoint::answering(|seen: &Seen| {
        let body = String::from_utf8(seen.body.clone()).unwrap();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    })
}

impl Endpoint {
    /// Answers every request with 200 and this body.
    pub(crate) fn text(body: &str) -> Self {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        Self::answering(move |_| answer.clone())
    }

    /// Answers every request with the bytes that a function makes of it.
    pub(crate) fn answering(answer: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Self {
        Self::serving(move |connection| {
            while let Some(seen) = connection.request() {
                connection.send(answer(&seen));
            }
        })
    }

    /// Serves every connection with a function, each on a thread of its own.
    pub(crate) fn serving(serve: impl Fn(&mut Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(loopback(0)).unwrap();
        // As many as come at once may wait; the usual 128 are fewer than some tests make.
        SockRef::from(&listener).listen(4096).unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let serve = Arc::new(serve);
        let accepted = log.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepted.stopped.load(Ordering::SeqCst) {
                    return;
                }
                accepted.connections.fetch_add(1, Ordering::SeqCst);
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(PATIENCE * 3)).unwrap();
                let mut connection = Connection { stream, read: Vec::new(), log: accepted.clone() };
                let serve = serve.clone();
                thread::spawn(move || {
                    serve(&mut connection);
                    let log = connection.log.clone();
                    drop(connection);
                    log.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, log }
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.log.requests.lock().unwrap().clone()
    }

    /// The last request.
    pub(crate) fn last(&self) -> Seen {
        self.requests().pop().expect("the endpoint got a request")
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// How many connections the endpoint has closed so far.
    pub(crate) fn closed(&self) -> usize {
        self.log.closed.load(Ordering::SeqCst)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.log.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, so that it sees that.
        let _ = TcpStream::connect(self.address);
    }
}

impl Connection {
    /// The next request with its body; `None` when the router is done with the connection.
    pub(crate) fn request(&mut self) -> Option<Seen> {
        let head = self.head()?;
        let mut seen = Seen { head, body: Vec::new(), raw_body: Vec::new() };
        if let Some(length) = seen.header("Content-Length") {
            let length = length.parse().unwrap();
            seen.raw_body = self.bytes(length)?;
            seen.body.clone_from(&seen.raw_body);
        } else if seen.header("Transfer-Encoding").is_some() {
            self.chunks(&mut seen)?;
        }
        self.log.requests.lock().unwrap().push(seen.clone());
        Some(seen)
    }

    /// The next head, without its empty line.
    pub(crate) fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                return Some(String::from_utf8(head[..end].to_vec()).unwrap());
            }
            self.fill()?;
        }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            self.fill()?;
        }
        Some(self.read.drain(..count).collect())
    }

    /// What was read and not used yet.
    pub(crate) fn left_over(&self) -> &[u8] {
        &self.read
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Waits until the router has closed the connection.
    pub(crate) fn wait_for_end(&mut self) {
        while self.fill().is_some() {}
    }

    fn chunks(&mut self, seen: &mut Seen) -> Option<()> {
        loop {
            let line = self.line()?;
            let length = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            if length == 0 {
                seen.raw_body.extend_from_slice(&line);
                return self.trailers(seen);
            }
            let data = self.bytes(length + 2)?;
            seen.body.extend_from_slice(&data[..length]);
            seen.raw_body.extend_from_slice(&line);
            seen.raw_body.extend_from_slice(&data);
        }
    }

    /// The lines after the chunks, up to the empty one.
    fn trailers(&mut self, seen: &mut Seen) -> Option<()> {
        loop {
            let line = self.line()?;
            seen.raw_body.extend_from_slice(&line);
            if line == b"\r\n" {
                return Some(());
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.read.windows(2).position(|bytes| bytes == b"\r\n") {
                return self.bytes(end + 2);
            }
            self.fill()?;
        }
    }

    pub(crate) fn fill(&mut self) -> Option<()> {
        let mut bytes = [0; 16 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(0) | Err(_) => None,
            Ok(count) => {
                self.read.extend_from_slice(&bytes[..count]);
                Some(())
            }
        }
    }
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// The request target, as it was written.
    pub(crate) fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }
}

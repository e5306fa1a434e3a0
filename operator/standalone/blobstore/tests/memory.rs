//! Slow clients take no memory: whatever the size of an object, the server holds a few pieces of it for each.
//!
//! Alone in its program, because it looks at the memory of the whole process.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use blobstore::{AccessKey, Name, Objects, Server};

const CLIENTS: usize = 64;
const OBJECT: usize = 64 << 20;
/// Of the four gigabytes that the clients ask for.
const MOST: usize = 96 << 20;

#[test]
fn sixty_four_slow_readers_of_a_large_object_hold_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path()).unwrap();
    let mut staged = objects.stage().unwrap();
    (0..OBJECT >> 20).for_each(|_| staged.write(&vec![7; 1 << 20]).unwrap());
    objects.put(&Name::new("/large").unwrap(), None, staged).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(Server::start(0)).unwrap();
    let key = AccessKey::generate();
    server.access().grant(&key, Arc::new(objects));

    let before = resident();
    let request = format!("GET /{}/large HTTP/1.1\r\nHost: blobs\r\n\r\n", key.reveal());
    let mut readers: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    // By then each answer has filled the buffers on its way, several times.
    for _ in 0..8 {
        readers.iter_mut().for_each(|stream| stream.read_exact(&mut vec![0; 1 << 20]).unwrap());
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < MOST, "{} MiB for {CLIENTS} slow readers", grown >> 20);
}

/// The memory that this process has from the system, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

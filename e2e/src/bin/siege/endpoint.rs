//! What answers behind the router, in a thread of its own: two bytes, or on `/much` as many as anybody takes.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::time::timeout;

/// Connections that may wait to be accepted. With the 128 of the standard library, a busy machine drops some when all readers
/// come at once; the router's dial then takes too long, and it answers 503 where a reader is meant to wait.
const BACKLOG: u32 = 4_096;

/// An answer of which nothing is taken for so long waits: all buffers on the way are full.
const REST: Duration = Duration::from_secs(1);

/// A running endpoint. It ends with the process.
pub(crate) struct Endpoint {
    address: SocketAddr,
    waiting: Arc<AtomicU32>,
}

impl Endpoint {
    pub(crate) fn start() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            listen()?
        };
        let address = listener.local_addr()?;
        let waiting = Arc::new(AtomicU32::new(0));
        let counted = waiting.clone();
        thread::spawn(move || runtime.block_on(serve(listener, counted)));
        Ok(Self { address, waiting })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many answers on `/much` nobody takes any more of.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // What waits in the endpoint's own buffers is none of the router's cost. Connections inherit it.
    socket.set_send_buffer_size(32 * 1024)?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(BACKLOG)
}

async fn serve(listener: TcpListener, waiting: Arc<AtomicU32>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let waiting = waiting.clone();
        tokio::spawn(async move {
            // The router closes connections as it likes.
            let _ = answer(BufReader::new(stream), &waiting).await;
        });
    }
}

async fn answer(mut stream: BufReader<TcpStream>, waiting: &AtomicU32) -> io::Result<()> {
    let mut line = String::new();
    let mut much = false;
    while stream.read_line(&mut line).await? > 0 {
        much |= line.starts_with("GET /much ");
        let is_end = line == "\r\n";
        line.clear();
        if is_end && much {
            return pour(stream.get_mut(), waiting).await;
        }
        if is_end {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
        }
    }
    Ok(())
}

/// Sends a gigabyte, or as much as is taken.
async fn pour(stream: &mut TcpStream, waiting: &AtomicU32) -> io::Result<()> {
    static BLOCK: [u8; 16 * 1024] = [b'x'; 16 * 1024];
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n").await?;
    for _ in 0..65_536 {
        let mut write = pin!(stream.write_all(&BLOCK));
        if let Ok(written) = timeout(REST, &mut write).await {
            written?;
            continue;
        }
        waiting.fetch_add(1, Ordering::Relaxed);
        let written = write.await;
        waiting.fetch_sub(1, Ordering::Relaxed);
        written?;
    }
    Ok(())
}

//! Takes connections off a listening socket, as long as there is room.
//!
//! In comes a socket; out goes a task per connection, in a seat. When there are too many connections, or no file
//! descriptor is left, one that waits for its client makes room; if none does, the new one is closed at once. Hot, but
//! for running out, which must cost little too.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::listen::BACKLOG;
use super::worker::{Seat, Worker};

/// How long to wait when no connection can be accepted, because file descriptors or memory have run out.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Accepts until the worker is told to stop, and then what waits already: it was promised an answer.
pub(super) async fn accept<F, O>(listener: TcpListener, worker: Rc<Worker>, open: O)
where
    F: Future<Output = ()> + 'static,
    O: Fn(TcpStream, IpAddr, Rc<Seat>, Rc<Worker>) -> F,
{
    loop {
        let accepted = tokio::select! {
            biased;
            () = worker.until_stopping() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(stream, peer.ip(), &worker, &open),
            Err(error) => recover(&listener, &worker, &error).await,
        }
    }
    if let Ok(listener) = listener.into_std() {
        // More than the system lets wait cannot have been promised anything.
        for _ in 0..BACKLOG {
            let Ok((stream, peer)) = listener.accept() else { break };
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                admit(stream, peer.ip(), &worker, &open);
            }
        }
    }
}

/// Gives a connection a seat, or closes it.
fn admit<F, O>(stream: TcpStream, peer: IpAddr, worker: &Rc<Worker>, open: &O)
where
    F: Future<Output = ()> + 'static,
    O: Fn(TcpStream, IpAddr, Rc<Seat>, Rc<Worker>) -> F,
{
    worker.counters.connections.add_one();
    if !worker.limits.enter() && !worker.make_room() {
        worker.limits.leave();
        worker.counters.connections_shed.add_one();
        return;
    }
    worker.sit(|seat| open(stream, peer, seat, worker.clone()));
}

/// Does what can be done about a connection that could not be accepted.
async fn recover(listener: &TcpListener, worker: &Worker, error: &io::Error) {
    let errno = Errno::from_io_error(error);
    if errno == Some(Errno::CONNABORTED) {
        return;
    }
    worker.warn_of_exhaustion(error);
    let out_of_files = matches!(errno, Some(Errno::MFILE | Errno::NFILE));
    if out_of_files && worker.make_room() {
        // Its socket is closed when its task is dropped.
        return yield_now().await;
    }
    if !(out_of_files && shed(listener, worker).await) {
        sleep(EXHAUSTED).await;
    }
}

/// Closes the connection that waits longest, with the descriptor that is kept for this. Whether it could.
async fn shed(listener: &TcpListener, worker: &Worker) -> bool {
    drop(worker.reserve.take());
    let accepted = poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await;
    let closed = matches!(accepted, Poll::Ready(Ok(_)));
    drop(accepted);
    worker.reserve.replace(reserve());
    if closed {
        worker.counters.connections.add_one();
        worker.counters.connections_shed.add_one();
    }
    closed
}

/// A descriptor that is kept for the moment when there is no other.
pub(super) fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

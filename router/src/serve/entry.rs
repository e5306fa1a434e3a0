//! What an accepted connection goes through until it speaks HTTP: the PROXY protocol, TLS, the choice of the version.
//!
//! In comes a socket; it ends in the loop of `http/connection.rs` or that of `http2/`. Whoever is too slow here, or says
//! something else, is cut off, and counted. Hot, once per connection.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::worker::{Seat, Worker};
use crate::http::Buffer;
use crate::http::connection::{Door, Peer, serve};
use crate::http2::{self, Visit};
use crate::metrics::Handshake;
use crate::tls::stranger;
use crate::{proxy_protocol, tls};

/// Serves a connection without TLS.
pub(super) async fn plain(
    stream: TcpStream,
    peer: IpAddr,
    door: Rc<Door>,
    worker: Rc<Worker>,
    seat: Rc<Seat>,
) {
    let Some(peer) = identify(&stream, peer, &worker, &seat).await else {
        return;
    };
    let mut peer = Peer { address: peer, server_name: None, http2: false };
    if let Some(preface) = serve(stream, peer.clone(), door.clone(), worker.clone(), seat.clone()).await {
        peer.http2 = true;
        // In a box, so that no connection is as large as one of HTTP/2.
        Box::pin(http2::serve(preface.stream, preface.input, Visit { peer, door, worker, seat })).await;
    }
}

/// Serves a connection with TLS.
pub(super) async fn secure(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    peer: IpAddr,
    door: Rc<Door>,
    worker: Rc<Worker>,
    seat: Rc<Seat>,
) {
    let Some(peer) = identify(&stream, peer, &worker, &seat).await else {
        return;
    };
    let handshake = async {
        let mut start = [0; stranger::START];
        let length = stream.peek(&mut start).await?;
        if let Some(answer) = stranger::answer(&start[..length]) {
            refuse(&stream, answer).await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        acceptor.accept(stream).await
    };
    let handshake = timeout(worker.options.timeouts.handshake, handshake).await;
    let server_name = match &handshake {
        Ok(Ok(stream)) => stream.get_ref().1.server_name().map(Rc::from),
        _ => None,
    };
    worker.counters.handshake(outcome(&handshake));
    let mut peer = Peer { address: peer, server_name, http2: false };
    match handshake {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) => {
            peer.http2 = true;
            Box::pin(http2::serve(stream, Buffer::default(), Visit { peer, door, worker, seat })).await;
        }
        Ok(Ok(stream)) => {
            serve(stream, peer, door, worker, seat).await;
        }
        Ok(Err(_)) | Err(_) => {}
    }
}

/// What came of a handshake, for the counters.
fn outcome<S>(handshake: &Result<io::Result<S>, Elapsed>) -> Handshake {
    let error = match handshake {
        Ok(Ok(_)) => return Handshake::Done,
        Ok(Err(error)) => error,
        Err(_) => return Handshake::Late,
    };
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        // There is no certificate for the name: the resolver has no other way to say no.
        Some(rustls::Error::General(_)) => Handshake::UnknownName,
        Some(rustls::Error::PeerIncompatible(_)) => Handshake::Incompatible,
        None if error.kind() == io::ErrorKind::InvalidData => Handshake::NotTls,
        _ => Handshake::Broken,
    }
}

/// Where the client is, if it may stay: as the load balancer says, if there may be one, else at the connection's end.
async fn identify(stream: &TcpStream, peer: IpAddr, worker: &Worker, seat: &Seat) -> Option<IpAddr> {
    let mut client = peer;
    if worker.proxy_protocol {
        match timeout(worker.options.timeouts.handshake, proxy_protocol::take(stream)).await {
            Ok(Ok(named)) => client = named.map_or(peer, |address| address.ip()),
            Ok(Err(_)) | Err(_) => {
                worker.counters.refused_proxy_headers.add_one();
                return None;
            }
        }
    }
    seat.claim(client).then_some(client)
}

/// Tells a client that its language is not spoken here.
async fn refuse(stream: &TcpStream, answer: &[u8]) -> io::Result<()> {
    // Read what there is, so that closing does not reset the connection under the answer.
    let _ = stream.try_read(&mut [0; 4096]);
    stream.async_io(Interest::WRITABLE, || stream.try_write(answer)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of what an async function makes.
    fn size<A, B, C, D, E, F>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    /// It is held for as long as the connection is there, idle or not.
    #[test]
    fn a_connection_of_http_1_takes_little_memory() {
        assert!(size(plain) <= 4096, "{} bytes", size(plain));
    }
}

//! One connection to the port of a TCP route: its bytes go to an endpoint and back, as they are.
//!
//! In comes a client's connection; nothing comes out but its end. Which endpoint gets it is decided by the table when it
//! is accepted, and stays so: a later table is for later connections. Endpoints are dialled one after the other, in an
//! order that is drawn for each connection, those that are not well at its end; without one that answers, the client's
//! connection is closed. An end on one side is passed on as such. There is no idle limit: the kernel finds out who is
//! gone (keepalive).

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::http::{Buffer, tunnel};
use crate::metrics::Spoken;
use crate::serve::worker::{Phase, Seat, Worker};
use crate::table::{Endpoint, Table};
use crate::upstream::{Lease, Upstream};

/// Serves a connection until both sides have ended.
pub(crate) async fn serve(
    mut client: TcpStream,
    peer: IpAddr,
    port: u16,
    worker: Rc<Worker>,
    seat: Rc<Seat>,
) {
    // It has been asked for already: it gets the whole grace of a shutdown.
    seat.set_phase(Phase::Busy);
    if !seat.claim(peer) {
        return;
    }
    let endpoints = endpoints(&worker.handle.table(), port, peer);
    let Some(mut lease) = connect(&worker.upstream, &client, endpoints).await else {
        return;
    };
    let (mut upload, mut download) = (Buffer::default(), Buffer::default());
    let one = tunnel::End { stream: &mut client, input: &mut upload, output: Buffer::default() };
    let other = tunnel::End { stream: &mut lease.stream, input: &mut download, output: Buffer::default() };
    let began = Instant::now();
    let (received, sent) = tunnel::run(one, other).await;
    worker.counters.request(Spoken::Tcp, began.elapsed(), received, sent);
}

/// The endpoints for a client, in the order in which they are tried. None if nobody serves it.
fn endpoints(table: &Table, port: u16, client: IpAddr) -> Vec<Arc<Endpoint>> {
    let route = table.tcp.get(&port).filter(|route| route.admits(client));
    let service = route.and_then(|route| Some((table.service(route.service)?, route.leader)));
    let mut endpoints =
        service.map(|(service, leader)| service.candidates(leader).to_vec()).unwrap_or_default();
    fastrand::shuffle(&mut endpoints);
    endpoints.sort_by_key(|endpoint| endpoint.is_suspect());
    endpoints
}

/// A connection to the first endpoint that answers.
async fn connect(upstream: &Upstream, client: &TcpStream, endpoints: Vec<Arc<Endpoint>>) -> Option<Lease> {
    for endpoint in endpoints {
        if let Some(lease) = upstream.dial(endpoint).await {
            return Some(lease);
        }
        if has_ended(client) {
            return None;
        }
    }
    None
}

/// Whether the client has closed its side, which looks the same whether it still listens or not.
fn has_ended(client: &TcpStream) -> bool {
    // Nothing that this interest stands for can come on a stream but its end.
    let end = pin!(client.ready(Interest::PRIORITY));
    match end.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(ready)) => ready.is_read_closed(),
        Poll::Ready(Err(_)) => true,
        Poll::Pending => false,
    }
}

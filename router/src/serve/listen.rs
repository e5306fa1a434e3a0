//! The listening sockets of all workers.
//!
//! In come the addresses of the configuration; out goes one socket per address and worker. All sockets of an address
//! share its port; whether another process has it is asked first, because sharing would not fail, unless that is wanted.
//! What accepted connections have in common is set here once: they inherit it.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use router_config::{Listen, Scheme};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use super::{Addresses, StartError};
use crate::table::DEFAULT_PORTS;

/// Connections that may wait to be accepted; the system may allow fewer.
pub(super) const BACKLOG: i32 = 4096;

/// How long a silent client's connection may last before the kernel asks whether it is still there, as in Flynn.
const KEEPALIVE: Duration = Duration::from_secs(180);

/// How many bytes of a response the kernel takes beyond what the client's window allows. Without a bound it takes megabytes
/// (`tcp_wmem`): a client that reads nothing would cost those, and its response would count as delivered.
const UNSENT: u32 = 64 * 1024;

/// Sockets that listen.
pub(super) struct Sockets {
    pub(super) addresses: Addresses,
    pub(super) by_worker: Vec<Vec<Listener>>,
    /// Of the admin API.
    pub(super) admin: Option<TcpListener>,
}

/// One socket of one worker.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    pub(super) scheme: Scheme,
    pub(super) port: u16,
    /// The port that hosts are looked up by.
    pub(super) lookup_port: u16,
}

/// Opens them. `shared` says whether another process may have them too.
pub(super) fn open(listen: &Listen, workers: usize, shared: bool) -> Result<Sockets, StartError> {
    check(listen)?;
    let mut by_worker = Vec::new();
    by_worker.resize_with(workers, Vec::new);
    let mut open = |wanted: SocketAddr, scheme, is_extra: bool| {
        let (address, sockets) = open_all(wanted, workers, shared)?;
        let port = address.port();
        let lookup_port = if is_extra { port } else { DEFAULT_PORTS };
        for (listeners, socket) in by_worker.iter_mut().zip(sockets) {
            listeners.push(Listener { socket, scheme, port, lookup_port });
        }
        Ok::<_, StartError>(address)
    };
    let mut all = |wanted: &[SocketAddr], scheme, is_extra| {
        wanted.iter().map(|address| open(*address, scheme, is_extra)).collect::<Result<Vec<_>, _>>()
    };
    let admin = listen.admin.map(|address| open_all(address, 1, shared)).transpose()?;
    let (admin_address, admin) =
        admin.map_or((None, None), |(address, mut sockets)| (Some(address), sockets.pop()));
    let addresses = Addresses {
        http: all(listen.http.as_slice(), Scheme::Http, false)?.pop(),
        https: all(listen.https.as_slice(), Scheme::Https, false)?.pop(),
        extra_http: all(&listen.extra_http, Scheme::Http, true)?,
        extra_https: all(&listen.extra_https, Scheme::Https, true)?,
        admin: admin_address,
    };
    Ok(Sockets { addresses, by_worker, admin })
}

/// Refuses what cannot be, before anything is opened.
fn check(listen: &Listen) -> Result<(), StartError> {
    let Listen { http, https, extra_http, extra_https, tcp, proxy_protocol: _, admin } = listen;
    let served = || http.iter().chain(https).chain(extra_http).chain(extra_https);
    if served().next().is_none() && tcp.is_none() {
        return Err(StartError::NoAddress);
    }
    let mut seen = BTreeSet::new();
    let mut fixed = served().chain(admin).filter(|address| address.port() != 0);
    if let Some(twice) = fixed.find(|address| !seen.insert(**address)) {
        return Err(StartError::SharedAddress(*twice));
    }
    match tcp {
        Some(range) if range.first == 0 || range.last < range.first => {
            Err(StartError::Range { first: range.first, last: range.last })
        }
        _ => Ok(()),
    }
}

/// Opens a socket for each worker. With port 0 the first one gets a port and the others share it.
pub(super) fn open_all(
    wanted: SocketAddr,
    workers: usize,
    shared: bool,
) -> Result<(SocketAddr, Vec<TcpListener>), StartError> {
    let refused = |error| refused(wanted, error);
    if wanted.port() != 0 && !shared {
        socket(wanted, false).map_err(refused)?;
    }
    let mut address = wanted;
    let mut listeners = Vec::with_capacity(workers);
    for _ in 0..workers {
        let listener = socket(address, true).and_then(start).map_err(refused)?;
        address = listener.local_addr().map_err(refused)?;
        listeners.push(listener);
    }
    Ok((address, listeners))
}

/// Takes a port without listening: whoever connects is refused, and nobody else can have it.
pub(super) fn hold(address: SocketAddr, shared: bool) -> Result<Socket, StartError> {
    let bind = || {
        if !shared {
            socket(address, false)?;
        }
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // Not `SO_REUSEADDR`: whoever sets that gets the port of a socket that has set it too and does not listen.
        socket.set_reuse_port(true)?;
        restrict(&socket, address)?;
        socket.bind(&address.into())?;
        Ok(socket)
    };
    bind().map_err(|error| refused(address, error))
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a process before this one may still linger on the port.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    restrict(&socket, address)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// All IPv6 addresses are all IPv4 addresses too; a single one is no other.
fn restrict(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => Ok(()),
        SocketAddr::V6(v6) => socket.set_only_v6(!v6.ip().is_unspecified()),
    }
}

fn start(socket: Socket) -> io::Result<TcpListener> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    socket.set_tcp_notsent_lowat(UNSENT)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn refused(address: SocketAddr, source: io::Error) -> StartError {
    match source.kind() {
        io::ErrorKind::AddrInUse => StartError::InUse(address),
        io::ErrorKind::PermissionDenied => StartError::NotPermitted(address),
        io::ErrorKind::AddrNotAvailable => StartError::NotOurs(address),
        _ => StartError::Listen { address, source },
    }
}

#[cfg(test)]
mod tests;

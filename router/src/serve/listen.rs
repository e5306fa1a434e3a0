//! The listening sockets of all workers.
//!
//! In come the addresses of the configuration; out goes one socket per address and worker. All sockets of an address
//! share its port; whether another process has it is asked first, because sharing would not fail, unless that is wanted.

use std::io;
use std::net::{SocketAddr, TcpListener};

use router_config::Listen;
use socket2::{Domain, Protocol, Socket, Type};

use super::{Addresses, StartError};

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// Sockets that listen.
pub(super) struct Sockets {
    pub(super) addresses: Addresses,
    pub(super) by_worker: Vec<Listeners>,
}

/// The sockets of one worker.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    pub(super) http: Option<TcpListener>,
    pub(super) https: Option<TcpListener>,
}

/// Opens them. `shared` says whether another process may have them too.
pub(super) fn open(listen: &Listen, workers: usize, shared: bool) -> Result<Sockets, StartError> {
    match (listen.http, listen.https) {
        (None, None) => return Err(StartError::NoAddress),
        (Some(http), Some(https)) if http == https && http.port() != 0 => {
            return Err(StartError::SharedAddress(http));
        }
        _ => {}
    }
    let mut sockets = Sockets { addresses: Addresses::default(), by_worker: Vec::new() };
    sockets.by_worker.resize_with(workers, Listeners::default);
    if let Some(address) = listen.http {
        let listeners = sockets.by_worker.iter_mut().map(|worker| &mut worker.http);
        sockets.addresses.http = Some(open_all(address, shared, listeners)?);
    }
    if let Some(address) = listen.https {
        let listeners = sockets.by_worker.iter_mut().map(|worker| &mut worker.https);
        sockets.addresses.https = Some(open_all(address, shared, listeners)?);
    }
    Ok(sockets)
}

/// Opens a socket in each place. With port 0 the first one gets a port and the others share it.
fn open_all<'a>(
    wanted: SocketAddr,
    shared: bool,
    places: impl Iterator<Item = &'a mut Option<TcpListener>>,
) -> Result<SocketAddr, StartError> {
    let refused = |error| refused(wanted, error);
    if wanted.port() != 0 && !shared {
        socket(wanted, false).map_err(refused)?;
    }
    let mut address = wanted;
    for place in places {
        let listener = socket(address, true).and_then(start).map_err(refused)?;
        address = listener.local_addr().map_err(refused)?;
        *place = Some(listener);
    }
    Ok(address)
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a process before this one may still linger on the port.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if let SocketAddr::V6(v6) = address {
        socket.set_only_v6(!v6.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn start(socket: Socket) -> io::Result<TcpListener> {
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
mod tests {
    use super::*;

    fn listen(http: Option<&str>, https: Option<&str>) -> Listen {
        let parse = |address: &str| address.parse().unwrap();
        Listen { http: http.map(parse), https: https.map(parse) }
    }

    #[test]
    fn all_workers_share_the_port_that_the_first_one_got() {
        let sockets = open(&listen(Some("127.0.0.1:0"), Some("127.0.0.1:0")), 3, false).unwrap();
        let http = sockets.addresses.http.unwrap();
        assert_ne!(http.port(), 0);
        assert_ne!(Some(http), sockets.addresses.https);
        for worker in &sockets.by_worker {
            assert_eq!(worker.http.as_ref().unwrap().local_addr().unwrap(), http);
        }
    }

    #[test]
    fn an_address_in_use_is_refused_even_if_its_user_shares_it() {
        let first = open(&listen(Some("127.0.0.1:0"), None), 1, false).unwrap();
        let address = first.addresses.http.unwrap().to_string();
        let refused = open(&listen(Some(&address), None), 1, false).map(|_| ()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("the address {address} is in use: stop what listens there, or choose another port")
        );
    }

    #[test]
    fn a_port_that_is_shared_on_purpose_is_not_in_use() {
        let first = open(&listen(Some("127.0.0.1:0"), None), 1, true).unwrap();
        let address = first.addresses.http.unwrap().to_string();
        let second = open(&listen(Some(&address), None), 1, true).unwrap();
        assert_eq!(second.addresses.http, first.addresses.http);
    }

    #[test]
    fn an_address_that_cannot_be_listened_on_says_why() {
        let refused = |http, https| open(&listen(http, https), 1, false).map(|_| ()).unwrap_err();
        assert!(matches!(refused(None, None), StartError::NoAddress));
        assert!(matches!(refused(Some("192.0.2.1:8080"), None), StartError::NotOurs(_)));
        let same = Some("127.0.0.1:18080");
        assert!(matches!(refused(same, same), StartError::SharedAddress(_)));
    }
}

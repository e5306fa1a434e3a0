use std::net::TcpStream;

use router_config::TcpRange;
use socket2::SockRef;

use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn listen(http: Option<&str>, https: Option<&str>) -> Listen {
    Listen { http: http.map(address), https: https.map(address), ..Listen::default() }
}

fn refused(listen: &Listen) -> StartError {
    open(listen, 1, false).map(|_| ()).unwrap_err()
}

#[test]
fn all_workers_share_the_port_that_the_first_one_got() {
    let sockets = open(&listen(Some("127.0.0.1:0"), Some("127.0.0.1:0")), 3, false).unwrap();
    let http = sockets.addresses.http.unwrap();
    assert_ne!(http.port(), 0);
    assert_ne!(Some(http), sockets.addresses.https);
    for worker in &sockets.by_worker {
        assert_eq!(worker.len(), 2);
        assert_eq!(worker[0].socket.local_addr().unwrap(), http);
    }
}

#[test]
fn an_extra_port_is_looked_up_by_itself_and_a_default_one_is_not() {
    let extra = vec![address("127.0.0.1:0")];
    let listen = Listen { extra_https: extra, ..listen(Some("127.0.0.1:0"), None) };
    let sockets = open(&listen, 1, false).unwrap();
    let found = sockets.by_worker[0].iter().map(|listener| (listener.scheme, listener.lookup_port));
    let port = sockets.addresses.extra_https[0].port();
    assert!(found.eq([(Scheme::Http, DEFAULT_PORTS), (Scheme::Https, port)]));
}

#[test]
fn an_address_in_use_is_refused_even_if_its_user_shares_it() {
    let first = open(&listen(Some("127.0.0.1:0"), None), 1, false).unwrap();
    let address = first.addresses.http.unwrap().to_string();
    assert_eq!(
        refused(&listen(Some(&address), None)).to_string(),
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
    assert!(matches!(refused(&listen(None, None)), StartError::NoAddress));
    assert!(matches!(refused(&listen(Some("192.0.2.1:8080"), None)), StartError::NotOurs(_)));
    let same = Some("127.0.0.1:18080");
    assert!(matches!(refused(&listen(same, same)), StartError::SharedAddress(_)));
    let twice = Listen { extra_http: vec![address("127.0.0.1:18080")], ..listen(same, None) };
    assert!(matches!(refused(&twice), StartError::SharedAddress(_)));
    for (first, last) in [(0, 10), (11, 10)] {
        let range = TcpRange { ip: [127, 0, 0, 1].into(), first, last };
        let error = refused(&Listen { tcp: Some(range), ..Listen::default() });
        assert!(matches!(error, StartError::Range { .. }));
    }
}

#[test]
fn a_port_that_is_held_refuses_clients_and_others_and_can_be_listened_on() {
    let free = open(&listen(Some("127.0.0.1:0"), None), 1, false).unwrap().addresses.http.unwrap();
    let held = hold(free, false).unwrap();
    assert!(TcpStream::connect(free).is_err());
    assert!(matches!(hold(free, false), Err(StartError::InUse(_))));
    assert!(std::net::TcpListener::bind(free).is_err());
    let (_, listeners) = open_all(free, 2, true).unwrap();
    assert!(TcpStream::connect(free).is_ok());
    drop(listeners);
    assert!(TcpStream::connect(free).is_err());
    drop(held);
    assert!(std::net::TcpListener::bind(free).is_ok());
}

#[test]
fn an_accepted_connection_inherits_what_was_set() {
    let (address, listeners) = open_all(address("127.0.0.1:0"), 1, false).unwrap();
    let _client = TcpStream::connect(address).unwrap();
    listeners[0].set_nonblocking(false).unwrap();
    let (accepted, _) = listeners[0].accept().unwrap();
    let accepted = SockRef::from(&accepted);
    assert!(accepted.tcp_nodelay().unwrap());
    assert!(accepted.keepalive().unwrap());
    assert_eq!(accepted.tcp_keepalive_time().unwrap(), KEEPALIVE);
}

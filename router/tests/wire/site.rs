//! A router under test, with builders for what it serves.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use router::{Handle, Options, Sample, Server, Timeouts, Values};
use router_config::{Action, Config, Forward, Host, KeyPair, Listen, PrivateKey, Redirect, Service};
use rustls::pki_types::CertificateDer;
use socket2::{Domain, Socket, Type};

use crate::client::{Client, Response};

/// A router that listens on free ports of its own, for HTTP and HTTPS.
pub(crate) struct Site {
    pub(crate) handle: Handle,
    pub(crate) server: Server,
}

impl Site {
    pub(crate) fn start(config: &Config) -> Self {
        Self::start_with(config, Options { workers: 2, ..Options::default() })
    }

    pub(crate) fn start_with(config: &Config, options: Options) -> Self {
        let listen = Listen { http: Some(loopback(0)), https: Some(loopback(0)), ..Listen::default() };
        Self::listening(&listen, config, options)
    }

    pub(crate) fn listening(listen: &Listen, config: &Config, options: Options) -> Self {
        let handle = Handle::new();
        let applied = handle.replace(config);
        assert_eq!(applied.faults, [], "the configuration of a test is in order");
        let server = Server::start(listen, handle.clone(), options).unwrap();
        Self { handle, server }
    }

    /// A site whose host `example.com` is served by one endpoint.
    pub(crate) fn of(endpoint: SocketAddr) -> Self {
        Self::start(&config(&[("example.com", endpoint)]))
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.server.addresses().http.unwrap()
    }

    pub(crate) fn https(&self) -> SocketAddr {
        self.server.addresses().https.unwrap()
    }

    /// A new connection.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.http())
    }

    /// Sends one request on a connection of its own, and reads its response.
    pub(crate) fn send(&self, request: &str) -> Response {
        let mut client = self.client();
        client.send(request);
        client.response_to(request)
    }

    /// A plain GET.
    pub(crate) fn get(&self, host: &str, path: &str) -> Response {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// An address of this machine that no other test uses, so that it has every port for itself.
pub(crate) fn own_ip() -> IpAddr {
    static USED: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    IpAddr::from([127, high | 64, low, USED.fetch_add(1, Ordering::Relaxed)])
}

/// Hosts, each with a service of its own that has one endpoint.
pub(crate) fn config(hosts: &[(&str, SocketAddr)]) -> Config {
    let mut config = Config::default();
    for (host, endpoint) in hosts {
        add(&mut config, host, "/", &[*endpoint]);
    }
    config
}

/// Adds a path that is served by these endpoints, as a service of its own.
pub(crate) fn add(config: &mut Config, host: &str, path: &str, endpoints: &[SocketAddr]) {
    add_with(config, host, path, endpoints, |_| {});
}

/// The same by rules that are not the usual ones.
pub(crate) fn add_with(
    config: &mut Config,
    host: &str,
    path: &str,
    endpoints: &[SocketAddr],
    change: impl FnOnce(&mut Forward),
) {
    let service = format!("{host}{path}");
    config.services.insert(service.clone(), Service { endpoints: endpoints.to_vec(), ..Service::default() });
    let host = config.hosts.entry(host.to_owned()).or_default();
    let mut forward = Forward::to(service);
    change(&mut forward);
    host.paths.insert(path.to_owned(), Action::Forward(forward));
}

/// A host that only redirects.
pub(crate) fn redirecting(redirect: Redirect) -> Host {
    Host { paths: BTreeMap::from([("/".into(), Action::Redirect(redirect))]), ..Host::default() }
}

/// A fresh certificate, and what a client sees of it.
pub(crate) fn certificate(name: &str) -> (KeyPair, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let pair = KeyPair { chain: cert.pem(), key: PrivateKey::new(signing_key.serialize_pem()) };
    (pair, cert.der().clone())
}

/// A site that judges the rate of bodies almost at once.
pub(crate) fn judging(config: &Config) -> Site {
    let timeouts = Timeouts { body_rate: Duration::from_millis(1), ..Timeouts::default() };
    Site::start_with(config, Options { workers: 1, timeouts, ..Options::default() })
}

/// What a server has counted under a label of a series.
pub(crate) fn count(site: &Site, series: &str, label: &str) -> u64 {
    let all = site.server.metrics().series();
    let Values::Counter(samples) = &all.iter().find(|found| found.name == series).unwrap().values else {
        panic!("{series} is no counter");
    };
    let is_it = |sample: &&Sample| sample.labels.iter().any(|(_, value)| *value == label);
    samples.iter().filter(is_it).map(|sample| sample.value).sum()
}

/// An address that nobody listens on, nor will: it is held until the program ends.
pub(crate) fn dead() -> SocketAddr {
    static HELD: Mutex<Vec<Socket>> = Mutex::new(Vec::new());
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&loopback(0).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    HELD.lock().unwrap().push(socket);
    address
}

/// Waits until a condition holds; it has to within ten seconds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

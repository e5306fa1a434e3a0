//! Where the router listens, what it takes connections for and how many: by the flags, else by the variables of Flynn's router,
//! else as the command has it. Read once, at the start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use clap::Args;
use router_config::{Listen, TcpRange};

use super::environment::Environment;
use super::inspect::ADMIN_PORT;
use super::{NodeArguments, UpArguments};

/// What the default ports of the router do not say.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Listening {
    /// More ports for plain HTTP, with commas between. A Route is served there if its `http.port` names the port, and no other.
    /// [env: ADDITIONAL_HTTP_PORTS]
    #[arg(long, value_name = "PORTS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) additional_http_ports: Option<Vec<u16>>,

    /// More ports for HTTPS, likewise. [env: ADDITIONAL_HTTPS_PORTS]
    #[arg(long, value_name = "PORTS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) additional_https_ports: Option<Vec<u16>>,

    /// The TCP ports that are held for Routes, such as `3000-3500`, so that nobody else on the machine takes one. Default: a port
    /// is taken when its Route comes.
    #[arg(long, value_name = "FIRST-LAST")]
    pub(crate) tcp_range: Option<PortRange>,

    /// The port of the admin API on this machine's loopback address, for `flynn-operator routes` and `trace`. 0 takes a free one.
    /// Default: 9912, or a free one if somebody has that. [env: PORT]
    #[arg(long, value_name = "PORT")]
    pub(crate) admin_port: Option<u16>,

    /// Connections to the HTTP and HTTPS ports may begin with a PROXY protocol header, version 1 or 2, that tells the client's
    /// address. Only where nobody but such a proxy reaches them: whoever does can pretend. [env: PROXY_PROTOCOL=true]
    #[arg(long)]
    pub(crate) proxy_protocol: bool,

    /// The most client connections at once; beyond it, those that wait for their client make room, or new ones are closed.
    /// Default: half of the files that the process may open.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: Option<u32>,
}

/// The first and the last port of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PortRange(u16, u16);

impl FromStr for PortRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if 0 < first && first <= last => Ok(Self(first, last)),
            _ => Err("a range of ports is written as 3000-3500"),
        }
    }
}

impl NodeArguments {
    /// Where the router of a node listens: on all addresses of the machine, unless somebody says otherwise.
    pub(crate) fn listen(&self, environment: &Environment) -> Listen {
        let ip = environment.ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let http = self.http.or_else(|| environment.http(ip, 80));
        let https = self.https.unwrap_or_else(|| environment.https(ip, 443));
        self.listening.beside(http, https, environment)
    }
}

impl UpArguments {
    /// Where the router of `up` listens: on loopback, unless somebody says otherwise.
    pub(crate) fn listen(&self, environment: &Environment) -> Listen {
        let ip = self.address.or(environment.ip).unwrap_or(Ipv4Addr::LOCALHOST.into());
        let at = |port| SocketAddr::new(ip, port);
        let http = self.http_port.map(at).or_else(|| environment.http(ip, 8080));
        let https = self.https_port.map_or_else(|| environment.https(ip, 8443), at);
        self.listening.beside(http, https, environment)
    }
}

impl Listening {
    /// Where the router listens, given its default addresses. The others are beside them.
    fn beside(&self, http: Option<SocketAddr>, https: SocketAddr, environment: &Environment) -> Listen {
        let beside_http = http.unwrap_or(https).ip();
        let at = |ip: IpAddr, flag: &Option<Vec<u16>>, variable: &[u16]| {
            let ports = flag.as_deref().unwrap_or(variable);
            ports.iter().map(|port| SocketAddr::new(ip, *port)).collect()
        };
        let admin_port = self.admin_port.or(environment.admin_port).unwrap_or(ADMIN_PORT);
        Listen {
            http,
            https: Some(https),
            extra_http: at(beside_http, &self.additional_http_ports, &environment.additional_http_ports),
            extra_https: at(https.ip(), &self.additional_https_ports, &environment.additional_https_ports),
            tcp: self.tcp_range.map(|PortRange(first, last)| TcpRange { ip: beside_http, first, last }),
            proxy_protocol: self.proxy_protocol || environment.proxy_protocol,
            admin: Some((Ipv4Addr::LOCALHOST, admin_port).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command};

    fn node(arguments: &[&str], environment: &Environment) -> Listen {
        let line = [&["flynn-operator", "node", "--node-name=a"], arguments].concat();
        let Command::Node(node) = Arguments::try_parse_from(line).unwrap().command else { panic!("no node") };
        node.listen(environment)
    }

    fn up(arguments: &[&str], environment: &Environment) -> Listen {
        let line = [&["flynn-operator", "up"], arguments].concat();
        let Command::Up(up) = Arguments::try_parse_from(line).unwrap().command else { panic!("no up") };
        up.listen(environment)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn variables(given: &[(&str, &str)]) -> Environment {
        let find = |name: &str| given.iter().find(|(found, _)| *found == name);
        Environment::read(|name| find(name).map(|(_, value)| (*value).to_owned())).unwrap()
    }

    #[test]
    fn a_node_serves_the_world_and_up_serves_this_machine_unless_told_otherwise() {
        let listen = node(&[], &Environment::default());
        assert_eq!((listen.http, listen.https), (Some(address("0.0.0.0:80")), Some(address("0.0.0.0:443"))));
        assert_eq!((listen.admin, listen.proxy_protocol), (Some(address("127.0.0.1:9912")), false));
        let listen = up(&[], &Environment::default());
        let expected = (Some(address("127.0.0.1:8080")), Some(address("127.0.0.1:8443")));
        assert_eq!((listen.http, listen.https), expected);
    }

    #[test]
    fn additional_ports_and_the_range_are_beside_the_default_ports() {
        let flags = [
            "--http=10.0.0.7:80",
            "--https=[::1]:443",
            "--additional-http-ports=8080,8081",
            "--additional-https-ports=8444",
            "--tcp-range=3000-3500",
        ];
        let listen = node(&flags, &Environment::default());
        assert_eq!(listen.extra_http, ["10.0.0.7:8080", "10.0.0.7:8081"].map(address));
        assert_eq!(listen.extra_https, [address("[::1]:8444")]);
        assert_eq!(listen.tcp, Some(TcpRange { ip: [10, 0, 0, 7].into(), first: 3000, last: 3500 }));
    }

    #[test]
    fn the_variables_of_flynns_router_say_where_a_node_and_up_listen() {
        let environment = variables(&[
            ("LISTEN_IP", "10.0.0.7"),
            ("DEFAULT_HTTP_PORT", "1"),
            ("DEFAULT_HTTPS_PORT", "2"),
            ("ADDITIONAL_HTTP_PORTS", "3"),
            ("ADDITIONAL_HTTPS_PORTS", "4,5"),
            ("PORT", "6"),
            ("PROXY_PROTOCOL", "true"),
        ]);
        let expected = Listen {
            http: Some(address("10.0.0.7:1")),
            https: Some(address("10.0.0.7:2")),
            extra_http: vec![address("10.0.0.7:3")],
            extra_https: vec![address("10.0.0.7:4"), address("10.0.0.7:5")],
            tcp: None,
            proxy_protocol: true,
            admin: Some(address("127.0.0.1:6")),
        };
        assert_eq!(node(&[], &environment), expected);
        assert_eq!(up(&[], &environment), expected);
    }

    #[test]
    fn a_flag_wins_over_its_variable() {
        let environment = variables(&[
            ("LISTEN_IP", "10.0.0.7"),
            ("DEFAULT_HTTP_PORT", "0"),
            ("ADDITIONAL_HTTP_PORTS", "3"),
            ("PORT", "6"),
        ]);
        let more = ["--additional-http-ports=9", "--admin-port=10"];
        let listen = node(&[&["--http=10.0.0.8:80"], &more[..]].concat(), &environment);
        assert_eq!(
            (listen.http, listen.https),
            (Some(address("10.0.0.8:80")), Some(address("10.0.0.7:443")))
        );
        assert_eq!(
            (listen.extra_http, listen.admin),
            (vec![address("10.0.0.8:9")], Some(address("127.0.0.1:10")))
        );
        let listen = up(&["--address=10.0.0.9", "--http-port=0"], &environment);
        let expected = (Some(address("10.0.0.9:0")), Some(address("10.0.0.9:8443")));
        assert_eq!((listen.http, listen.https), expected, "the flag's 0 is a free port");
    }

    #[test]
    fn the_variables_0_is_no_plain_http() {
        let environment = variables(&[("DEFAULT_HTTP_PORT", "0"), ("ADDITIONAL_HTTP_PORTS", "3")]);
        for listen in [node(&[], &environment), up(&[], &environment)] {
            assert_eq!((listen.http, listen.extra_http.len()), (None, 1));
            assert_eq!(listen.extra_http[0].ip(), listen.https.unwrap().ip());
        }
    }

    #[test]
    fn a_range_of_ports_has_a_first_and_a_last_one() {
        assert_eq!("3000".parse(), Ok(PortRange(3000, 3000)));
        for text in ["", "0-1", "3500-3000", "a-b", "3000-70000"] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }
}

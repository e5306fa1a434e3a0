//! Where the router listens beside its two default ports, what it takes connections for and how many: read once, at the start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use clap::Args;
use clap::builder::FalseyValueParser;
use router_config::{Listen, TcpRange};

use super::inspect::ADMIN_PORT;

/// What the default ports of the router do not say.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Listening {
    /// More ports for plain HTTP, with commas between. A Route is served there if its `http.port` names the port, and no other.
    #[arg(long, value_name = "PORTS", env = "ADDITIONAL_HTTP_PORTS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) additional_http_ports: Vec<u16>,

    /// More ports for HTTPS, likewise.
    #[arg(long, value_name = "PORTS", env = "ADDITIONAL_HTTPS_PORTS", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) additional_https_ports: Vec<u16>,

    /// The TCP ports that are held for Routes, such as `3000-3500`, so that nobody else on the machine takes one. Default: a port
    /// is taken when its Route comes.
    #[arg(long, value_name = "FIRST-LAST")]
    pub(crate) tcp_range: Option<PortRange>,

    /// The port of the admin API on this machine's loopback address, for `flynn-operator routes` and `trace`. 0 takes a free one.
    /// Default: 9912, or a free one if somebody has that.
    #[arg(long, value_name = "PORT")]
    pub(crate) admin_port: Option<u16>,

    /// Connections to the HTTP and HTTPS ports may begin with a PROXY protocol header, version 1 or 2, that tells the client's
    /// address. Only where nobody but such a proxy reaches them: whoever does can pretend.
    #[arg(long, env = "PROXY_PROTOCOL", value_parser = FalseyValueParser::new())]
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

impl Listening {
    /// Where the router listens, given its default addresses. The others are beside them.
    pub(crate) fn beside(&self, http: SocketAddr, https: SocketAddr) -> Listen {
        let at = |ip: IpAddr, ports: &[u16]| ports.iter().map(|port| SocketAddr::new(ip, *port)).collect();
        Listen {
            http: Some(http),
            https: Some(https),
            extra_http: at(http.ip(), &self.additional_http_ports),
            extra_https: at(https.ip(), &self.additional_https_ports),
            tcp: self.tcp_range.map(|PortRange(first, last)| TcpRange { ip: http.ip(), first, last }),
            proxy_protocol: self.proxy_protocol,
            admin: Some((Ipv4Addr::LOCALHOST, self.admin_port.unwrap_or(ADMIN_PORT)).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additional_ports_are_beside_the_default_ones() {
        let listening = Listening {
            additional_http_ports: vec![8080, 8081],
            tcp_range: Some("3000-3500".parse().unwrap()),
            ..Listening::default()
        };
        let listen = listening.beside("10.0.0.7:80".parse().unwrap(), "[::1]:443".parse().unwrap());
        let expected: [SocketAddr; 2] = ["10.0.0.7:8080", "10.0.0.7:8081"].map(|text| text.parse().unwrap());
        assert_eq!(listen.extra_http, expected);
        assert_eq!(listen.tcp.unwrap().last, 3500);
    }

    #[test]
    fn a_range_of_ports_has_a_first_and_a_last_one() {
        assert_eq!("3000".parse(), Ok(PortRange(3000, 3000)));
        for text in ["", "0-1", "3500-3000", "a-b", "3000-70000"] {
            assert!(text.parse::<PortRange>().is_err(), "{text}");
        }
    }
}

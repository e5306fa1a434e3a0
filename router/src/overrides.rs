//! Flags and environment variables, laid over the configuration. The variables have the names of Flynn's router.
//!
//! In come the command line and the environment, once, at the start; every configuration that is read afterwards is
//! changed by them. What cannot be is an error that names the flag or the variable and says what to give. A secret is
//! never told, not even in such an error. It stays in the process's environment, which its user alone can read.

mod pair;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use router_config::{Config, CookieKey, KeyPair, Listen, TcpRange};

use crate::args::Flags;

/// What stands above the configuration.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// 0: none.
    http_port: Option<u16>,
    https_port: Option<u16>,
    extra_http: Option<Vec<u16>>,
    extra_https: Option<Vec<u16>>,
    listen_ip: Option<IpAddr>,
    tcp_first: Option<u16>,
    tcp_last: Option<u16>,
    api_port: Option<u16>,
    proxy_protocol: Option<bool>,
    default_pair: Option<KeyPair>,
    cookie_key: Option<CookieKey>,
    unavailable_page: Option<String>,
}

/// The name of the default certificate among those of the configuration.
const DEFAULT_PAIR: &str = "TLSCERT";

/// The ports that Flynn holds for TCP routes.
const FLYNN_RANGE: (u16, u16) = (3000, 3500);

impl Overrides {
    /// Reads the flags, the variables that no flag stands above, and the files that they name.
    pub(crate) fn read(flags: &Flags, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        if given("LEGACY_TLS").is_some_and(|value| value == "true") {
            bail!("LEGACY_TLS asks for TLS before version 1.2, which is broken and not served: remove it");
        }
        let port = |name, flag: Option<u16>, may_be_none| match flag {
            Some(port) => Ok(Some(port)),
            None => given(name).map(|text| parse_port(name, &text, may_be_none)).transpose(),
        };
        let ports = |name, flag: &Option<Vec<u16>>| match flag {
            Some(ports) => Ok(Some(ports.clone())),
            None => given(name).map(|text| parse_ports(name, &text)).transpose(),
        };
        Ok(Self {
            http_port: port("DEFAULT_HTTP_PORT", flags.http_port, true)?,
            https_port: port("DEFAULT_HTTPS_PORT", flags.https_port, false)?,
            extra_http: ports("ADDITIONAL_HTTP_PORTS", &flags.additional_http_ports)?,
            extra_https: ports("ADDITIONAL_HTTPS_PORTS", &flags.additional_https_ports)?,
            listen_ip: match flags.listen_ip {
                Some(ip) => Some(ip),
                None => given("LISTEN_IP").map(|text| parse_ip(&text)).transpose()?,
            },
            tcp_first: flags.tcp_range_start,
            tcp_last: flags.tcp_range_end,
            api_port: port("PORT", flags.api_port, false)?,
            proxy_protocol: match flags.proxy_protocol {
                true => Some(true),
                false => given("PROXY_PROTOCOL").map(|text| parse_switch(&text)).transpose()?,
            },
            default_pair: pair::read(flags, given)?,
            cookie_key: given("COOKIE_KEY").map(parse_cookie_key).transpose()?,
            unavailable_page: page(flags, given)?,
        })
    }

    /// Lays them over a configuration.
    pub(crate) fn apply(&self, config: &mut Config) {
        self.listen(&mut config.listen);
        if let Some(pair) = &self.default_pair {
            config.certificates.insert(DEFAULT_PAIR.to_owned(), pair.clone());
            config.default_certificate = Some(DEFAULT_PAIR.to_owned());
        }
        if self.cookie_key.is_some() {
            config.cookie_key.clone_from(&self.cookie_key);
        }
        if self.unavailable_page.is_some() {
            config.unavailable_page.clone_from(&self.unavailable_page);
        }
    }

    fn listen(&self, listen: &mut Listen) {
        let Listen { http, https, extra_http, extra_https, tcp, proxy_protocol, admin } = listen;
        let beside = http.or(*https).map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
        let ip = self.listen_ip.unwrap_or(beside);
        if let Some(port) = self.http_port {
            *http = Some(port).filter(|port| *port != 0).map(|port| moved(*http, ip, port));
        }
        if let Some(port) = self.https_port {
            *https = Some(moved(*https, ip, port));
        }
        for (ports, addresses) in
            [(&self.extra_http, &mut *extra_http), (&self.extra_https, &mut *extra_https)]
        {
            if let Some(ports) = ports {
                *addresses = ports.iter().map(|port| (ip, *port).into()).collect();
            }
        }
        if self.tcp_first.is_some() || self.tcp_last.is_some() {
            let (first, last) = FLYNN_RANGE;
            let mut range = tcp.unwrap_or(TcpRange { ip, first, last });
            range.first = self.tcp_first.unwrap_or(range.first);
            range.last = self.tcp_last.unwrap_or(range.last);
            *tcp = Some(range);
        }
        if let Some(ip) = self.listen_ip {
            let served = http.iter_mut().chain(https).chain(extra_http).chain(extra_https);
            served.for_each(|address| address.set_ip(ip));
            tcp.iter_mut().for_each(|range| range.ip = ip);
        }
        if let Some(port) = self.api_port {
            *admin = Some(moved(*admin, Ipv4Addr::LOCALHOST.into(), port));
        }
        *proxy_protocol = self.proxy_protocol.unwrap_or(*proxy_protocol);
    }
}

/// The address with another port, or a new one.
fn moved(address: Option<SocketAddr>, ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address.map_or(ip, |address| address.ip()), port)
}

fn parse_port(name: &str, text: &str, may_be_none: bool) -> Result<u16> {
    let least = if may_be_none { 0 } else { 1 };
    let port = text.trim().parse().ok().filter(|port| *port >= least);
    port.ok_or_else(|| match may_be_none {
        true => anyhow!("{name} is `{text}`: give a port from 1 to 65535, or 0 for none"),
        false => anyhow!("{name} is `{text}`: give a port from 1 to 65535"),
    })
}

fn parse_ports(name: &str, text: &str) -> Result<Vec<u16>> {
    let ports = text.split(',').map(|port| parse_port(name, port, false));
    ports
        .collect::<Result<_>>()
        .map_err(|_| anyhow!("{name} is `{text}`: give ports from 1 to 65535 with commas between"))
}

fn parse_ip(text: &str) -> Result<IpAddr> {
    text.trim().parse().map_err(|_| {
        anyhow!(
            "LISTEN_IP is `{text}`: give an IP address of this machine, 0.0.0.0 for all of IPv4 or :: for all"
        )
    })
}

fn parse_switch(text: &str) -> Result<bool> {
    text.parse().map_err(|_| anyhow!("PROXY_PROTOCOL is `{text}`: give `true` or `false`"))
}

fn parse_cookie_key(text: String) -> Result<CookieKey> {
    CookieKey::try_from(text).map_err(|wrong| anyhow!("COOKIE_KEY: {wrong}"))
}

/// The page of a 503. Only a file is read: a router that fetches pages would need a client, trust and patience for it.
fn page(flags: &Flags, given: impl Fn(&str) -> Option<String>) -> Result<Option<String>> {
    let file = match (&flags.unavailable_page, given("ERROR_503_PAGE_URL")) {
        (Some(file), _) => file.clone(),
        (None, Some(url)) => match url.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => PathBuf::from(path),
            _ => bail!(
                "ERROR_503_PAGE_URL is `{url}`, and only file:///PATH is read: download the page, and give it with --unavailable-page FILE"
            ),
        },
        (None, None) => return Ok(None),
    };
    text_of(&file).map(Some)
}

fn text_of(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests;

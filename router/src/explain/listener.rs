//! Which of the router's listeners a URL leads to.
//!
//! In come the scheme and the port of a URL, and where the router listens; out goes the port that hosts are looked up by there,
//! or the sentence that says why nobody answers. The usual port of a scheme stands for the router's own, whatever that is:
//! clients may reach it through a load balancer.

use router_config::Scheme;

use crate::serve::Addresses;
use crate::table::{DEFAULT_PORTS, Table};

/// A listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listener {
    /// What a client takes for its port.
    pub(super) port: u16,
    /// As hosts are looked up there.
    pub(super) lookup_port: u16,
}

/// Finds it; an error is the sentence.
pub(super) fn find(
    table: &Table,
    addresses: &Addresses,
    scheme: Scheme,
    port: Option<u16>,
) -> Result<Listener, String> {
    let (language, usual, own, additional) = match scheme {
        Scheme::Http => ("plain HTTP", 80, addresses.http, &addresses.extra_http),
        Scheme::Https => ("HTTPS", 443, addresses.https, &addresses.extra_https),
    };
    let own = own.map(|address| address.port());
    let mut ports = additional.iter().map(|address| address.port());
    let port = port.unwrap_or(usual);
    if ports.any(|additional| additional == port) {
        return Ok(Listener { port, lookup_port: port });
    }
    match own.filter(|own| port == *own || port == usual) {
        Some(port) => Ok(Listener { port, lookup_port: DEFAULT_PORTS }),
        None if table.tcp.contains_key(&port) => Err(format!(
            "the port {port} is a TCP route's, whose bytes are passed on as they are, URLs and all"
        )),
        None => Err(nobody(
            language,
            port,
            own.into_iter().chain(additional.iter().map(|address| address.port())),
        )),
    }
}

fn nobody(language: &str, port: u16, others: impl Iterator<Item = u16>) -> String {
    let others: Vec<_> = others.map(|port| port.to_string()).collect();
    match others.as_slice() {
        [] => format!("the router does not listen for {language}"),
        others => {
            format!("the router does not listen for {language} on port {port}, but on {}", others.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        let at = |port| ([0, 0, 0, 0], port).into();
        Addresses {
            http: Some(at(8080)),
            extra_http: vec![at(8081)],
            https: Some(at(8443)),
            ..Addresses::default()
        }
    }

    fn found(scheme: Scheme, port: Option<u16>) -> Result<(u16, u16), String> {
        let listener = find(&Table::default(), &addresses(), scheme, port)?;
        Ok((listener.port, listener.lookup_port))
    }

    #[test]
    fn no_port_the_usual_one_and_the_routers_own_are_the_default_listener() {
        for port in [None, Some(80), Some(8080)] {
            assert_eq!(found(Scheme::Http, port), Ok((8080, DEFAULT_PORTS)), "{port:?}");
        }
        for port in [None, Some(443), Some(8443)] {
            assert_eq!(found(Scheme::Https, port), Ok((8443, DEFAULT_PORTS)), "{port:?}");
        }
    }

    #[test]
    fn hosts_of_an_additional_port_are_looked_up_by_it() {
        assert_eq!(found(Scheme::Http, Some(8081)), Ok((8081, 8081)));
    }

    #[test]
    fn where_nobody_listens_it_is_told_who_does() {
        let told = found(Scheme::Http, Some(9)).unwrap_err();
        assert_eq!(told, "the router does not listen for plain HTTP on port 9, but on 8080, 8081");
        let told = found(Scheme::Https, Some(8081)).unwrap_err();
        assert_eq!(told, "the router does not listen for HTTPS on port 8081, but on 8443");
        let secure = Addresses { http: None, extra_http: Vec::new(), ..addresses() };
        let told = find(&Table::default(), &secure, Scheme::Http, None).unwrap_err();
        assert_eq!(told, "the router does not listen for plain HTTP");
    }
}

//! The variables of Flynn's router, which say where to listen if no flag does.
//!
//! In comes the environment, once, at the start; out goes what it says, or a sentence that names the variable and says what to
//! give. An empty variable is as good as none. What Flynn's router was told alone and all routers are told here, by what is
//! declared, is not read: [`Environment::unread`] says where it belongs.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

/// What it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `LISTEN_IP`.
    pub(super) ip: Option<IpAddr>,
    /// `DEFAULT_HTTP_PORT`; 0: no plain HTTP.
    http_port: Option<u16>,
    /// `DEFAULT_HTTPS_PORT`.
    https_port: Option<NonZeroU16>,
    /// `ADDITIONAL_HTTP_PORTS`.
    pub(super) additional_http_ports: Vec<u16>,
    /// `ADDITIONAL_HTTPS_PORTS`.
    pub(super) additional_https_ports: Vec<u16>,
    /// `PORT`.
    pub(super) admin_port: Option<u16>,
    /// `PROXY_PROTOCOL`.
    pub(super) proxy_protocol: bool,
    /// `DEBUG`.
    pub(crate) debug: bool,
    /// A sentence for each variable that Flynn's router read and nobody reads here.
    pub(crate) unread: Vec<String>,
}

/// What cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongVariable {
    /// It is not what its name stands for.
    #[error("{name} is `{value}`: give {wanted}")]
    Value {
        /// Which.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
    /// It asks for something that no router should do.
    #[error("LEGACY_TLS asks for TLS before version 1.2, which is broken and not served: remove it")]
    LegacyTls,
}

const PORT: &str = "a port from 1 to 65535";
const PORT_OR_NONE: &str = "a port from 1 to 65535, or 0 for none";
const PORTS: &str = "ports from 1 to 65535 with commas between";
const ADDRESS: &str = "an IP address of this machine, 0.0.0.0 for all of IPv4 or :: for all";
const SWITCH: &str = "`true` or `false`";

/// What is declared for all routers, and where.
const DECLARED: [(&str, &str); 4] = [
    (
        "COOKIE_KEY",
        "the key of all routers is in the Secret flynn-operator-router of flynn-system, entry cookieKey",
    ),
    ("TLSCERT", "a Certificate has it, which spec.domains of the Cluster names"),
    ("TLSKEY", "a Certificate has it, which spec.domains of the Cluster names"),
    ("ERROR_503_PAGE_URL", "spec.router.unavailablePage of the Cluster is the page of a 503"),
];

impl Environment {
    /// Reads the environment of the process.
    pub(crate) fn of_this_process() -> Result<Self, WrongVariable> {
        Self::read(variable)
    }

    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WrongVariable> {
        if variable("LEGACY_TLS").is_some_and(|value| value == "true") {
            return Err(WrongVariable::LegacyTls);
        }
        let unread = DECLARED.iter().filter(|(name, _)| variable(name).is_some());
        let unread = unread.map(|(name, instead)| format!("{name} is not read: {instead}")).collect();
        let variables = Variables(variable);
        let ports = |name| Ok(variables.parsed(name, PORTS, list)?.unwrap_or_default());
        Ok(Self {
            ip: variables.parsed("LISTEN_IP", ADDRESS, |text| text.parse().ok())?,
            http_port: variables.parsed("DEFAULT_HTTP_PORT", PORT_OR_NONE, |text| text.parse().ok())?,
            https_port: variables.parsed("DEFAULT_HTTPS_PORT", PORT, |text| text.parse().ok())?,
            additional_http_ports: ports("ADDITIONAL_HTTP_PORTS")?,
            additional_https_ports: ports("ADDITIONAL_HTTPS_PORTS")?,
            admin_port: variables.parsed("PORT", PORT, port)?,
            proxy_protocol: variables
                .parsed("PROXY_PROTOCOL", SWITCH, |text| text.parse().ok())?
                .unwrap_or_default(),
            debug: (variables.0)("DEBUG").is_some(),
            unread,
        })
    }

    /// Where plain HTTP is served; `port` is the one if no variable names another.
    pub(super) fn http(&self, ip: IpAddr, port: u16) -> Option<SocketAddr> {
        let port = self.http_port.unwrap_or(port);
        (port != 0).then(|| SocketAddr::new(ip, port))
    }

    /// Where HTTPS is served, likewise.
    pub(super) fn https(&self, ip: IpAddr, port: u16) -> SocketAddr {
        SocketAddr::new(ip, self.https_port.map_or(port, NonZeroU16::get))
    }
}

/// The variable of this process, if it is there and not empty.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

/// How a variable is looked up.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn parsed<T>(
        &self,
        name: &'static str,
        wanted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, WrongVariable> {
        let Some(value) = (self.0)(name) else { return Ok(None) };
        match parse(value.trim()) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(WrongVariable::Value { name, value, wanted }),
        }
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().map(NonZeroU16::get)
}

fn list(text: &str) -> Option<Vec<u16>> {
    text.split(',').map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<Environment, WrongVariable> {
        let find = |name: &str| given.iter().find(|(found, _)| *found == name);
        Environment::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn every_variable_about_listening_is_read() {
        let environment = read(&[
            ("LISTEN_IP", "::1"),
            ("DEFAULT_HTTP_PORT", "0"),
            ("DEFAULT_HTTPS_PORT", "4433"),
            ("ADDITIONAL_HTTP_PORTS", "8081,8082"),
            ("ADDITIONAL_HTTPS_PORTS", "4434"),
            ("PORT", "5000"),
            ("PROXY_PROTOCOL", "true"),
            ("DEBUG", "1"),
            ("LEGACY_TLS", "false"),
        ]);
        let expected = Environment {
            ip: "::1".parse().ok(),
            http_port: Some(0),
            https_port: NonZeroU16::new(4433),
            additional_http_ports: vec![8081, 8082],
            additional_https_ports: vec![4434],
            admin_port: Some(5000),
            proxy_protocol: true,
            debug: true,
            unread: Vec::new(),
        };
        assert_eq!(environment, Ok(expected));
        assert_eq!(read(&[]), Ok(Environment::default()));
    }

    #[test]
    fn what_cannot_be_is_told_with_what_to_give() {
        for (name, value, expected) in [
            ("LISTEN_IP", "eth0", "give an IP address of this machine"),
            ("DEFAULT_HTTP_PORT", "eighty", "give a port from 1 to 65535, or 0 for none"),
            ("DEFAULT_HTTPS_PORT", "0", "give a port from 1 to 65535"),
            ("ADDITIONAL_HTTP_PORTS", "80;81", "with commas between"),
            ("ADDITIONAL_HTTPS_PORTS", "80,", "with commas between"),
            ("PORT", "70000", "give a port from 1 to 65535"),
            ("PROXY_PROTOCOL", "1", "give `true` or `false`"),
        ] {
            let sentence = read(&[(name, value)]).unwrap_err().to_string();
            assert!(sentence.starts_with(&format!("{name} is `{value}`: ")), "{sentence}");
            assert!(sentence.contains(expected), "{sentence}");
        }
        assert_eq!(read(&[("LEGACY_TLS", "true")]), Err(WrongVariable::LegacyTls));
    }

    #[test]
    fn what_is_declared_for_all_routers_is_pointed_out_without_its_value() {
        let told = read(&[("COOKIE_KEY", "c2VjcmV0"), ("TLSKEY", "c2VjcmV0")]).unwrap().unread;
        assert!(told.len() == 2 && told[0].contains("flynn-operator-router"), "{told:?}");
        assert!(!told.concat().contains("c2VjcmV0"), "{told:?}");
    }
}

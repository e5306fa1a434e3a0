//! Hosts on ports that nobody listens on: in come a key of `hosts` and the additional ports; out goes a sentence.

use std::collections::BTreeSet;

use crate::handle::{Fault, Subject};
use crate::table::pattern::split_port;

/// The fault of a host that names a port which is none of those that are listened on; nothing for any other host. `key`
/// is that of the configuration, such as `www.site.com:8080`.
#[must_use]
pub fn unheard(key: &str, additional_ports: &BTreeSet<u16>) -> Option<Fault> {
    // One that is no port is a fault of the configuration, which is told elsewhere.
    let (_, port) = split_port(key).ok()?;
    let port = port.filter(|port| !additional_ports.contains(port))?;
    let reason = format!(
        "the router does not listen on port {port}: start it with --additional-http-ports {port} or --additional-https-ports {port}"
    );
    Some(Fault { subject: Subject::Host(key.to_owned()), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_with_a_port_that_nobody_listens_on_is_at_fault() {
        let ports = BTreeSet::from([8080]);
        for key in ["a.com", "a.com:8080", "*:8080", "a.com:http", "a.com:0"] {
            assert_eq!(unheard(key, &ports), None, "{key}");
        }
        let fault = unheard("*.a.com:9", &ports).unwrap();
        assert_eq!(fault.subject, Subject::Host("*.a.com:9".into()));
        assert!(fault.reason.contains("--additional-http-ports 9 "), "{}", fault.reason);
    }
}

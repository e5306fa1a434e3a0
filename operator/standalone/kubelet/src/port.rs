//! Ports of this machine that nobody else has: one for each port that a Pod declares, given for as long as the Pod lives.
//!
//! They are taken from below the range that the kernel takes the ports of outgoing connections from: the router makes many
//! of these on the same address, and one of them could get the port between now and the moment that the process listens.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// No port below is given: there, people have their own servers.
const LOWEST: u16 = 20_000;
/// A narrower range is not worth it.
const NARROWEST: u16 = 1_000;
/// As many ports that were given back are not given again: a client may still have them in mind.
const REMEMBERED: usize = 512;
const ATTEMPTS: usize = 1_000;

/// The ports of one address.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    address: IpAddr,
    range: Option<Range<u16>>,
    given: Arc<Mutex<Given>>,
}

#[derive(Debug, Default)]
struct Given {
    held: HashSet<u16>,
    recent: VecDeque<u16>,
}

impl Ports {
    pub(crate) fn of(address: IpAddr) -> Self {
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
        Self { address, range: below(&range), given: Arc::default() }
    }

    /// A free port, held until it is given back.
    pub(crate) fn allot(&self) -> io::Result<u16> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            let wanted = self.range.clone().map_or(0, fastrand::u16);
            let free = (wanted == 0 || !given.knows(wanted)).then(|| self.try_bind(wanted));
            match free {
                Some(Ok(port)) if !given.knows(port) => {
                    given.held.insert(port);
                    return Ok(port);
                }
                Some(Err(error)) if error.kind() != io::ErrorKind::AddrInUse => return Err(error),
                _ => {}
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port was found"))
    }

    /// Takes a port that was given before, if nobody has it now.
    pub(crate) fn take(&self, port: u16) -> bool {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        !given.held.contains(&port) && self.try_bind(port).is_ok() && given.held.insert(port)
    }

    /// Whether nobody listens on a port that is held.
    pub(crate) fn is_free(&self, port: u16) -> bool {
        self.try_bind(port).is_ok()
    }

    /// Gives a port back.
    pub(crate) fn release(&self, port: u16) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.held.remove(&port) {
            given.recent.push_back(port);
            if given.recent.len() > REMEMBERED {
                given.recent.pop_front();
            }
        }
    }

    fn try_bind(&self, port: u16) -> io::Result<u16> {
        Ok(TcpListener::bind((self.address, port))?.local_addr()?.port())
    }
}

impl Given {
    fn knows(&self, port: u16) -> bool {
        self.held.contains(&port) || self.recent.contains(&port)
    }
}

/// The ports below the kernel's own range, if there are enough.
fn below(kernels: &str) -> Option<Range<u16>> {
    let first: u16 = kernels.split_whitespace().next()?.parse().ok()?;
    (first >= LOWEST + NARROWEST).then_some(LOWEST..first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_below_the_range_of_outgoing_connections() {
        assert_eq!(below("32768\t60999\n"), Some(20_000..32_768));
        assert_eq!(below("1024 65535"), None);
        assert_eq!(below(""), None);
    }

    #[test]
    fn no_port_is_given_twice() {
        let ports = Ports::of([127, 0, 0, 1].into());
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let port = ports.allot().unwrap();
            assert!(seen.insert(port), "{port} was given twice");
            ports.release(port);
        }
    }

    #[test]
    fn a_port_that_somebody_listens_on_cannot_be_taken() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ports = Ports::of([127, 0, 0, 1].into());
        assert!(!ports.take(port));
        drop(listener);
        assert!(ports.take(port));
        assert!(!ports.take(port), "it is held");
    }
}

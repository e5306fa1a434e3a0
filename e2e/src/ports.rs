//! Ports of 127.0.0.1 for servers that cannot be asked to choose one themselves, or that must come back on the same.
//! They lie below the range from which the system takes ports for connections, so that a restarted server gets its own again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

static NEXT: AtomicU16 = AtomicU16::new(FIRST);
const FIRST: u16 = 10_000;
const LAST: u16 = 19_999;

/// An address of 127.0.0.1 with a port that nobody listens on, and that this process was not given before.
///
/// # Errors
/// When all ports of the range are taken.
pub fn free() -> Result<SocketAddr> {
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if port > LAST {
            bail!("no port from {FIRST} to {LAST} is free");
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
}

//! Version 1: one line of text (`doc/proxy-protocol.txt` section 2.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use memchr::memchr;

use super::{Broken, Start};

pub(super) const START: &[u8] = b"PROXY ";

/// The longest line with its end that the protocol allows.
const LONGEST: usize = 107;

/// Parses what begins like a line of version 1, as far as it is there.
pub(super) fn parse(bytes: &[u8]) -> Result<Start, Broken> {
    let window = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = memchr(b'\n', window) else {
        return match window.len() {
            LONGEST => Err(Broken("the line is longer than 107 bytes")),
            _ => Ok(Start::Partial),
        };
    };
    let line = window[..end].strip_suffix(b"\r").ok_or(Broken("the line does not end with CR LF"))?;
    let line = std::str::from_utf8(line).map_err(|_| Broken("the line is not ASCII"))?;
    let rest = line.strip_prefix("PROXY ").ok_or(Broken("the line does not begin with PROXY"))?;
    Ok(Start::Header { length: end + 1, client: client(rest)? })
}

/// The client's address in what follows `PROXY `.
fn client(rest: &str) -> Result<Option<SocketAddr>, Broken> {
    let (family, addresses) = rest.split_once(' ').unwrap_or((rest, ""));
    match family {
        "TCP4" => addressed::<Ipv4Addr>(addresses).map(Some),
        "TCP6" => addressed::<Ipv6Addr>(addresses).map(Some),
        // What follows is to be ignored.
        "UNKNOWN" => Ok(None),
        _ => Err(Broken("the family is none of TCP4, TCP6 and UNKNOWN")),
    }
}

/// The first address with its port, when all four values are as they have to be.
fn addressed<A: FromStr + Into<IpAddr>>(values: &str) -> Result<SocketAddr, Broken> {
    let mut values = values.split(' ');
    let (Some(source), Some(destination), Some(source_port), Some(destination_port), None) =
        (values.next(), values.next(), values.next(), values.next(), values.next())
    else {
        return Err(Broken("there are not two addresses and two ports"));
    };
    let address = |text: &str| text.parse::<A>().map_err(|_| Broken("an address is none of the family"));
    let (client, _) = (address(source)?, address(destination)?);
    let (client_port, _) = (port(source_port)?, port(destination_port)?);
    Ok(SocketAddr::new(client.into(), client_port))
}

/// A number in its canonical form: digits alone, and no zero in front.
fn port(text: &str) -> Result<u16, Broken> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|_| canonical);
    number.ok_or(Broken("a port is no number from 0 to 65535"))
}

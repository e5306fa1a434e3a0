//! Version 2: a binary header (`doc/proxy-protocol.txt` section 2.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Broken, LONGEST, Start};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and transport, length of the rest.
const FIXED: usize = 16;

/// Parses what begins with the signature, as far as it is there.
pub(super) fn parse(bytes: &[u8]) -> Result<Start, Broken> {
    let Some((fixed, rest)) = bytes.split_at_checked(FIXED) else {
        return Ok(Start::Partial);
    };
    let is_local = match fixed[12] {
        0x20 => true,
        0x21 => false,
        _ => return Err(Broken("the version is not 2, or the command neither LOCAL nor PROXY")),
    };
    let family = fixed[13];
    if family >> 4 > 3 || family & 0xf > 2 {
        return Err(Broken("there is no such family or transport"));
    }
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if FIXED + length > LONGEST {
        return Err(Broken("it is longer than 2048 bytes"));
    }
    let Some(body) = rest.get(..length) else {
        return Ok(Start::Partial);
    };
    let client = if is_local { None } else { client(family, body)? };
    Ok(Start::Header { length: FIXED + length, client })
}

/// The client's address at the start of the body. Additional values may follow the addresses, and are not looked at.
fn client(family: u8, body: &[u8]) -> Result<Option<SocketAddr>, Broken> {
    const TCP_OVER_IPV4: u8 = 0x11;
    const TCP_OVER_IPV6: u8 = 0x21;
    match family {
        TCP_OVER_IPV4 => source::<4, Ipv4Addr>(body).map(Some),
        TCP_OVER_IPV6 => source::<16, Ipv6Addr>(body).map(Some),
        // Unspecified, datagrams, sockets of Unix: the connection's own address stands for them.
        _ => Ok(None),
    }
}

/// The source among two addresses of `N` bytes and two ports.
fn source<const N: usize, A: From<[u8; N]> + Into<IpAddr>>(body: &[u8]) -> Result<SocketAddr, Broken> {
    let short = Broken("it is too short for its addresses");
    let (address, rest) = body.split_first_chunk::<N>().ok_or(short)?;
    let (_, ports) = rest.split_first_chunk::<N>().ok_or(short)?;
    let [high, low, _, _] = *ports.first_chunk::<4>().ok_or(short)?;
    Ok(SocketAddr::new(A::from(*address).into(), u16::from_be_bytes([high, low])))
}

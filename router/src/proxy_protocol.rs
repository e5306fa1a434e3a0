//! The PROXY protocol, versions 1 and 2: what a load balancer says about the client in front of the client's own bytes.
//!
//! In comes the start of a connection; out goes where its client is, with the header taken off. The format is that of
//! "The PROXY protocol", HAProxy's `doc/proxy-protocol.txt`. The parser is strict and bounded: what is neither a header
//! nor certainly something else is waited for, what is a broken header ends the connection. A header is optional here,
//! as in Flynn: other bytes pass untouched, from the connection's own address.

mod binary;
mod text;

use std::io;
use std::net::SocketAddr;

use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// The longest header that is read, additional values of version 2 included.
const LONGEST: usize = 2048;

/// What the first bytes of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// The start of a header, perhaps.
    Partial,
    /// No header; the bytes are the client's.
    Direct,
    /// A whole header of this length.
    Header { length: usize, client: Option<SocketAddr> },
}

/// A header that must not be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the PROXY protocol header is broken: {0}")]
pub(crate) struct Broken(&'static str);

/// Says what the first bytes of a connection are. A header without a usable address has no `client`: that of a health
/// check (`LOCAL`), of an unknown family, or of one without ports.
///
/// # Errors
/// If they begin a header that is not as it has to be.
pub(crate) fn parse(bytes: &[u8]) -> Result<Start, Broken> {
    if begins(bytes, text::START) {
        text::parse(bytes)
    } else if begins(bytes, binary::SIGNATURE) {
        binary::parse(bytes)
    } else {
        Ok(Start::Direct)
    }
}

/// Whether one of them is the beginning of the other.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    let known = bytes.len().min(start.len());
    bytes[..known] == start[..known]
}

/// Takes the header off the start of a connection; the client that it names, if there is one. The client's own bytes are
/// left where they are.
///
/// # Errors
/// If the header is broken, or the connection ends before one is complete.
pub(crate) async fn take(stream: &TcpStream) -> io::Result<Option<SocketAddr>> {
    loop {
        let ready = stream.ready(Interest::READABLE).await?;
        match stream.try_io(Interest::READABLE, || try_take(stream)) {
            // Everything that comes is here already, and it is not enough.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && ready.is_read_closed() => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            taken => return taken,
        }
    }
}

/// Looks at what has come without taking it, until the length of the header is known. That too little has come is told
/// as `WouldBlock`, so that the next look waits for more.
fn try_take(stream: &TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut bytes = [0; LONGEST];
    let (_, seen) = recv(stream, &mut bytes[..], RecvFlags::PEEK)?;
    match parse(&bytes[..seen]).map_err(|broken| io::Error::new(io::ErrorKind::InvalidData, broken))? {
        Start::Direct => Ok(None),
        Start::Partial => Err(io::ErrorKind::WouldBlock.into()),
        Start::Header { length, client } => {
            // They have been seen, so they are there.
            recv(stream, &mut bytes[..length], RecvFlags::empty())?;
            Ok(client)
        }
    }
}

#[cfg(test)]
mod tests;

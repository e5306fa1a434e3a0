//! A client of HTTP/2 that sends the frames it is given, in order or not.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::client::PATIENCE;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

pub(super) const PROTOCOL_ERROR: u32 = 1;
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;

/// A connection on which the preface and empty settings were sent.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    read: Vec<u8>,
}

/// A frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Wire {
    pub(super) fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, &[])
    }

    /// With these settings: pairs of a number and its value.
    pub(super) fn connect_with(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut wire = Self { stream, read: Vec::new() };
        wire.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        wire.send(SETTINGS, 0, 0, &payload);
        wire
    }

    pub(super) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.write(&frame(kind, flags, stream, payload));
    }

    /// Sends a head, of which nothing is compressed.
    pub(super) fn headers(&mut self, stream: u32, fields: &[(&str, &[u8])], flags: u8) {
        self.send(HEADERS, END_HEADERS | flags, stream, &block(fields));
    }

    /// Sends a GET that is in order.
    pub(super) fn get(&mut self, stream: u32, path: &str) {
        self.headers(stream, &request("GET", path), END_STREAM);
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends bytes over and over until the router takes no more of them.
    pub(super) fn flood(&mut self, bytes: &[u8]) {
        self.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        for _ in 0..100_000 {
            if self.stream.write_all(bytes).is_err() {
                break;
            }
        }
        self.stream.set_write_timeout(Some(PATIENCE)).unwrap();
    }

    /// The next frame; `None` at the end of the connection.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        let header = self.bytes(9)?;
        let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
        let stream = u32::from_be_bytes(header[5..9].try_into().unwrap());
        Some(Frame { kind: header[3], flags: header[4], stream, payload: self.bytes(length)? })
    }

    /// Whether a frame of a kind is among those that have come and were not looked at yet.
    pub(super) fn has_come(&mut self, kind: u8) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let mut bytes = [0; 16 * 1024];
        while let Ok(count @ 1..) = self.stream.read(&mut bytes) {
            self.read.extend_from_slice(&bytes[..count]);
        }
        self.stream.set_nonblocking(false).unwrap();
        let mut rest = &self.read[..];
        while let [high, middle, low, found, ..] = *rest {
            if found == kind {
                return true;
            }
            let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
            rest = rest.get(9 + length..).unwrap_or_default();
        }
        false
    }

    /// The next frame of a kind; others are skipped.
    pub(super) fn next(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.frame()?;
            if frame.kind == SETTINGS && frame.flags == 0 {
                // The router may have closed its side already.
                let _ = self.stream.write_all(&super::frames::frame(SETTINGS, 1, 0, &[]));
            }
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// The code that the connection is ended with.
    pub(super) fn goaway(&mut self) -> u32 {
        let frame = self.next(GOAWAY).expect("a GOAWAY before the end");
        u32::from_be_bytes(frame.payload[4..8].try_into().unwrap())
    }

    /// The code that a stream is reset with.
    pub(super) fn reset(&mut self, stream: u32) -> u32 {
        loop {
            let frame = self.next(RST_STREAM).expect("a RST_STREAM before the end");
            if frame.stream == stream {
                return u32::from_be_bytes(frame.payload.try_into().unwrap());
            }
        }
    }

    /// The code that a stream or the whole connection is ended with.
    pub(super) fn refusal(&mut self) -> u32 {
        loop {
            let Frame { kind, payload, .. } = self.frame().expect("a reason before the end");
            if kind == RST_STREAM || kind == GOAWAY {
                return u32::from_be_bytes(
                    payload[payload.len().min(8) - 4..payload.len().min(8)].try_into().unwrap(),
                );
            }
        }
    }

    /// Whether the router ends the connection, whatever it says before.
    pub(super) fn ends(&mut self) -> bool {
        while self.frame().is_some() {}
        true
    }

    fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            let mut bytes = [0; 16 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.read.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    panic!("nothing came for {PATIENCE:?}")
                }
                Err(_) => return None,
            }
        }
        Some(self.read.drain(..count).collect())
    }
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The fields of a request to `example.com`.
pub(super) fn request<'a>(method: &'a str, path: &'a str) -> Vec<(&'a str, &'a [u8])> {
    vec![
        (":method", method.as_bytes()),
        (":scheme", b"http"),
        (":authority", b"example.com"),
        (":path", path.as_bytes()),
    ]
}

/// A header block of literals that are not indexed (RFC 7541 section 6.2.2).
pub(super) fn block(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        push_string(&mut block, name.as_bytes());
        push_string(&mut block, value);
    }
    block
}

/// A string of any length, without Huffman (RFC 7541 section 5.2).
pub(super) fn push_string(block: &mut Vec<u8>, text: &[u8]) {
    if text.len() < 127 {
        block.push(u8::try_from(text.len()).unwrap());
    } else {
        block.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        block.push(u8::try_from(rest).unwrap());
    }
    block.extend_from_slice(text);
}

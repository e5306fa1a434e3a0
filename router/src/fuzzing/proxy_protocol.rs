//! Headers of the PROXY protocol: whatever comes, in whatever parts, is decided once and for all; and a header that was
//! written by the book is read as it was meant.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::MAX_INPUT;
use crate::proxy_protocol::{Start, parse};

/// Reads bytes as the start of a connection, and as the addresses of a header.
///
/// # Panics
/// If the decision depends on how the bytes arrive, or a good header is read wrongly.
pub fn proxy_protocol(data: &[u8]) {
    let data = &data[..data.len().min(MAX_INPUT)];
    let whole = parse(data);
    for length in 0..data.len().min(300) {
        let part = parse(&data[..length]);
        assert!(part == Ok(Start::Partial) || part == whole, "{length} bytes decide {part:?}, all {whole:?}");
    }
    if let Ok(Start::Header { length, client }) = whole {
        check_header(&data[..length], client);
    }
    if let Some((addresses, rest)) = data.split_first_chunk() {
        write_and_read(addresses, rest);
    }
}

fn check_header(header: &[u8], client: Option<SocketAddr>) {
    let Some(text) = header.strip_prefix(b"PROXY ") else {
        assert!(header.starts_with(b"\r\n\r\n\0\r\nQUIT\n"));
        assert_eq!(header.len(), 16 + usize::from(header[14]) * 256 + usize::from(header[15]));
        return;
    };
    let text = text.strip_suffix(b"\r\n").expect("a line ends");
    let words: Vec<_> = std::str::from_utf8(text).expect("text").split(' ').collect();
    let expected = match words[..] {
        ["UNKNOWN", ..] => None,
        ["TCP4" | "TCP6", source, _, port, _] => {
            Some(SocketAddr::new(source.parse().expect("an address"), port.parse().expect("a port")))
        }
        _ => panic!("{words:?} is no header"),
    };
    assert_eq!(client, expected);
}

/// An address of each family, made of these bytes, in a header of each version, before the client's bytes.
fn write_and_read(bytes: &[u8; 18], rest: &[u8]) {
    let (address, port) = bytes.split_first_chunk::<16>().expect("18 bytes");
    let port = u16::from_be_bytes([port[0], port[1]]);
    let four = Ipv4Addr::from(*address.first_chunk::<4>().expect("16 bytes"));
    let six = Ipv6Addr::from(*address);
    let body_of_four = [&four.octets()[..], &[127, 0, 0, 1]].concat();
    let body_of_six = [&six.octets()[..], &[0; 16]].concat();
    let headers = [
        (SocketAddr::from((four, port)), format!("PROXY TCP4 {four} 127.0.0.1 {port} 80\r\n").into_bytes()),
        (SocketAddr::from((six, port)), format!("PROXY TCP6 {six} ::1 {port} 80\r\n").into_bytes()),
        (SocketAddr::from((four, port)), binary(0x11, &body_of_four, port)),
        (SocketAddr::from((six, port)), binary(0x21, &body_of_six, port)),
    ];
    for (client, header) in headers {
        let expected = Start::Header { length: header.len(), client: Some(client) };
        assert_eq!(parse(&[&header, rest].concat()), Ok(expected));
    }
}

fn binary(family: u8, addresses: &[u8], port: u16) -> Vec<u8> {
    let body = [addresses, &port.to_be_bytes(), &80_u16.to_be_bytes()].concat();
    let length = u16::try_from(body.len()).expect("two addresses are short");
    [b"\r\n\r\n\0\r\nQUIT\n\x21", &[family][..], &length.to_be_bytes(), &body].concat()
}

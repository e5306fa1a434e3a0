use proptest::prelude::*;

use super::*;

const LINE: &[u8] = b"PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000\r\n";

/// A header of version 2 with this command, family and body.
fn header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [binary::SIGNATURE, &[command, family], &length, body].concat()
}

/// 10.1.1.1:1000 to 20.2.2.2:2000.
const IPV4: [u8; 12] = [10, 1, 1, 1, 20, 2, 2, 2, 0x03, 0xe8, 0x07, 0xd0];

fn ipv6() -> Vec<u8> {
    let mut address = [0; 16];
    (address[0], address[1], address[14], address[15]) = (0xff, 0xff, 0xff, 0xff);
    [&address[..], &address, &[0x03, 0xe8, 0x07, 0xd0]].concat()
}

fn client(bytes: &[u8]) -> Option<String> {
    match parse(bytes) {
        Ok(Start::Header { length, client }) if length == bytes.len() => {
            client.map(|address| address.to_string())
        }
        other => panic!("{other:?} for {:?}", String::from_utf8_lossy(bytes)),
    }
}

#[test]
fn a_header_of_either_version_names_the_client() {
    assert_eq!(client(LINE).as_deref(), Some("10.1.1.1:1000"));
    let line = b"PROXY TCP6 ffff::ffff ffff::ffff 1000 2000\r\n";
    assert_eq!(client(line).as_deref(), Some("[ffff::ffff]:1000"));
    assert_eq!(client(&header(0x21, 0x11, &IPV4)).as_deref(), Some("10.1.1.1:1000"));
    assert_eq!(client(&header(0x21, 0x21, &ipv6())).as_deref(), Some("[ffff::ffff]:1000"));
}

#[test]
fn additional_values_are_passed_over() {
    let body = [&IPV4[..], &[0x04, 0, 3, 1, 2, 3]].concat();
    assert_eq!(client(&header(0x21, 0x11, &body)).as_deref(), Some("10.1.1.1:1000"));
}

#[test]
fn a_header_without_a_usable_address_names_nobody() {
    for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 whatever 1 2 3 4\r\n"] {
        assert_eq!(client(line.as_bytes()), None);
    }
    for header in [
        header(0x20, 0x00, &[]),
        header(0x20, 0x11, &IPV4),
        header(0x21, 0x00, &[1, 2, 3]),
        header(0x21, 0x12, &IPV4),
        header(0x21, 0x31, &[0; 216]),
    ] {
        assert_eq!(client(&header), None);
    }
}

#[test]
fn other_bytes_are_the_clients_own() {
    for bytes in
        ["GET / HTTP/1.1\r\n", "PROPFIND / HTTP/1.1\r\n", "PROXY\tx", "\r\nGET / HTTP/1.1", "\x16\x03\x01"]
    {
        assert_eq!(parse(bytes.as_bytes()), Ok(Start::Direct), "{bytes}");
    }
    for bytes in ["", "P", "PROXY", "\r\n\r\n", "\r\n\r\n\0\r\nQUIT"] {
        assert_eq!(parse(bytes.as_bytes()), Ok(Start::Partial), "{bytes}");
    }
}

#[test]
fn a_broken_line_is_refused() {
    for line in [
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 1000\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000 3000\r\n",
        "PROXY TCP4  10.1.1.1 20.2.2.2 1000 2000\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000 \r\n",
        "PROXY TCP4 10.1.1.01 20.2.2.2 1000 2000\r\n",
        "PROXY TCP4 10.1.1.256 20.2.2.2 1000 2000\r\n",
        "PROXY TCP4 ffff::1 20.2.2.2 1000 2000\r\n",
        "PROXY TCP4 10.1.1.1 ffff::1 1000 2000\r\n",
        "PROXY TCP6 10.1.1.1 20.2.2.2 1000 2000\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 01000 2000\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 +1000 2000\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 65536 2000\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 1000 x\r\n",
        "PROXY TCP5 10.1.1.1 20.2.2.2 1000 2000\r\n",
        "PROXY tcp4 10.1.1.1 20.2.2.2 1000 2000\r\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000\n",
        "PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000\r\r\n",
        "PROXY UNKNOWN \u{e9}\u{e9}\n",
    ] {
        assert!(parse(line.as_bytes()).is_err(), "{line:?}");
    }
    let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 93]].concat();
    assert_eq!(parse(&endless), Err(Broken("the line is longer than 107 bytes")));
    assert_eq!(parse(&endless[..106]), Ok(Start::Partial));
}

#[test]
fn a_broken_binary_header_is_refused() {
    for header in [
        header(0x11, 0x11, &IPV4),
        header(0x22, 0x11, &IPV4),
        header(0x21, 0x41, &IPV4),
        header(0x21, 0x13, &IPV4),
        header(0x21, 0x11, &IPV4[..11]),
        header(0x21, 0x21, &ipv6()[..35]),
        header(0x21, 0x11, &[0; 2033]),
        header(0x20, 0xff, &[]),
    ] {
        assert!(parse(&header).is_err(), "{header:?}");
    }
    assert!(matches!(parse(&header(0x21, 0x11, &[0; 2032])), Ok(Start::Header { length: LONGEST, .. })));
}

proptest! {
    /// However a header is split, it is the same one, and nothing after it changes it.
    #[test]
    fn a_header_is_partial_until_it_is_whole(
        source: SocketAddr,
        binary: bool,
        after in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let bytes = if binary { binary_header(source) } else { text_header(source) };
        for length in 0..bytes.len() {
            prop_assert_eq!(parse(&bytes[..length]), Ok(Start::Partial));
        }
        let expected = Start::Header { length: bytes.len(), client: Some(SocketAddr::new(source.ip(), source.port())) };
        prop_assert_eq!(parse(&[&bytes[..], &after].concat()), Ok(expected));
    }

    /// Whatever comes: no panic, and no header longer than what is there.
    #[test]
    fn a_header_lies_within_its_bytes(
        start in prop::sample::select(vec![&b""[..], b"PROXY ", b"PROXY TCP4 ", binary::SIGNATURE]),
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [start, &rest].concat();
        if let Ok(Start::Header { length, .. }) = parse(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }

    /// What is decided for some bytes stays decided when more come.
    #[test]
    fn more_bytes_do_not_change_a_verdict(
        start in prop::sample::select(vec![&b""[..], b"PRO", b"PROXY TCP6 ", binary::SIGNATURE]),
        rest in proptest::collection::vec(any::<u8>(), 0..64),
        cut in 0_usize..64,
    ) {
        let bytes = [start, &rest].concat();
        let early = parse(&bytes[..cut.min(bytes.len())]);
        if early != Ok(Start::Partial) {
            prop_assert_eq!(parse(&bytes), early);
        }
    }
}

fn text_header(source: SocketAddr) -> Vec<u8> {
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let ip = source.ip();
    format!("PROXY {family} {ip} {ip} {} 443\r\n", source.port()).into_bytes()
}

fn binary_header(source: SocketAddr) -> Vec<u8> {
    let ports = [source.port().to_be_bytes(), [1, 187]].concat();
    match source.ip() {
        std::net::IpAddr::V4(ip) => header(0x21, 0x11, &[&ip.octets()[..], &ip.octets(), &ports].concat()),
        std::net::IpAddr::V6(ip) => header(0x21, 0x21, &[&ip.octets()[..], &ip.octets(), &ports].concat()),
    }
}

//! Clients that speak nothing that is served on a TLS port, told so in their own language.
//!
//! In come a connection's first bytes; out goes the answer, or nothing if they may begin a handshake that is served. TLS
//! before 1.2 is known by its hello here, because `rustls` may refuse such a hello for what else it lacks.

/// How many of the first bytes are looked at: a record's header, that of the hello, and its version.
pub(crate) const START: usize = 11;

const PLAIN_HTTP: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// The fatal alert `protocol_version` (RFC 8446 section 6.2) in a record of TLS 1.0.
const OLD_TLS: &[u8] = &[21, 3, 1, 0, 2, 2, 70];

/// The answer to a stranger.
pub(crate) fn answer(start: &[u8]) -> Option<&'static [u8]> {
    match start {
        [letter, ..] if letter.is_ascii_uppercase() => Some(PLAIN_HTTP),
        [22, 3, _, _, _, 1, _, _, _, 3, 0..=2, ..] => Some(OLD_TLS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_of_this_decade_is_no_stranger() {
        assert_eq!(answer(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), None);
        assert_eq!(answer(&[22, 3, 1, 0, 90, 1, 0, 0, 86, 3, 2]), Some(OLD_TLS));
        assert_eq!(answer(b"GET / HTTP/"), Some(PLAIN_HTTP));
        assert_eq!(answer(b"P"), Some(PLAIN_HTTP));
        assert_eq!(answer(&[22]), None);
        assert_eq!(answer(b""), None);
    }
}

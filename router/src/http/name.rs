//! The header names that the router has a rule for.
//!
//! In comes a field name as bytes; out goes its [`Name`], found once while the head is parsed, so that no later rule
//! compares strings. Hot: a switch on the length, then one comparison.

/// A header that some rule is about, or any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Connection,
    ContentLength,
    Cookie,
    Date,
    Expect,
    Host,
    KeepAlive,
    StrictTransportSecurity,
    Te,
    /// `Trailer`, and the `Trailers` that Flynn removed too.
    Trailer,
    TransferEncoding,
    Upgrade,
    XForwardedFor,
    XForwardedPort,
    XForwardedProto,
    XRequestId,
    XRequestStart,
    /// A name with `_` that an application may take for one that the router vouches for (CGI and WSGI fold both).
    Alias,
    Other,
}

impl Name {
    pub(crate) fn of(name: &[u8]) -> Self {
        match known(name) {
            Self::Other if is_alias(name) => Self::Alias,
            known => known,
        }
    }
}

fn known(name: &[u8]) -> Name {
    let is = |text: &str| name.eq_ignore_ascii_case(text.as_bytes());
    match name.len() {
        2 if is("te") => Name::Te,
        4 if is("host") => Name::Host,
        4 if is("date") => Name::Date,
        6 if is("cookie") => Name::Cookie,
        6 if is("expect") => Name::Expect,
        7 if is("upgrade") => Name::Upgrade,
        7 if is("trailer") => Name::Trailer,
        8 if is("trailers") => Name::Trailer,
        10 if is("connection") => Name::Connection,
        10 if is("keep-alive") => Name::KeepAlive,
        12 if is("x-request-id") => Name::XRequestId,
        14 if is("content-length") => Name::ContentLength,
        15 if is("x-forwarded-for") => Name::XForwardedFor,
        15 if is("x-request-start") => Name::XRequestStart,
        16 if is("x-forwarded-port") => Name::XForwardedPort,
        17 if is("x-forwarded-proto") => Name::XForwardedProto,
        17 if is("transfer-encoding") => Name::TransferEncoding,
        25 if is("strict-transport-security") => Name::StrictTransportSecurity,
        _ => Name::Other,
    }
}

fn is_alias(name: &[u8]) -> bool {
    if memchr::memchr(b'_', name).is_none() {
        return false;
    }
    let mut folded = [0; 32];
    let Some(folded) = folded.get_mut(..name.len()) else {
        return false;
    };
    for (to, from) in folded.iter_mut().zip(name) {
        *to = if *from == b'_' { b'-' } else { from.to_ascii_lowercase() };
    }
    folded.starts_with(b"x-forwarded-") || known(folded) != Name::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(Name::of(b"Content-Length"), Name::ContentLength);
        assert_eq!(Name::of(b"cOnTeNt-LeNgTh"), Name::ContentLength);
        assert_eq!(Name::of(b"X-Forwarded-Proto"), Name::XForwardedProto);
        assert_eq!(Name::of(b"Trailers"), Name::Trailer);
        assert_eq!(Name::of(b"X-Forwarded-Host"), Name::Other);
    }

    #[test]
    fn a_name_that_folds_into_one_of_ours_is_an_alias() {
        for name in
            ["X_Forwarded_For", "x-forwarded_host", "Content_Length", "TRANSFER_ENCODING", "X_Request-Id"]
        {
            assert_eq!(Name::of(name.as_bytes()), Name::Alias, "{name}");
        }
        for name in ["X_Custom", "_", "a_very_long_name_that_is_not_anything_we_know"] {
            assert_eq!(Name::of(name.as_bytes()), Name::Other, "{name}");
        }
    }
}

//! Fields after a body (RFC 9110 section 6.5): which of them may be there, and who wants them.
//!
//! In comes a field's name; out goes whether it may come so late. What frames, routes, authenticates or decides how a
//! message is worked on has been acted upon by then, so that it is dropped (section 6.5.1).

use super::head::Head;
use super::name::Name;

/// What no rule of the router is about, but what may not come after a body either. Lower case.
const TOO_LATE: [&str; 24] = [
    "accept",
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-location",
    "content-range",
    "content-type",
    "expires",
    "forwarded",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "set-cookie",
    "vary",
    "www-authenticate",
];

/// Whether a field may come after a body.
pub(crate) fn may_follow(name: &[u8]) -> bool {
    let is_too_late = || TOO_LATE.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()));
    Name::of(name) == Name::Other && !is_forwarded(name) && !is_too_late()
}

fn is_forwarded(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"x-forwarded-";
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Whether a client takes trailers (`TE: trailers`, RFC 9110 section 10.1.4).
pub(crate) fn are_taken(head: &Head, bytes: &[u8]) -> bool {
    head.values(bytes, Name::Te)
        .flat_map(|line| line.split(|byte| *byte == b','))
        .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Whether a field of the kind [`Name::Trailer`] tells which trailers come (`Trailer`, not Flynn's `Trailers`).
pub(crate) fn is_announcement(name: &[u8]) -> bool {
    name.len() == "trailer".len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_been_acted_upon_cannot_follow() {
        for name in ["Grpc-Status", "X-Checksum", "ETag", "Server-Timing", "Digest", "Accept-Ranges"] {
            assert!(may_follow(name.as_bytes()), "{name}");
        }
        for name in [
            "Content-Length",
            "transfer-encoding",
            "Host",
            "AUTHORIZATION",
            "Cookie",
            "Set-Cookie",
            "Content-Type",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X_Forwarded_For",
            "X-Request-Id",
            "Trailer",
            "Strict-Transport-Security",
            "If-Match",
        ] {
            assert!(!may_follow(name.as_bytes()), "{name}");
        }
    }
}

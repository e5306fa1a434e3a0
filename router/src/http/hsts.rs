//! `Strict-Transport-Security` (RFC 6797 section 6.1), as a host declares it.
//!
//! In comes the declaration; out goes the line. It is for responses over HTTPS only (section 7.2), whoever makes them.

use std::fmt::Write;

use router_config::Hsts;

use super::Buffer;

/// Renders the line.
pub(crate) fn push(hsts: Hsts, out: &mut Buffer) {
    let Hsts { max_age_seconds, include_subdomains, preload } = hsts;
    // Cannot fail: a buffer takes every byte.
    let _ = write!(out, "Strict-Transport-Security: max-age={max_age_seconds}");
    if include_subdomains {
        out.push(b"; includeSubDomains");
    }
    if preload {
        out.push(b"; preload");
    }
    out.push(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_declared_is_said() {
        let line = |include_subdomains, preload| {
            let mut out = Buffer::default();
            push(Hsts { max_age_seconds: 300, include_subdomains, preload }, &mut out);
            String::from_utf8(out.bytes().to_vec()).unwrap()
        };
        assert_eq!(line(false, false), "Strict-Transport-Security: max-age=300\r\n");
        assert_eq!(
            line(true, true),
            "Strict-Transport-Security: max-age=300; includeSubDomains; preload\r\n"
        );
    }
}

//! What a host name in the configuration stands for: one name, the names under one, or all.
//!
//! In comes a key of `hosts`; out goes a [`Pattern`], or a sentence that says how to write it. Never on the hot path.

/// A host name, parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern<'a> {
    /// `www.site.com`
    Exact(&'a str),
    /// `*.site.com`, as `site.com`
    Under(&'a str),
    /// `*`
    Any,
}

/// The longest host name (RFC 1035 section 2.3.4, without the root's dot).
pub(crate) const MAX_NAME: usize = 253;

const MAX_LABEL: usize = 63;

/// Takes the port off a key of `hosts`: `None` for one without.
///
/// # Errors
/// One sentence that says what to write instead.
pub(crate) fn split_port(key: &str) -> Result<(&str, Option<u16>), String> {
    let Some((name, port)) = key.rsplit_once(':') else {
        return Ok((key, None));
    };
    match port.parse() {
        // Written in one way only: two keys for one host would get in each other's way.
        Ok(number @ 1_u16..) if number.to_string() == port => Ok((name, Some(number))),
        _ => Err(format!("`{port}` is not a port: give one from 1 to 65535 after the colon, or none")),
    }
}

impl<'a> Pattern<'a> {
    /// # Errors
    /// One sentence that says what to write instead.
    pub(crate) fn parse(name: &'a str) -> Result<Self, String> {
        if name == "*" {
            return Ok(Self::Any);
        }
        let (domain, pattern): (&str, fn(&'a str) -> Self) = match name.strip_prefix("*.") {
            Some(parent) => (parent, Self::Under),
            None => (name, Self::Exact),
        };
        check(domain)?;
        Ok(pattern(domain))
    }
}

fn check(domain: &str) -> Result<(), String> {
    if domain.len() > MAX_NAME {
        return Err(format!("the host name has {} characters: use at most {MAX_NAME}", domain.len()));
    }
    if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("the host name must be in lower case: write `{}`", domain.to_ascii_lowercase()));
    }
    for label in domain.split('.') {
        check_label(label)?;
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() || label.len() > MAX_LABEL {
        return Err(format!(
            "each part of a host name between dots must have 1 to {MAX_LABEL} characters: correct `{label}`"
        ));
    }
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if label.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "a host name consists of letters, digits, `-` and `_`, without a port, and `*` only as its whole first part: correct `{label}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_a_wildcard_and_the_name_of_all_are_told_apart() {
        assert_eq!(Pattern::parse("www.site.com"), Ok(Pattern::Exact("www.site.com")));
        assert_eq!(Pattern::parse("*.site.com"), Ok(Pattern::Under("site.com")));
        assert_eq!(Pattern::parse("*"), Ok(Pattern::Any));
        assert_eq!(Pattern::parse("127.0.0.1"), Ok(Pattern::Exact("127.0.0.1")));
    }

    #[test]
    fn a_port_is_told_apart_from_the_name() {
        assert_eq!(split_port("www.site.com"), Ok(("www.site.com", None)));
        assert_eq!(split_port("*.site.com:8080"), Ok(("*.site.com", Some(8080))));
        for key in
            ["site.com:", "site.com:0", "site.com:080", "site.com:+80", "site.com:65536", "site.com:http"]
        {
            assert!(split_port(key).is_err(), "{key} was accepted");
        }
    }

    #[test]
    fn a_bad_name_is_refused_with_what_to_write() {
        let long = format!("{}.com", "a.".repeat(130));
        let names = [
            "",
            "Site.com",
            "site.com:80",
            "site.com.",
            "a..b",
            "*.*.com",
            "www.*.com",
            "a b",
            "[::1]",
            "*.",
            &long,
        ];
        for name in names {
            assert!(Pattern::parse(name).is_err(), "{name} was accepted");
        }
        assert_eq!(
            Pattern::parse("Site.com"),
            Err("the host name must be in lower case: write `site.com`".into())
        );
    }
}

//! Which hosts a certificate is for, as clients decide it (RFC 9525 section 6.3).

use crate::HostName;

/// Whether a certificate with these names is accepted by clients of `host`.
///
/// A wildcard stands for exactly one whole label, the leftmost: `*.site.com` covers `www.site.com`, and neither `site.com`
/// nor `a.b.site.com`. A Route for `*.site.com` is covered by that very name only, and a Route for `*` by none.
#[must_use]
pub fn covers(dns_names: &[String], host: &HostName) -> bool {
    let host = host.as_str();
    dns_names.iter().any(|name| match name.strip_prefix("*.") {
        _ if host == "*" => false,
        _ if name.eq_ignore_ascii_case(host) => true,
        Some(rest) => host.split_once('.').is_some_and(|(label, parent)| {
            !label.is_empty() && label != "*" && parent.eq_ignore_ascii_case(rest)
        }),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(name: &str, host: &str) -> bool {
        covers(&[name.to_owned()], &HostName::new(host))
    }

    #[test]
    fn an_exact_name_covers_itself_in_any_case() {
        assert!(covered("Www.Site.com", "www.site.COM"));
        assert!(!covered("www.site.com", "site.com"));
    }

    #[test]
    fn a_wildcard_covers_one_label_and_not_the_domain_itself() {
        assert!(covered("*.site.com", "www.site.com"));
        assert!(!covered("*.site.com", "a.b.site.com"));
        assert!(!covered("*.site.com", "site.com"));
        assert!(!covered("*.site.com", "www.othersite.com"));
    }

    #[test]
    fn a_wildcard_host_is_covered_by_that_very_wildcard_only() {
        assert!(covered("*.site.com", "*.site.com"));
        assert!(!covered("www.site.com", "*.site.com"));
        assert!(!covered("*.com", "*.site.com"));
        assert!(!covered("*.com", "*.com.com"));
    }

    #[test]
    fn the_host_for_everything_is_covered_by_nothing() {
        assert!(!covered("*", "*"));
        assert!(!covered("*.site.com", "*"));
    }

    #[test]
    fn a_part_of_a_label_is_no_wildcard() {
        assert!(!covered("w*.site.com", "www.site.com"));
    }
}

//! Resource versions: how far the watches of each kind have come.

use std::collections::BTreeMap;

use plan::Kind;

/// The highest resourceVersion seen of each kind. Numbers of one kind can be compared from Kubernetes 1.35 on
/// (KEP-5504); across kinds they never can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Versions(BTreeMap<Kind, u64>);

impl Versions {
    /// Notes that this version has been seen.
    pub(crate) fn advance(&mut self, kind: Kind, version: Option<u64>) {
        if let Some(version) = version {
            let highest = self.0.entry(kind).or_default();
            *highest = version.max(*highest);
        }
    }

    /// As `RouterNode.status.applied` has them.
    pub(crate) fn to_status(&self) -> BTreeMap<String, String> {
        let text = |(kind, version): (&Kind, &u64)| (kind.to_string(), version.to_string());
        self.0.iter().map(text).collect()
    }
}

/// A resourceVersion as a number; nothing for an API server that uses something else, or for the 0 of "any".
pub(crate) fn parse(version: Option<&str>) -> Option<u64> {
    version?.parse().ok().filter(|version| *version > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_never_goes_back() {
        let mut versions = Versions::default();
        versions.advance(Kind::Route, Some(7));
        versions.advance(Kind::Route, Some(5));
        versions.advance(Kind::Route, None);
        versions.advance(Kind::App, Some(3));
        let status = versions.to_status();
        assert_eq!(status.get("Route").map(String::as_str), Some("7"));
        assert_eq!(status.get("App").map(String::as_str), Some("3"));
    }

    #[test]
    fn a_version_that_is_no_number_is_no_version() {
        assert_eq!(parse(Some("12")), Some(12));
        assert_eq!(parse(Some("abc")), None);
        assert_eq!(parse(Some("0")), None);
        assert_eq!(parse(None), None);
    }
}

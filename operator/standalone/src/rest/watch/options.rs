//! From where and for how long a watch goes.

use std::time::Duration;

use crate::query::{Query, not_a_revision, revision};
use crate::status::{Cause, Failure, Result};

const OPTIONS: &str = "ListOptions";

/// A watch without a time of its own ends after this or up to twice as long, so that not all end at once.
const SHORTEST: Duration = Duration::from_secs(1800);

/// What a watch is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) start: Start,
    pub(super) timeout: Duration,
    pub(super) bookmarks: bool,
}

/// Where a watch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// With what there is, and a bookmark after it if one is wanted.
    Now { bookmark: bool },
    /// With what happens from now on.
    Next,
    /// With what happened after a revision.
    After(u64),
}

impl Options {
    pub(super) fn parse(query: &Query) -> Result<Self> {
        let version = query.text("resourceVersion").unwrap_or_default();
        let bookmarks = query.flag("allowWatchBookmarks");
        let initial = check_initial(query)?;
        let revision = match version {
            "" => 0,
            version => revision(version).map_err(|why| not_a_revision(version, &why))?,
        };
        let start = match (initial, revision) {
            (Some(true), _) => Start::Now { bookmark: bookmarks },
            (None, 0) => Start::Now { bookmark: false },
            (Some(false), 0) => Start::Next,
            (_, revision) => Start::After(revision),
        };
        let longest = SHORTEST + Duration::from_secs(fastrand::u64(..SHORTEST.as_secs()));
        Ok(Self { start, timeout: query.timeout()?.unwrap_or(longest), bookmarks })
    }
}

/// Whether what there is comes first, where the client says.
fn check_initial(query: &Query) -> Result<Option<bool>> {
    let initial = query.text("sendInitialEvents").map(|_| query.flag("sendInitialEvents"));
    let matching = query.text("resourceVersionMatch");
    let field = "resourceVersionMatch";
    let forbidden = |why: &str| Cause::new("FieldValueForbidden", field, format!("Forbidden: {why}"));
    let mut causes = Vec::new();
    if initial.is_some() && matching != Some("NotOlderThan") {
        causes.push(forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
    }
    if initial.is_none() && matching.is_some() {
        let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        causes.push(forbidden(why));
    }
    if let Some(other) = matching.filter(|matching| *matching != "NotOlderThan") {
        let message = format!("Unsupported value: {other:?}: supported values: \"NotOlderThan\"");
        causes.push(Cause::new("FieldValueNotSupported", field, message));
    }
    if matching.is_some() && query.text("continue").is_some() {
        causes.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
    }
    if causes.is_empty() { Ok(initial) } else { Err(Failure::invalid_options(OPTIONS, &causes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(query: &str) -> Option<Start> {
        Options::parse(&Query::parse(query)).ok().map(|options| options.start)
    }

    #[test]
    fn a_watch_begins_where_it_is_told_to() {
        let list = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
        for (query, expected) in [
            ("", Some(Start::Now { bookmark: false })),
            ("resourceVersion=0&allowWatchBookmarks=true", Some(Start::Now { bookmark: false })),
            ("resourceVersion=7", Some(Start::After(7))),
            (&format!("{list}&allowWatchBookmarks=true"), Some(Start::Now { bookmark: true })),
            (list, Some(Start::Now { bookmark: false })),
            (
                "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0",
                Some(Start::Next),
            ),
            ("sendInitialEvents=true", None),
            ("resourceVersionMatch=NotOlderThan", None),
            ("resourceVersion=x", None),
        ] {
            assert_eq!(start(query), expected, "{query}");
        }
    }

    #[test]
    fn everything_that_is_wrong_with_a_watch_is_told() {
        let causes = |query: &str| {
            let status = Options::parse(&Query::parse(query)).expect_err(query).to_status();
            status["details"]["causes"].as_array().map_or(0, Vec::len)
        };
        for (query, expected) in [
            ("sendInitialEvents=true", 1),
            ("sendInitialEvents=true&resourceVersionMatch=Exact", 2),
            ("resourceVersionMatch=Exact", 2),
            ("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x", 1),
            ("sendInitialEvents=true&resourceVersionMatch=Exact&continue=x", 3),
        ] {
            assert_eq!(causes(query), expected, "{query}");
        }
    }

    #[test]
    fn a_watch_has_an_end() {
        let timeout = |query: &str| Options::parse(&Query::parse(query)).expect("options").timeout;
        assert_eq!(timeout("timeoutSeconds=5"), Duration::from_secs(5));
        assert!(timeout("") >= SHORTEST);
    }
}

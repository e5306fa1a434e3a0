//! From where and for how long a watch goes.

use std::time::Duration;

use crate::query::{Query, revision};
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
            version => revision(version).map_err(|why| {
                Failure::internal(format!("resourceVersion: Invalid value: {version:?}: {why}"))
            })?,
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
    match (initial, matching) {
        (Some(_), None) => {
            causes.push(forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
        }
        (None, Some(_)) => {
            causes.push(forbidden(
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        _ => {}
    }
    if let Some(other) = matching.filter(|matching| *matching != "NotOlderThan") {
        let message = format!("Unsupported value: {other:?}: supported values: \"NotOlderThan\"");
        causes.push(Cause::new("FieldValueNotSupported", field, message));
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
    fn a_watch_has_an_end() {
        let timeout = |query: &str| Options::parse(&Query::parse(query)).expect("options").timeout;
        assert_eq!(timeout("timeoutSeconds=5"), Duration::from_secs(5));
        assert!(timeout("") >= SHORTEST);
    }
}

//! `/healthz`, `/livez` and `/readyz`: whether the server works, for supervisors and people.

use http::{Response, StatusCode};

use crate::answer::{self, Body};
use crate::query::Query;

/// What is looked at, in order. `shutdown` fails while the server stops, for `/readyz` alone.
const CHECKS: [&str; 3] = ["ping", "store", "shutdown"];

/// Whether a path asks for health.
pub(crate) fn knows(path: &str) -> bool {
    split(path).is_some()
}

/// The answer; the path is a known one.
pub(crate) fn answer(path: &str, query: &str, is_stopping: bool) -> Response<Body> {
    let Some((endpoint, only)) = split(path) else { return answer::no_page() };
    let fails = |check: &&str| *check == "shutdown" && endpoint == "readyz" && is_stopping;
    let checks =
        CHECKS.iter().filter(|check| only.is_none_or(|only| only == **check)).copied().collect::<Vec<_>>();
    if checks.is_empty() {
        return answer::no_page();
    }
    let mark = |check: &&str| {
        if fails(check) {
            format!("[-]{check} failed: reason withheld\n")
        } else {
            format!("[+]{check} ok\n")
        }
    };
    let report = checks.iter().map(mark).collect::<String>();
    if checks.iter().any(fails) {
        return answer::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{report}{endpoint} check failed\n"));
    }
    let is_verbose = only.is_none() && Query::parse(query).flag("verbose");
    answer::text(
        StatusCode::OK,
        if is_verbose { format!("{report}{endpoint} check passed\n") } else { "ok".to_owned() },
    )
}

fn split(path: &str) -> Option<(&'static str, Option<&str>)> {
    ["healthz", "livez", "readyz"].into_iter().find_map(|endpoint| {
        let rest = path.strip_prefix('/')?.strip_prefix(endpoint)?;
        match rest.strip_prefix('/') {
            _ if rest.is_empty() => Some((endpoint, None)),
            Some(check) => Some((endpoint, (!check.is_empty()).then_some(check))),
            None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_stops_is_alive_and_not_ready() {
        assert_eq!(answer("/livez", "", true).status(), 200);
        assert_eq!(answer("/readyz", "", true).status(), 500);
        assert_eq!(answer("/readyz", "verbose", false).status(), 200);
    }

    #[test]
    fn one_check_can_be_asked_for() {
        assert_eq!(answer("/livez/ping", "", false).status(), 200);
        assert_eq!(answer("/livez/unknown", "", false).status(), 404);
        assert!(knows("/healthz/"));
        assert!(!knows("/healthzz"));
    }
}

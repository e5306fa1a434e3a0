//! The conditions of a request for an object (RFC 9110, section 13), in the order in which they count.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{
    HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use jiff::Timestamp;

/// What tells one state of an object from another.
#[derive(Debug, Clone)]
pub(crate) struct Validators {
    /// The entity tag, with its quotes.
    pub(crate) etag: String,
    /// When it was written last, to the second, which is all that a header can say.
    pub(crate) modified: SystemTime,
}

/// What a request wants under its conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The object.
    Wanted,
    /// Only to know that the client has it already.
    NotModified,
    /// Nothing, because the object is another than the client means.
    Failed,
}

impl Validators {
    pub(crate) fn new(sha512: &str, updated: Timestamp) -> Self {
        let seconds = u64::try_from(updated.as_second()).unwrap_or_default();
        Self { etag: format!("\"{sha512}\""), modified: UNIX_EPOCH + Duration::from_secs(seconds) }
    }

    /// Judges a GET or HEAD.
    pub(crate) fn judge(&self, headers: &HeaderMap) -> Judgement {
        let since = |name| date(headers, name);
        if headers.contains_key(IF_MATCH) {
            if !self.is_among(headers, &IF_MATCH, false) {
                return Judgement::Failed;
            }
        } else if since(IF_UNMODIFIED_SINCE).is_some_and(|date| self.modified > date) {
            return Judgement::Failed;
        }
        if headers.contains_key(IF_NONE_MATCH) {
            if self.is_among(headers, &IF_NONE_MATCH, true) {
                return Judgement::NotModified;
            }
        } else if since(IF_MODIFIED_SINCE).is_some_and(|date| self.modified <= date) {
            return Judgement::NotModified;
        }
        Judgement::Wanted
    }

    /// Whether a range is of the object as it is now, so that it may be given.
    pub(crate) fn allow_range(&self, headers: &HeaderMap) -> bool {
        let Some(condition) = headers.get(IF_RANGE) else { return true };
        condition.as_bytes() == self.etag.as_bytes() || date(headers, IF_RANGE) == Some(self.modified)
    }

    /// Whether a list of entity tags has this one, or is `*`. A weak one is another one, except where weak ones count too.
    fn is_among(&self, headers: &HeaderMap, name: &HeaderName, counts_weak: bool) -> bool {
        let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        lists.into_iter().any(|list| {
            list.trim() == "*"
                || tags(list).any(|tag| tag.opaque == self.etag && (counts_weak || !tag.is_weak))
        })
    }
}

struct Tag<'a> {
    is_weak: bool,
    /// With its quotes.
    opaque: &'a str,
}

/// The entity tags of a list, up to the first thing that is none.
fn tags(mut list: &str) -> impl Iterator<Item = Tag<'_>> {
    std::iter::from_fn(move || {
        list = list.trim_start_matches([' ', '\t', ',']);
        let (is_weak, tag) = list.strip_prefix("W/").map_or((false, list), |tag| (true, tag));
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        let (opaque, rest) = tag.split_at(end);
        list = rest;
        Some(Tag { is_weak, opaque })
    })
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn validators() -> Validators {
        Validators::new("a+/=", "1994-11-06T08:49:37.9Z".parse().unwrap())
    }

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn each_condition_is_judged_as_the_standard_says() {
        use Judgement::{Failed, NotModified, Wanted};

        for (name, value, judgement) in [
            (IF_MATCH, r#""a+/=""#, Wanted),
            (IF_MATCH, "*", Wanted),
            (IF_MATCH, r#""b", "a+/=""#, Wanted),
            (IF_MATCH, r#"W/"a+/=""#, Failed),
            (IF_MATCH, r#""b""#, Failed),
            (IF_MATCH, "a+/=", Failed),
            (IF_UNMODIFIED_SINCE, BEFORE, Failed),
            (IF_UNMODIFIED_SINCE, AT, Wanted),
            (IF_UNMODIFIED_SINCE, "yesterday", Wanted),
            (IF_NONE_MATCH, r#""a+/=""#, NotModified),
            (IF_NONE_MATCH, r#""x,\", W/"a+/=""#, NotModified),
            (IF_NONE_MATCH, "*", NotModified),
            (IF_NONE_MATCH, r#""b""#, Wanted),
            (IF_MODIFIED_SINCE, BEFORE, Wanted),
            (IF_MODIFIED_SINCE, AT, NotModified),
            (IF_MODIFIED_SINCE, AFTER, NotModified),
        ] {
            assert_eq!(validators().judge(&headers(&[(name.clone(), value)])), judgement, "{name}: {value}");
        }
    }

    #[test]
    fn an_entity_tag_counts_instead_of_the_date_beside_it() {
        for (lines, judgement) in [
            ([(IF_NONE_MATCH, r#""b""#), (IF_MODIFIED_SINCE, AFTER)], Judgement::Wanted),
            ([(IF_MATCH, r#""a+/=""#), (IF_UNMODIFIED_SINCE, BEFORE)], Judgement::Wanted),
            ([(IF_MATCH, r#""b""#), (IF_NONE_MATCH, r#""a+/=""#)], Judgement::Failed),
            ([(IF_MATCH, r#""a+/=""#), (IF_NONE_MATCH, r#""a+/=""#)], Judgement::NotModified),
        ] {
            assert_eq!(validators().judge(&headers(&lines)), judgement, "{lines:?}");
        }
    }

    #[test]
    fn a_range_is_allowed_of_the_same_state_only() {
        for (value, is_allowed) in [
            (r#""a+/=""#, true),
            (r#"W/"a+/=""#, false),
            (r#""b""#, false),
            (AT, true),
            (BEFORE, false),
            (AFTER, false),
        ] {
            assert_eq!(validators().allow_range(&headers(&[(IF_RANGE, value)])), is_allowed, "{value}");
        }
        assert!(validators().allow_range(&HeaderMap::new()));
    }
}

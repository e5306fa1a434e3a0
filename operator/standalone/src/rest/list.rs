//! GET of a collection: a consistent list, whole or in pages.

use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use http::{Response, StatusCode};
use schema::Resource;
use serde_json::{Value, json};
use store::{Object, Snapshot};

use super::Call;
use super::render::printer;
use crate::answer::{self, Body};
use crate::negotiate::{self, Format};
use crate::page::Page;
use crate::query::{Match, Query, revision};
use crate::selector::Selector;
use crate::status::{Cause, Failure, Result};
use crate::{table, wire};

const OPTIONS: &str = "ListOptions";

/// What a token that is too old is told.
const TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
                       the continue parameter, or use the continue token in this response to retrieve the remainder of the results. \
                       Continuing with the provided token results in an inconsistent list - objects that were created, modified, or \
                       deleted between the time the first chunk was returned and now may show up in the list.";

pub(super) fn list(call: &Call) -> Result<Response<Body>> {
    let format = negotiate::format(&call.headers)?;
    let resource = &call.request.resource;
    let selector = Selector::parse(resource, &call.request.query)?;
    let options = Options::parse(&call.request.query)?;
    let snapshot = call.snapshot(&options)?;
    let after = options.page.as_ref().map(|page| (page.after_namespace.as_str(), page.after_name.as_str()));
    let mut rest = snapshot
        .list(&wire::collection(resource), call.request.namespace.as_deref(), after)
        .filter(|object| selector.matches(object));
    let items = match options.limit {
        Some(limit) => rest.by_ref().take(limit).collect::<Vec<_>>(),
        None => rest.by_ref().collect(),
    };
    let mut metadata = json!({"resourceVersion": snapshot.revision().to_string()});
    if let (Some(last), Some(_)) = (items.last(), rest.next()) {
        let (after_namespace, after_name) = (last.key.namespace.to_string(), last.key.name.to_string());
        metadata["continue"] =
            Page { revision: Some(snapshot.revision()), after_namespace, after_name }.token().into();
        if selector.is_everything() {
            metadata["remainingItemCount"] = (1 + rest.count()).into();
        }
    }
    render(call, format, &metadata, &items)
}

/// The metadata of a whole list. Of custom kinds it says that nothing follows.
pub(super) fn whole(resource: &Resource, mut metadata: Value) -> Value {
    if resource.is_custom && metadata["continue"].is_null() {
        metadata["continue"] = "".into();
    }
    metadata
}

fn render(call: &Call, format: Format, metadata: &Value, items: &[&Arc<Object>]) -> Result<Response<Body>> {
    let resource = &call.request.resource;
    let values = || items.iter().map(|object| call.value(object));
    let value = match format {
        Format::Table => printer(call)?.list(metadata.clone(), values()),
        Format::Metadata => table::partial_list(metadata.clone(), values()),
        Format::Object => {
            let mut bytes = BytesMut::with_capacity(
                256 + items.iter().map(|object| object.json.len() + 96).sum::<usize>(),
            );
            let head = format!(
                r#"{{"kind":"{}","apiVersion":"{}","metadata":{},"items":["#,
                resource.list_kind,
                resource.api_version(),
                whole(resource, metadata.clone())
            );
            bytes.put_slice(head.as_bytes());
            for (index, object) in items.iter().enumerate() {
                if index > 0 {
                    bytes.put_u8(b',');
                }
                wire::write_item(resource, object, &mut bytes);
            }
            bytes.put_slice(b"]}");
            return Ok(answer::json(StatusCode::OK, bytes));
        }
    };
    Ok(answer::value(StatusCode::OK, &value))
}

/// What a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options {
    limit: Option<usize>,
    page: Option<Page>,
    /// None: any.
    revision: Option<u64>,
    exact: bool,
}

impl Options {
    fn parse(query: &Query) -> Result<Self> {
        let limit =
            query.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let version = query.text("resourceVersion").unwrap_or_default();
        let matching = matching(query, version)?;
        query.timeout()?;
        if let Some(token) = query.text("continue") {
            if !matches!(version, "" | "0") {
                let why = "specifying resource version is not allowed when using continue";
                return Err(Failure::bad_request(why));
            }
            return Ok(Self { limit, page: Some(Page::parse(token)?), revision: None, exact: false });
        }
        let revision = match version {
            "" | "0" => None,
            version => Some(revision(version).map_err(|why| {
                Failure::bad_request(format!(
                    "invalid resource version: resourceVersion: Invalid value: {version:?}: {why}"
                ))
            })?),
        };
        // Pages of a list of a revision are of that revision.
        let exact =
            matching == Some(Match::Exact) || matching.is_none() && limit.is_some() && revision.is_some();
        Ok(Self { limit, page: None, revision, exact })
    }
}

fn matching(query: &Query, version: &str) -> Result<Option<Match>> {
    let field = "resourceVersionMatch";
    let forbidden =
        |field: &str, why: &str| Cause::new("FieldValueForbidden", field, format!("Forbidden: {why}"));
    let mut causes = Vec::new();
    let wanted = query.text(field);
    if wanted.is_some() && version.is_empty() {
        causes.push(forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if wanted.is_some() && query.text("continue").is_some() {
        causes.push(forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
    }
    let matching = match wanted {
        None => None,
        Some("NotOlderThan") => Some(Match::NotOlderThan),
        Some("Exact") if version == "0" => {
            causes.push(forbidden(
                field,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
            None
        }
        Some("Exact") => Some(Match::Exact),
        Some(other) => {
            let message =
                format!("Unsupported value: {other:?}: supported values: \"Exact\", \"NotOlderThan\", \"\"");
            causes.push(Cause::new("FieldValueNotSupported", field, message));
            None
        }
    };
    if query.text("sendInitialEvents").is_some() {
        causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if causes.is_empty() { Ok(matching) } else { Err(Failure::invalid_options(OPTIONS, &causes)) }
}

impl Call {
    /// The state that the list is of.
    fn snapshot(&self, options: &Options) -> Result<Snapshot> {
        let store = &self.api.store;
        if let Some(page) = &options.page {
            let Some(revision) = page.revision else { return Ok(store.snapshot()) };
            return store
                .snapshot_at(revision)
                .map_err(|_| Failure::expired_page(TOO_OLD, &page.in_what_there_is().token()));
        }
        let now = store.snapshot();
        match options.revision {
            Some(wanted) if wanted > now.revision() => Err(Failure::too_new(wanted, now.revision())),
            Some(wanted) if options.exact => store
                .snapshot_at(wanted)
                .map_err(|_| Failure::expired("The resourceVersion for the provided list is too old.")),
            _ => Ok(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> String {
        let failure = Options::parse(&Query::parse(query)).expect_err(query);
        failure.to_status()["message"].as_str().expect("a message").to_owned()
    }

    #[test]
    fn options_that_make_no_sense_are_refused_with_the_real_words() {
        let head = "ListOptions.meta.k8s.io \"\" is invalid: ";
        for (query, expected) in [
            (
                "resourceVersionMatch=Exact",
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
            ),
            (
                "resourceVersionMatch=Exact&resourceVersion=0",
                "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ),
            (
                "resourceVersionMatch=Foo&resourceVersion=3",
                "resourceVersionMatch: Unsupported value: \"Foo\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
            ),
        ] {
            assert_eq!(refusal(query), format!("{head}{expected}"));
        }
        let expected = "invalid resource version: resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax";
        assert_eq!(refusal("resourceVersion=x"), expected);
    }

    #[test]
    fn pages_of_a_revision_are_exact() {
        assert!(Options::parse(&Query::parse("limit=5&resourceVersion=3")).expect("options").exact);
        assert!(!Options::parse(&Query::parse("resourceVersion=3")).expect("options").exact);
        assert!(!Options::parse(&Query::parse("limit=5&resourceVersion=0")).expect("options").exact);
    }
}

//! In which form an answer is wanted: the object as JSON, a table of it, or its metadata alone.

use http::HeaderMap;
use http::header::ACCEPT;

use crate::status::{Failure, Result};

/// What is sent.
const SENT: &str = "application/json";

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The object itself.
    Object,
    /// A `meta.k8s.io/v1` Table.
    Table,
    /// A `meta.k8s.io/v1` PartialObjectMetadata, or a list of them.
    Metadata,
}

/// Reads the `Accept` header. The first form that is known is taken; preferences (`q`) are not weighed, as every client
/// names its forms in their order.
///
/// # Errors
/// None of them is.
pub(crate) fn format(headers: &HeaderMap) -> Result<Format> {
    let accepts =
        headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok()).collect::<Vec<_>>();
    if accepts.iter().all(|accept| accept.trim().is_empty()) {
        return Ok(Format::Object);
    }
    let clauses = accepts.iter().flat_map(|accept| accept.split(','));
    match clauses.clone().find_map(clause) {
        Some(format) => Ok(format),
        None if clauses.clone().any(is_json) => Err(Failure::not_acceptable(SENT)),
        None => Err(Failure::not_represented(SENT)),
    }
}

fn is_json(clause: &str) -> bool {
    matches!(
        clause.split(';').next().unwrap_or_default().trim(),
        "application/json" | "application/*" | "*/*"
    )
}

fn clause(clause: &str) -> Option<Format> {
    if !is_json(clause) {
        return None;
    }
    let parts = clause.split(';').skip(1).map(str::trim);
    let parameters = parts.filter_map(|part| part.split_once('=')).collect::<Vec<_>>();
    let parameter = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    match (parameter("as"), parameter("g"), parameter("v")) {
        (None, ..) => Some(Format::Object),
        (Some("Table"), Some("meta.k8s.io"), Some("v1")) => Some(Format::Table),
        (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), Some("meta.k8s.io"), Some("v1")) => {
            Some(Format::Metadata)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(accept: &str) -> Option<Format> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().expect("a header"));
        format(&headers).ok()
    }

    #[test]
    fn the_first_known_form_is_taken() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        for (accept, expected) in [
            (table, Some(Format::Table)),
            ("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", Some(Format::Object)),
            ("application/vnd.kubernetes.protobuf,application/json", Some(Format::Object)),
            ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Some(Format::Metadata)),
            ("*/*", Some(Format::Object)),
            ("", Some(Format::Object)),
            ("application/vnd.kubernetes.protobuf", None),
            ("application/json;as=Foo;g=meta.k8s.io;v=v1", None),
            ("text/plain", None),
        ] {
            assert_eq!(read(accept), expected, "{accept}");
        }
    }
}

//! The OpenAPI documents. They are made when somebody asks for the first time, and kept: every `kubectl apply` asks.
//!
//! A document's address in the index holds its hash, so a client may keep it for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schema::Catalog;
use serde_json::{Value, json};

use super::{Answer, Body, Question, version_path};

/// The documents by path, such as `apis/apps/v1`.
#[derive(Debug)]
pub(super) struct Documents {
    catalog: Arc<Catalog>,
    made: OnceLock<BTreeMap<String, Document>>,
}

#[derive(Debug)]
struct Document {
    tag: String,
    text: Bytes,
}

impl Documents {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, made: OnceLock::new() }
    }

    /// `/openapi/v3`: where each document is.
    pub(super) fn index(&self) -> Answer {
        let paths = self
            .made()
            .iter()
            .map(|(path, document)| (path.clone(), json!({"serverRelativeURL": address(path, document)})));
        let index = json!({"paths": paths.collect::<serde_json::Map<String, Value>>()});
        let mut answer = Answer::object(index);
        // A real server says nothing of JSON here.
        answer.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        answer
    }

    /// One document: for ever where the question has its hash, moved where it has another, else to be asked for again.
    pub(super) fn answer(&self, path: &str, question: &Question) -> Answer {
        let Some(document) = self.made().get(path) else { return empty(StatusCode::NOT_FOUND) };
        let mut queries = question.query.split('&');
        let hash = queries.find_map(|query| query.strip_prefix("hash="));
        if hash.is_some_and(|hash| hash != document.tag) {
            return moved(&address(path, document));
        }
        let caching =
            if hash.is_some() { "public, immutable, max-age=31536000" } else { "no-cache, private" };
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
            (header::VARY, HeaderValue::from_static("Accept")),
            (header::ETAG, entity_tag(&document.tag)),
        ]);
        let answer = Answer { status: StatusCode::OK, headers, body: Body::Text(document.text.clone()) };
        if matches(question.if_none_match, &document.tag) { answer.not_modified() } else { answer }
    }

    fn made(&self) -> &BTreeMap<String, Document> {
        self.made.get_or_init(|| {
            let mut documents = BTreeMap::new();
            for resource in self.catalog.resources() {
                let path = version_path(resource);
                if documents.contains_key(&path) {
                    continue;
                }
                if let Some(document) = self.catalog.openapi(&resource.group, &resource.version) {
                    let text = Bytes::from(document.to_string());
                    documents.insert(path, Document { tag: tag(&text), text });
                }
            }
            documents
        })
    }
}

/// The hash of a text, as tags and addresses have it.
pub(super) fn tag(text: &[u8]) -> String {
    let hash = digest(&SHA256, text);
    hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

pub(super) fn entity_tag(tag: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{tag}\"")).expect("a hash is a header's value")
}

/// Whether `If-None-Match` names this tag.
pub(super) fn matches(if_none_match: Option<&str>, tag: &str) -> bool {
    let mut tags = if_none_match.unwrap_or_default().split(',').map(str::trim);
    tags.any(|known| known == "*" || known.trim_start_matches("W/").trim_matches('"') == tag)
}

fn address(path: &str, document: &Document) -> String {
    format!("/openapi/v3/{path}?hash={}", document.tag)
}

fn moved(address: &str) -> Answer {
    let location = HeaderValue::try_from(address).expect("paths of kinds are a header's value");
    let mut answer = empty(StatusCode::MOVED_PERMANENTLY);
    answer.headers.insert(header::LOCATION, location);
    answer
}

fn empty(status: StatusCode) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: Body::Text(Bytes::new()) }
}

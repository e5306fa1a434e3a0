//! What there is: groups, versions and kinds, in the aggregated form and in the one by one, the version that we are
//! compatible with, and the OpenAPI documents. All of it comes from the [`Catalog`]; nothing changes while we run.
//!
//! A path that is not told of here is no concern of discovery: the answer is `None`.

mod lists;
mod openapi;
mod openapi_v2;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schema::{Catalog, Resource};
use serde_json::{Value, json};

use self::openapi::Documents;
use crate::status::{Failure, Result};

pub(crate) use lists::subresources;

/// The Kubernetes that the API is compatible with, and whose it is.
pub(crate) const VERSION: &str = "v1.36.3+flynn-standalone";

/// The media type of aggregated discovery.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answers questions about what there is.
#[derive(Debug)]
pub(crate) struct Discovery {
    catalog: Arc<Catalog>,
    address: String,
    documents: Documents,
}

/// A GET request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Question<'a> {
    /// The path, without the query.
    pub(crate) path: &'a str,
    /// The query, without the question mark.
    pub(crate) query: &'a str,
    /// The header `Accept`.
    pub(crate) accept: Option<&'a str>,
    /// The header `If-None-Match`.
    pub(crate) if_none_match: Option<&'a str>,
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// The body: a value may be printed with indentation.
#[derive(Debug, PartialEq)]
pub(crate) enum Body {
    Object(Value),
    Text(Bytes),
}

/// The forms in which `/api` and `/apis` are told.
#[derive(Debug, PartialEq)]
enum Form {
    Aggregated,
    Lists,
}

impl Discovery {
    /// `address` is where clients find us, as in `127.0.0.1:6443`.
    pub(crate) fn new(catalog: Arc<Catalog>, address: String) -> Self {
        Self { documents: Documents::new(Arc::clone(&catalog)), catalog, address }
    }

    /// Whether a path is answered to GET and no other method; the other ones do not ask for it.
    pub(crate) fn is_only_read(&self, path: &str) -> bool {
        match segments(path).as_slice() {
            ["version"] | ["api"] => true,
            ["api", version] => self.kinds("", version).is_some(),
            ["apis", group, version] => {
                let mut resources = self.catalog.resources();
                resources.any(|known| known.group == *group && known.version == *version && !known.is_custom)
            }
            _ => false,
        }
    }

    /// The answer; none where there is nothing at the path.
    pub(crate) fn answer(&self, question: &Question) -> Option<Result<Answer>> {
        let body = match segments(question.path).as_slice() {
            [] => self.paths(),
            ["version"] => version(),
            ["api"] => {
                return Some(self.groups(question, |of| of.is_empty(), lists::versions(&self.address)));
            }
            ["apis"] => {
                let list = lists::groups(&self.catalog);
                return Some(self.groups(question, |of| !of.is_empty(), list));
            }
            ["apis", group] => lists::group(&self.catalog, group)?,
            ["api", version] => return self.version("", version, question),
            ["apis", group, version] => return self.version(group, version, question),
            ["openapi", "v2"] => return Some(openapi_v2::answer(question).ok_or_else(not_acceptable)),
            ["openapi", "v3"] => return Some(accepted(question).map(|()| self.documents.index())),
            ["openapi", "v3", document @ ..] => {
                let answer = self.documents.answer(&document.join("/"), question);
                return Some(accepted(question).map(|()| answer));
            }
            _ => return None,
        };
        Some(accepted(question).map(|()| Answer::object(body)))
    }

    /// The kinds of one version. Where there is no such version, groups of custom kinds are silent.
    fn version(&self, group: &str, version: &str, question: &Question) -> Option<Result<Answer>> {
        if let Some(kinds) = self.kinds(group, version) {
            return Some(accepted(question).map(|()| Answer::object(kinds)));
        }
        let is_served = self.catalog.resources().any(|known| known.group == group && !known.is_custom);
        is_served.then(|| Err(Failure::no_such_resource()))
    }

    /// The kinds of one version.
    fn kinds(&self, group: &str, version: &str) -> Option<Value> {
        let resources = self.catalog.resources();
        let of = resources.filter(|resource| (&*resource.group, &*resource.version) == (group, version));
        let of = of.map(Arc::as_ref).collect::<Vec<&Resource>>();
        (!of.is_empty()).then(|| lists::resources(group, version, &of))
    }

    fn groups(&self, question: &Question, is_wanted: fn(&str) -> bool, list: Value) -> Result<Answer> {
        let mut answer = match form(question.accept) {
            None => return Err(not_acceptable()),
            Some(Form::Lists) => Answer::object(list),
            Some(Form::Aggregated) => {
                aggregated(lists::aggregated(&self.catalog, is_wanted), question.if_none_match)
            }
        };
        answer.headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        Ok(answer)
    }

    fn paths(&self) -> Value {
        let mut paths = [
            "/api",
            "/apis",
            "/apis/",
            "/healthz",
            "/livez",
            "/metrics",
            "/openapi/v2",
            "/openapi/v3",
            "/readyz",
            "/version",
        ]
        .map(str::to_owned)
        .to_vec();
        for resource in self.catalog.resources() {
            if !resource.group.is_empty() {
                paths.push(format!("/apis/{}", resource.group));
            }
            paths.push(format!("/{}", version_path(resource)));
        }
        paths.sort();
        paths.dedup();
        json!({ "paths": paths })
    }
}

impl Answer {
    fn object(value: Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        Self { status: StatusCode::OK, headers, body: Body::Object(value) }
    }

    fn not_modified(mut self) -> Self {
        self.status = StatusCode::NOT_MODIFIED;
        self.body = Body::Text(Bytes::new());
        self
    }
}

/// The parts of a path; a slash at its end says nothing.
fn segments(path: &str) -> Vec<&str> {
    path.strip_suffix('/').unwrap_or(path).split('/').skip(1).collect()
}

/// The aggregated form, with its entity tag, by which kubectl asks whether it changed.
fn aggregated(value: Value, if_none_match: Option<&str>) -> Answer {
    let tag = openapi::tag(value.to_string().as_bytes());
    let mut answer = Answer::object(value);
    answer.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(AGGREGATED));
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    answer.headers.insert(header::ETAG, openapi::entity_tag(&tag));
    if openapi::matches(if_none_match, &tag) { answer.not_modified() } else { answer }
}

/// `api/v1` or `apis/apps/v1`.
fn version_path(resource: &Resource) -> String {
    match resource.group.as_str() {
        "" => format!("api/{}", resource.version),
        group => format!("apis/{group}/{}", resource.version),
    }
}

fn version() -> Value {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    json!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": VERSION,
        "gitCommit": "unknown",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": format!("{}/{architecture}", std::env::consts::OS),
    })
}

/// The first form in the header that we have; none if there is none.
fn form(accept: Option<&str>) -> Option<Form> {
    let ranges = accept.unwrap_or("*/*").split(',').map(|range| range.replace(' ', ""));
    ranges.filter_map(|range| form_of(&range)).next()
}

fn form_of(range: &str) -> Option<Form> {
    let mut parameters = range.split(';');
    let media = parameters.next().unwrap_or_default();
    let parameters = parameters.filter(|parameter| !parameter.starts_with("q=")).collect::<Vec<_>>();
    match media {
        "application/json" | "application/*" | "*/*" | "" => {}
        _ => return None,
    }
    let has = |wanted: &str| parameters.contains(&wanted);
    if has("g=apidiscovery.k8s.io") && has("v=v2") && has("as=APIGroupDiscoveryList") {
        return Some(Form::Aggregated);
    }
    let asks_other = parameters.iter().any(|parameter| parameter.starts_with("as="));
    (!asks_other).then_some(Form::Lists)
}

fn accepted(question: &Question) -> Result<()> {
    form(question.accept).map(drop).ok_or_else(not_acceptable)
}

fn not_acceptable() -> Failure {
    Failure::not_acceptable("application/json")
}

#[cfg(test)]
mod tests;

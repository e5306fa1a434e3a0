//! The actions that are played, and the requests that ask for them.
//!
//! Methods and paths are those of the "Request Syntax" of each action in
//! <https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html>.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

/// An action of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the API reference")]
pub enum Action {
    ListHostedZones,
    ListHostedZonesByName,
    GetHostedZone,
    CreateHostedZone,
    DeleteHostedZone,
    ChangeResourceRecordSets,
    ListResourceRecordSets,
    GetChange,
    CreateHealthCheck,
    GetHealthCheck,
    ListHealthChecks,
    UpdateHealthCheck,
    DeleteHealthCheck,
    GetHealthCheckStatus,
    GetHealthCheckCount,
    ChangeTagsForResource,
    ListTagsForResource,
    ListTagsForResources,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A request, taken apart.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it asks for.
    pub action: Action,
    /// The id in the path; empty for actions that have none.
    pub id: String,
    /// `healthcheck` or `hostedzone` for actions on tags, otherwise empty.
    pub resource_type: String,
    /// The parameters behind the path.
    pub query: HashMap<String, String>,
    /// The document it carries.
    pub body: Bytes,
}

impl Request {
    /// Finds the action that a method and a path mean; none if there is no such action.
    pub fn route(method: &Method, path: &str, query: Option<&str>, body: Bytes) -> Option<Self> {
        let segments: Vec<_> = path.strip_prefix("/2013-04-01/")?.trim_end_matches('/').split('/').collect();
        let (action, resource_type, id) = match (method.as_str(), &segments[..]) {
            ("GET", ["hostedzone"]) => (Action::ListHostedZones, "", ""),
            ("GET", ["hostedzonesbyname"]) => (Action::ListHostedZonesByName, "", ""),
            ("GET", ["hostedzone", id]) => (Action::GetHostedZone, "", *id),
            ("POST", ["hostedzone"]) => (Action::CreateHostedZone, "", ""),
            ("DELETE", ["hostedzone", id]) => (Action::DeleteHostedZone, "", *id),
            ("POST", ["hostedzone", id, "rrset"]) => (Action::ChangeResourceRecordSets, "", *id),
            ("GET", ["hostedzone", id, "rrset"]) => (Action::ListResourceRecordSets, "", *id),
            ("GET", ["change", id]) => (Action::GetChange, "", *id),
            ("POST", ["healthcheck"]) => (Action::CreateHealthCheck, "", ""),
            ("GET", ["healthcheck"]) => (Action::ListHealthChecks, "", ""),
            ("GET", ["healthcheck", id]) => (Action::GetHealthCheck, "", *id),
            ("POST", ["healthcheck", id]) => (Action::UpdateHealthCheck, "", *id),
            ("DELETE", ["healthcheck", id]) => (Action::DeleteHealthCheck, "", *id),
            ("GET", ["healthcheck", id, "status"]) => (Action::GetHealthCheckStatus, "", *id),
            ("GET", ["healthcheckcount"]) => (Action::GetHealthCheckCount, "", ""),
            ("POST", ["tags", kind]) => (Action::ListTagsForResources, *kind, ""),
            ("POST", ["tags", kind, id]) => (Action::ChangeTagsForResource, *kind, *id),
            ("GET", ["tags", kind, id]) => (Action::ListTagsForResource, *kind, *id),
            _ => return None,
        };
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        Some(Self { action, id: id.to_owned(), resource_type: resource_type.to_owned(), query, body })
    }

    /// A parameter behind the path.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

//! What is remembered of a request while it is answered, for the metrics and the audit log.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use uuid::Uuid;

use crate::access::User;
use crate::answer::Body;
use crate::api::Caller;
use crate::audit::{Audit, Entry, ObjectReference};
use crate::request::Request;

/// Who asked, and about what, as far as it was found out.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub(crate) user: Option<Arc<User>>,
    pub(crate) request: Option<Request>,
}

/// Records its entry when it is dropped: with the body of the answer.
struct AtEnd {
    audit: Audit,
    entry: Option<Entry>,
}

impl Trail {
    /// The response, which is recorded when it has been sent, or when nobody takes it any more.
    pub(crate) fn record(
        self,
        audit: &Audit,
        caller: &Caller,
        parts: &Parts,
        received: Timestamp,
        mut response: Response<Body>,
    ) -> Response<Body> {
        let entry = self.entry(caller, parts, received, response.status().as_u16());
        if let Ok(id) = HeaderValue::try_from(&entry.id) {
            response.headers_mut().insert(HeaderName::from_static("audit-id"), id);
        }
        let at_end = AtEnd { audit: audit.clone(), entry: Some(entry) };
        response.map(|body| {
            let body = body.map_frame(move |frame| {
                let _held = &at_end;
                frame
            });
            body.boxed_unsync()
        })
    }

    fn entry(self, caller: &Caller, parts: &Parts, received: Timestamp, code: u16) -> Entry {
        let agent = parts.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Entry {
            id: Uuid::new_v4().to_string(),
            received,
            completed: received,
            verb: match &self.request {
                Some(request) => request.verb.as_str().to_owned(),
                None => parts.method.as_str().to_ascii_lowercase(),
            },
            uri: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            user: self.user.map(|user| {
                let groups = user.groups().iter().map(|group| (*group).to_owned()).collect();
                (user.name().to_owned(), groups)
            }),
            source: match caller {
                Caller::Remote(peer) => peer.ip().to_string(),
                Caller::Inside => "127.0.0.1".to_owned(),
            },
            user_agent: agent.unwrap_or_default().to_owned(),
            object: self.request.map(|request| ObjectReference {
                group: request.resource.group.clone(),
                version: request.resource.version.clone(),
                resource: request.resource.plural.clone(),
                subresource: request.part.as_str().to_owned(),
                namespace: request.namespace().to_owned(),
                name: request.name().to_owned(),
            }),
            code,
        }
    }
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            entry.completed = Timestamp::now();
            self.audit.record(entry);
        }
    }
}

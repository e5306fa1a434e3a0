//! The API without its sockets: a request with somebody's token, or from inside the process, becomes a response.
//!
//! ```text
//! request -> who (401) -> what (404, 405) -> may he (403) -> body (413) -> rest -> response
//!                                                                    audit, metrics <-+
//! ```

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use schema::Catalog;
use store::Store;
use tokio::sync::{Semaphore, watch};

use crate::access::{Attributes, ResourceAttributes, User, Users, is_public};
use crate::answer::{self, Body};
use crate::audit::Audit;
use crate::discovery::{self, Discovery, Question};
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::query::Query;
use crate::request::{self, Request, Target};
use crate::rest::{self, Call};
use crate::status::{Failure, Result};
use crate::trail::Trail;
use crate::{Limits, backup, health};

/// Everything that requests share.
pub(crate) struct Api {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) store: Store,
    pub(crate) users: Arc<Users>,
    pub(crate) logs: Arc<dyn Logs>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) audit: Option<Audit>,
    pub(crate) discovery: Discovery,
    /// One permit for each watch or followed log.
    pub(crate) streams: Arc<Semaphore>,
    /// True from when the server stops: streams end.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Who sends a request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Somebody out there, by the token in the request.
    Remote(SocketAddr),
    /// The program itself.
    Inside,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

impl Api {
    /// Waits until the server stops.
    pub(crate) async fn stopped(&self) {
        // The sender is dropped with the server: that is a stop too.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }

    /// Waits until a stream of this user has to end: the server stops, or the user is no longer one.
    pub(crate) async fn end_of_stream(&self, user: &Arc<User>) {
        let mut users = self.users.changes();
        let changed = async { while self.users.is_current(user) && users.changed().await.is_ok() {} };
        tokio::select! {
            () = self.stopped() => {}
            () = changed => {}
        }
    }

    /// Answers a request. Never fails: what goes wrong is an answer too.
    pub(crate) async fn answer<B>(
        self: &Arc<Self>,
        caller: Caller,
        request: http::Request<B>,
    ) -> Response<Body>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (began, received) = (Instant::now(), Timestamp::now());
        let (parts, body) = request.into_parts();
        let mut trail = Trail::default();
        let response = match self.dispatch(&caller, &parts, body, &mut trail).await {
            Ok(response) => response,
            Err(failure) => answer::failure(&failure),
        };
        self.metrics.observe(trail.request.as_ref(), &parts.method, response.status(), began.elapsed());
        match &self.audit {
            Some(audit) => trail.record(audit, &caller, &parts, received, response),
            None => response,
        }
    }

    async fn dispatch<B>(
        self: &Arc<Self>,
        caller: &Caller,
        parts: &Parts,
        body: B,
        trail: &mut Trail,
    ) -> Result<Response<Body>>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = parts.uri.path();
        let user = match caller {
            Caller::Inside => self.users.admin(),
            Caller::Remote(_)
                if is_public(parts.method.as_str(), path) && !parts.headers.contains_key(AUTHORIZATION) =>
            {
                return Ok(self.public(parts));
            }
            Caller::Remote(_) => self.authenticate(&parts.headers)?,
        };
        trail.user = Some(Arc::clone(&user));
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        match request::parse(&self.catalog, &parts.method, path, query)? {
            Target::Path if path == backup::PATH && parts.method == http::Method::GET => {
                self.authorize_path(parts, &user)?;
                backup::answer(&self.store).await
            }
            Target::Path => self.path(parts, &user),
            Target::Objects(request) => {
                trail.request = Some((*request).clone());
                self.objects(*request, user, parts, body).await
            }
        }
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<User>> {
        let token = header(headers, &AUTHORIZATION).split_once(' ');
        let token =
            token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        token.and_then(|token| self.users.authenticate(token)).ok_or_else(Failure::unauthorized)
    }

    async fn objects<B>(
        self: &Arc<Self>,
        request: Request,
        user: Arc<User>,
        parts: &Parts,
        body: B,
    ) -> Result<Response<Body>>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        authorize(&user, &request)?;
        let body = read(body, &self.limits).await?;
        let mut call = Call {
            api: Arc::clone(self),
            user,
            request,
            content_type: header(&parts.headers, &CONTENT_TYPE).to_owned(),
            user_agent: header(&parts.headers, &USER_AGENT).to_owned(),
            headers: parts.headers.clone(),
            body,
            warnings: Vec::new(),
        };
        let mut response = match rest::serve(&mut call).await {
            Ok(response) => response,
            Err(failure) => answer::failure(&failure),
        };
        answer::warn(&mut response, &call.warnings);
        Ok(response)
    }

    /// What is no object.
    fn authorize_path(&self, parts: &Parts, user: &User) -> Result<()> {
        let verb = parts.method.as_str().to_ascii_lowercase();
        let attributes = Attributes::Path { verb: &verb, path: parts.uri.path() };
        if user.allows(&attributes) {
            return Ok(());
        }
        let (message, details) = attributes.refusal(user);
        Err(Failure::refused(message, details))
    }

    fn path(&self, parts: &Parts, user: &User) -> Result<Response<Body>> {
        self.authorize_path(parts, user)?;
        let path = parts.uri.path();
        if parts.method != http::Method::GET && self.discovery.is_only_read(path) {
            return Err(Failure::method_not_allowed());
        }
        if path == "/metrics" {
            let unaudited = self.audit.as_ref().map_or(0, Audit::dropped);
            return Ok(answer::text(StatusCode::OK, self.metrics.render(self.store.revision(), unaudited)));
        }
        if health::knows(path) {
            return Ok(self.public(parts));
        }
        self.discover(parts).unwrap_or_else(|| Ok(answer::no_page()))
    }

    /// What anybody may ask.
    fn public(&self, parts: &Parts) -> Response<Body> {
        let path = parts.uri.path();
        if health::knows(path) {
            return health::answer(path, parts.uri.query().unwrap_or_default(), *self.stopping.borrow());
        }
        match self.discover(parts) {
            Some(Ok(response)) => response,
            Some(Err(failure)) => answer::failure(&failure),
            None => answer::no_page(),
        }
    }

    fn discover(&self, parts: &Parts) -> Option<Result<Response<Body>>> {
        let optional = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let question = Question {
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            accept: optional(&ACCEPT),
            if_none_match: optional(&IF_NONE_MATCH),
        };
        let answered = self.discovery.answer(&question)?;
        Some(answered.map(|discovery::Answer { status, headers, body }| {
            let bytes: Bytes = match body {
                discovery::Body::Object(value) => value.to_string().into(),
                discovery::Body::Text(bytes) => bytes,
            };
            answer::described(status, headers, bytes)
        }))
    }
}

fn authorize(user: &User, request: &Request) -> Result<()> {
    // The namespace of a namespace is itself.
    let is_namespace = request.resource.group.is_empty() && request.resource.plural == "namespaces";
    let attributes = Attributes::Resource(ResourceAttributes {
        verb: request.verb.as_str(),
        group: &request.resource.group,
        resource: &request.resource.plural,
        subresource: request.part.as_str(),
        namespace: if is_namespace { request.name() } else { request.namespace() },
        name: request.name(),
    });
    if user.allows(&attributes) {
        return Ok(());
    }
    let (message, details) = attributes.refusal(user);
    Err(Failure::refused(message, details))
}

/// Reads a body whole, up to the limit and within the time.
async fn read<B>(body: B, limits: &Limits) -> Result<Bytes>
where
    B: hyper::body::Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(body, limits.body_bytes).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::too_large(limits.body_bytes)),
        Ok(Err(error)) => {
            Err(Failure::bad_request(format!("the body of the request could not be read: {error}")))
        }
        Err(_) => Err(Failure::bad_request("the body of the request did not come in time")),
    }
}

/// A body is read within this time.
const BODY_TIME: Duration = Duration::from_secs(60);

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

//! What went wrong, as the API tells it: a `Status` object with the words that a kube-apiserver has for the same
//! fault. Everything that can fail on the way of a request fails with a [`Failure`]; it is rendered in one place.

use http::StatusCode;
use schema::Resource;
use serde_json::{Map, Value, json};

/// The outcome of a step on the way of a request.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A request that was not done, and why.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Box<Fault>);

#[derive(Debug, Clone)]
struct Fault {
    code: StatusCode,
    reason: &'static str,
    message: String,
    metadata: Value,
    details: Option<Map<String, Value>>,
}

/// One of the reasons of a failure, tied to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Such as `FieldValueInvalid`.
    pub(crate) reason: String,
    /// Such as `Invalid value: "x": must be ...`.
    pub(crate) message: String,
    /// Such as `spec.replicas`.
    pub(crate) field: String,
}

impl Cause {
    pub(crate) fn new(reason: &str, field: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into(), field: field.to_owned() }
    }
}

impl Failure {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Fault { code, reason, message: message.into(), metadata: json!({}), details: None }))
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        self.detail("kind", kind).detail("group", group).detail("name", name);
        self
    }

    fn detail(&mut self, key: &str, value: &str) -> &mut Self {
        let details = self.0.details.get_or_insert_default();
        if !value.is_empty() {
            details.insert(key.to_owned(), value.into());
        }
        self
    }

    fn causes(mut self, causes: &[Cause]) -> Self {
        let causes = causes.iter().map(|cause| {
            let mut json = json!({"reason": cause.reason, "message": cause.message});
            if !cause.field.is_empty() {
                json["field"] = cause.field.as_str().into();
            }
            json
        });
        let causes = causes.collect::<Vec<_>>();
        if !causes.is_empty() {
            self.0.details.get_or_insert_default().insert("causes".to_owned(), causes.into());
        }
        self
    }

    /// The object is not there.
    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", format!("{} {name:?} not found", qualified(resource)))
            .about(&resource.group, &resource.plural, name)
    }

    /// Nothing is served at this path of a group that is served.
    pub(crate) fn no_such_resource() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about("", "", "")
    }

    /// An object of that name is there.
    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", qualified(resource));
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(
            &resource.group,
            &resource.plural,
            name,
        )
    }

    /// Somebody else wrote the object since it was read.
    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// The object is not in the state that the request asks for.
    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", qualified(resource));
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(&resource.group, &resource.plural, name)
    }

    /// As [`Failure::conflict`], of a precondition, which names the kind.
    pub(crate) fn precondition(resource: &Resource, name: &str, why: &str) -> Self {
        let kind = dotted(&resource.kind, &resource.group);
        let message = format!("Operation cannot be fulfilled on {kind} {name:?}: {why}");
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(&resource.group, &resource.kind, name)
    }

    /// Appliers that want different things.
    pub(crate) fn apply_conflict(message: impl Into<String>, causes: &[Cause]) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message).causes(causes)
    }

    /// An object that breaks rules.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let said = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message));
        let mut said = said.collect::<Vec<_>>();
        said.dedup();
        let said = if said.len() == 1 { said.remove(0) } else { format!("[{}]", said.join(", ")) };
        let message = format!("{} {name:?} is invalid: {said}", dotted(kind, group));
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
            .about(group, kind, name)
            .causes(causes)
    }

    /// Options of a request that break rules.
    pub(crate) fn invalid_options(kind: &str, causes: &[Cause]) -> Self {
        Self::invalid("meta.k8s.io", kind, "", causes)
    }

    /// A patch that cannot be read or done, with the reason that goes with the code.
    pub(crate) fn patch(code: u16, message: impl Into<String>) -> Self {
        match code {
            400 => Self::bad_request(message),
            413 => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message),
            422 => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about("", "", ""),
            _ => Self::internal(message),
        }
    }

    /// A request that cannot be understood.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// A token that nobody has.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// A request that this user may not make; `what` follows `is forbidden: `.
    pub(crate) fn forbidden(group: &str, plural: &str, name: &str, what: &str) -> Self {
        let subject = match (plural, name) {
            ("", _) => "forbidden".to_owned(),
            (_, "") => format!("{} is forbidden", dotted(plural, group)),
            _ => format!("{} {name:?} is forbidden", dotted(plural, group)),
        };
        Self::new(StatusCode::FORBIDDEN, "Forbidden", format!("{subject}: {what}")).about(group, plural, name)
    }

    /// A request that this user may not make, in the words of who decided.
    pub(crate) fn refused(message: String, details: Value) -> Self {
        let mut failure = Self::new(StatusCode::FORBIDDEN, "Forbidden", message);
        failure.0.details = details.as_object().cloned();
        failure
    }

    /// A write into a namespace that is going away.
    pub(crate) fn terminating(resource: &Resource, name: &str, namespace: &str) -> Self {
        let what =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = Cause::new(
            "NamespaceTerminating",
            "metadata.namespace",
            format!("namespace {namespace} is being terminated"),
        );
        Self::forbidden(&resource.group, &resource.plural, name, &what).causes(&[cause])
    }

    /// A verb that the resource does not have.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::method_refused(message)
    }

    /// A verb that a custom resource does not have.
    pub(crate) fn method_not_supported(resource: &Resource, verb: &str) -> Self {
        let message = format!("{verb} is not supported on resources of kind {:?}", qualified(resource));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).about(
            &resource.group,
            &resource.plural,
            "",
        )
    }

    /// A verb that the resource does not have here, with the reason.
    pub(crate) fn method_refused(message: &str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).about("", "", "")
    }

    /// An answer in none of the wanted formats.
    pub(crate) fn not_acceptable(accepted: &str) -> Self {
        let message = format!("only the following media types are accepted: {accepted}");
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    /// An answer in none of the wanted media types.
    pub(crate) fn not_represented(available: &str) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {available}");
        Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message).about("", "", "")
    }

    /// A body in a format that is not read.
    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// A kind of patch that does not exist.
    pub(crate) fn unknown_patch_type() -> Self {
        let message = "415: Unsupported Media Type";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message).about("", "", "")
    }

    /// A body over the limit.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// A revision that is not kept any more.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// As [`Failure::expired`], with the token for the rest of the list as it is now.
    pub(crate) fn expired_page(message: impl Into<String>, token: &str) -> Self {
        let mut failure = Self::expired(message);
        failure.0.metadata = json!({"continue": token});
        failure
    }

    /// A revision that is not there yet.
    pub(crate) fn too_new(wanted: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        let cause = Cause::new("ResourceVersionTooLarge", "", "Too large resource version");
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message).causes(&[cause]).retry_after(1)
    }

    /// More watchers than the server keeps.
    pub(crate) fn too_many_requests() -> Self {
        let message = "too many requests, please try again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).retry_after(1)
    }

    /// The server is going away, or does not have what the request needs.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    /// An error without a reason: the request's or the server's own.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    }

    /// The disk is at fault.
    pub(crate) fn storage(error: &dyn std::error::Error) -> Self {
        let mut message = format!("Internal error occurred: {error}");
        let mut source = error.source();
        while let Some(error) = source {
            message.push_str(&format!(": {error}"));
            source = error.source();
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.details.get_or_insert_default().insert("retryAfterSeconds".to_owned(), seconds.into());
        self
    }

    /// The HTTP status.
    pub(crate) fn code(&self) -> StatusCode {
        self.0.code
    }

    /// Seconds after which to try again.
    pub(crate) fn retry_seconds(&self) -> Option<u64> {
        self.0.details.as_ref()?.get("retryAfterSeconds")?.as_u64()
    }

    /// The `Status` object.
    pub(crate) fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.0.metadata,
            "status": "Failure",
            "message": self.0.message,
            "code": self.0.code.as_u16(),
        });
        if !self.0.reason.is_empty() {
            status["reason"] = self.0.reason.into();
        }
        if let Some(details) = &self.0.details {
            status["details"] = Value::Object(details.clone());
        }
        status
    }
}

/// The `Status` object of a deletion that is done.
pub(crate) fn deleted(resource: &Resource, name: &str, uid: &str) -> Value {
    let mut details = json!({"name": name, "kind": resource.plural, "uid": uid});
    if !resource.group.is_empty() {
        details["group"] = resource.group.as_str().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// `deployments.apps`, or `pods` in the core group.
fn qualified(resource: &Resource) -> String {
    dotted(&resource.plural, &resource.group)
}

fn dotted(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

//! The answers to what a user asks about himself: may I, what may I, who am I.

use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use super::{Attributes, ResourceAttributes, User};

/// Why a review cannot be answered.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ReviewError {
    /// A SelfSubjectAccessReview asks nothing, or two things, or has a name or labels: a 422.
    #[error("Invalid value: {value}: {message}")]
    Invalid {
        /// The field that is wrong.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        message: &'static str,
    },
    /// A SelfSubjectRulesReview without a namespace: a 400.
    #[error("no namespace on request")]
    NoNamespace,
}

/// `auth can-i`: the SelfSubjectAccessReview with its answer.
///
/// # Errors
/// It asks nothing, or two things at once, or has metadata other than who manages its fields.
pub(crate) fn review_access(user: &User, mut review: Value) -> Result<Value, ReviewError> {
    let spec = &review["spec"];
    let allowed = match (&spec["resourceAttributes"], &spec["nonResourceAttributes"]) {
        (Value::Null, Value::Null) => {
            let message = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            return Err(invalid("spec.resourceAttributes", "null", message));
        }
        (wish, Value::Null) => user.allows(&Attributes::Resource(resource(wish))),
        (Value::Null, wish) => {
            user.allows(&Attributes::Path { verb: text(wish, "verb"), path: text(wish, "path") })
        }
        (_, wish) => {
            let value = format!("{{\"Path\":{:?},\"Verb\":{:?}}}", text(wish, "path"), text(wish, "verb"));
            let message = "cannot be specified in combination with resourceAttributes";
            return Err(invalid("spec.nonResourceAttributes", value, message));
        }
    };
    let metadata = &review["metadata"];
    let mut fields = metadata.as_object().into_iter().flatten();
    // Clients in Go write a time that is not set as null.
    if fields.any(|(field, value)| field != "managedFields" && !value.is_null()) {
        return Err(invalid("metadata", metadata.to_string(), "must be empty"));
    }
    review["status"] = json!({ "allowed": allowed });
    Ok(review)
}

/// `auth can-i --list`: the SelfSubjectRulesReview with its answer, without what was asked.
///
/// # Errors
/// It names no namespace.
pub(crate) fn review_rules(user: &User, mut review: Value) -> Result<Value, ReviewError> {
    let namespace = text(&review["spec"], "namespace").to_owned();
    if namespace.is_empty() {
        return Err(ReviewError::NoNamespace);
    }
    for asked in ["metadata", "spec"] {
        review[asked] = json!({});
    }
    review["status"] = user.rules.status(&namespace);
    Ok(review)
}

/// `auth whoami`: the SelfSubjectReview with its answer.
pub(crate) fn identity_review(user: &User, now: Timestamp) -> Value {
    json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
        "metadata": {"creationTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()},
        "status": {"userInfo": {"username": user.name(), "uid": user.name(), "groups": user.groups()}},
    })
}

fn resource(wish: &Value) -> ResourceAttributes<'_> {
    ResourceAttributes {
        verb: text(wish, "verb"),
        group: text(wish, "group"),
        resource: text(wish, "resource"),
        subresource: text(wish, "subresource"),
        namespace: text(wish, "namespace"),
        name: text(wish, "name"),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn invalid(field: &'static str, value: impl Into<String>, message: &'static str) -> ReviewError {
    ReviewError::Invalid { field, value: value.into(), message }
}

//! What an error of the API means to a controller: a lost race is normal, the rest is told.

use std::error::Error;
use std::fmt::Display;

/// From this failure in a row on, even a lost race is worth a warning.
const STUBBORN: u32 = 8;

/// Whether the object does not exist (any more).
pub(crate) fn is_not_found(error: &kube::Error) -> bool {
    code(error) == Some(404)
}

/// Whether there is an object of that name already.
pub(crate) fn is_already_exists(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.reason == "AlreadyExists")
}

/// Whether nothing can be created since the namespace is being deleted.
pub(crate) fn is_namespace_terminating(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// The message of the API server, without the client's words around it.
pub(crate) fn message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}

/// What is at the bottom of an error: the layers above it only say that there was one.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Logs that a key has to be looked at again.
pub(crate) fn log(key: &impl Display, error: &kube::Error, failures: u32) {
    let cause = root_cause(error);
    if matches!(code(error), Some(404 | 409)) && failures < STUBBORN {
        tracing::debug!(%key, cause, "somebody else was faster");
    } else {
        tracing::warn!(%key, cause, failures, "this is tried again");
    }
}

/// A success, if the object was gone.
pub(crate) fn unless_gone<T>(outcome: kube::Result<T>) -> kube::Result<Option<T>> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

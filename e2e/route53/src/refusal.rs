//! The errors that the API answers with.
//!
//! Codes and HTTP statuses are those of the "Errors" section of each action in the Route 53 API reference
//! (`docs.aws.amazon.com/Route53/latest/APIReference`) and of its page CommonErrors. Texts follow what the service
//! is known to say, so that a client which looks at them is seen to do so.

use std::borrow::Cow;

/// A request that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code, by which clients tell refusals apart.
    pub code: Cow<'static, str>,
    /// What went wrong, for people.
    pub message: String,
}

impl Refusal {
    /// A refusal with any status and code.
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// The request is malformed, or one of its values is.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidInput", message)
    }

    /// The batch breaks these rules; nothing of it was applied.
    pub fn invalid_change_batch(messages: &[String]) -> Self {
        Self::new(400, "InvalidChangeBatch", format!("[{}]", messages.join(", ")))
    }

    /// No hosted zone has this id.
    pub fn no_such_hosted_zone(id: &str) -> Self {
        Self::new(404, "NoSuchHostedZone", format!("No hosted zone found with ID: {id}"))
    }

    /// No health check has this id.
    pub fn no_such_health_check(id: &str) -> Self {
        Self::new(404, "NoSuchHealthCheck", format!("A health check with id {id} does not exist."))
    }

    /// Too many requests: see [`Throttle`](crate::throttle::Throttle).
    pub fn throttled() -> Self {
        Self::new(400, "Throttling", "Rate exceeded")
    }

    /// The zone still works on the change before this one.
    pub fn prior_request_not_complete() -> Self {
        let message = "The request was rejected because Route 53 was still processing a prior request.";
        Self::new(400, "PriorRequestNotComplete", message)
    }
}

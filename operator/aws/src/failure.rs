//! What an error of the SDK is, in our words: decided once, here, from its kind and its typed code, never from its text.
//!
//! | the SDK says | code, or what it was | fault |
//! |---|---|---|
//! | no answer, no connection, timeout | | `Unreachable` |
//! | nothing to sign with | no provider of the chain has credentials, the instance tells nobody its metadata | `NoCredentials` |
//! | | a provider failed: a role that may not be assumed, an expired token | `CredentialsRefused` |
//! | an answer that cannot be read | | `Server` |
//! | a request that cannot be built | | `Invalid` |
//! | refused | the codes of [`fault_of`] | as there |
//! | refused, another code | by its HTTP status: 5xx or 2xx, 429, 403, 404, 409 or 412, else | `Server`, `Throttled`, `Denied`, `NotFound`, `Conflict`, `Invalid` |
//!
//! `RequestExpired` is what EC2 says of a clock that is wrong. A message is the first line of what AWS says: the next ones of a refused signature repeat the
//! request, session token and all.

use std::error::Error;
use std::iter::successors;

use aws_config::imds::client::error::TokenError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use plan::aws::{Failure, Fault};

/// As what a part of a call counts that was refused with a code which is not known: its status is that of the whole.
const PART_REFUSED: u16 = 400;

/// How much of a message is kept.
const LONGEST_MESSAGE: usize = 1000;

/// What EC2 puts before a text that only `sts:DecodeAuthorizationMessage` can read.
const ENCODED: &str = " Encoded authorization failure message:";

/// What went wrong with a call.
pub(crate) fn classify<E>(call: &'static str, error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (fault, code, message) = match error {
        SdkError::ServiceError(refused) => {
            let code = refused.err().code();
            let fault = fault_of(code.unwrap_or_default(), refused.raw().status().as_u16());
            (fault, code.map(str::to_owned), said_by(refused.err()))
        }
        SdkError::TimeoutError(_) => (Fault::Unreachable, None, "there was no answer in time".to_owned()),
        SdkError::ResponseError(_) => (Fault::Server, None, chain(error)),
        SdkError::ConstructionFailure(_) => (Fault::Invalid, None, chain(error)),
        _ => (without_answer(error), None, chain(error)),
    };
    Failure { call, fault, code, message }
}

/// A request of ours that cannot be made into a call.
pub(crate) fn invalid(call: &'static str, message: impl Into<String>) -> Failure {
    Failure { call, fault: Fault::Invalid, code: None, message: message.into() }
}

/// An answer that lacks what the API promises. The SDK reads an answer that was cut off, or is no answer, as one without elements; a list of ours that is empty by
/// mistake would be believed.
pub(crate) fn incomplete(call: &'static str) -> Failure {
    Failure {
        call,
        fault: Fault::Server,
        code: None,
        message: "the answer lacks what was asked for".to_owned(),
    }
}

/// A part of a call that AWS refused while it carried the rest out, as it says in an answer of its own.
pub(crate) fn refused(call: &'static str, code: &str, message: &str) -> Failure {
    let fault = fault_of(code, PART_REFUSED);
    Failure { call, fault, code: Some(code.to_owned()), message: short(message) }
}

/// Checks that a page of Route 53 is one: the SDK makes a zero of a `MaxItems` that is not there.
pub(crate) fn page(call: &'static str, max_items: i32) -> Result<(), Failure> {
    if max_items > 0 { Ok(()) } else { Err(incomplete(call)) }
}

/// Takes "it is gone" as the success of a call that takes away.
pub(crate) fn gone_is_done(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.fault == Fault::NotFound => Ok(()),
        result => result,
    }
}

fn fault_of(code: &str, status: u16) -> Fault {
    match code {
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" | "OptInRequired" | "Blocked" => {
            Fault::Denied
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "AuthFailure"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "UnrecognizedClientException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Fault::CredentialsRefused,
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "RequestExpired"
        | "RequestTimeTooSkewed" => Fault::SignatureRefused,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "EC2ThrottledException"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete" => Fault::Throttled,
        "AddressLimitExceeded"
        | "TooManyHealthChecks"
        | "LimitsExceeded"
        | "LimitExceeded"
        | "TooManyBuckets"
        | "SecurityGroupLimitExceeded"
        | "SecurityGroupsPerInterfaceLimitExceeded"
        | "SecurityGroupsPerInstanceLimitExceeded"
        | "RulesPerSecurityGroupLimitExceeded"
        | "TagLimitExceeded" => Fault::Quota,
        // S3 had to wait too long for what we send, which says nothing of the call.
        "RequestTimeout" => Fault::Server,
        "Resource.AlreadyAssociated"
        | "HealthCheckAlreadyExists"
        | "HealthCheckInUse"
        | "HealthCheckVersionMismatch"
        | "ConcurrentModification"
        | "DependencyViolation"
        | "IncorrectState"
        | "IncorrectInstanceState"
        | "InvalidIPAddress.InUse"
        | "InvalidNetworkInterface.InUse"
        | "InvalidGroup.Duplicate"
        | "InvalidGroup.InUse"
        | "InvalidPermission.Duplicate"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "BucketNotEmpty"
        | "OperationAborted"
        | "DeleteConflict"
        | "EntityAlreadyExists"
        | "EntityTemporarilyUnmodifiable" => Fault::Conflict,
        _ if code.starts_with("NoSuch") || code.ends_with(".NotFound") || code.ends_with("NotFoundError") => {
            Fault::NotFound
        }
        _ => by_status(status),
    }
}

fn by_status(status: u16) -> Fault {
    match status {
        // Not a refusal, but no answer of AWS either.
        ..300 | 500.. => Fault::Server,
        429 => Fault::Throttled,
        403 => Fault::Denied,
        404 => Fault::NotFound,
        409 | 412 => Fault::Conflict,
        _ => Fault::Invalid,
    }
}

/// Without credentials nothing was sent; else nobody knows.
fn without_answer(error: &(dyn Error + 'static)) -> Fault {
    match levels(error).find_map(|level| level.downcast_ref::<CredentialsError>()) {
        Some(CredentialsError::CredentialsNotLoaded(_)) => Fault::NoCredentials,
        Some(CredentialsError::ProviderTimedOut(_)) | None => Fault::Unreachable,
        // The SDK counts it as a provider that failed, but there is nothing that could be renewed.
        Some(_) if levels(error).any(|level| level.is::<TokenError>()) => Fault::NoCredentials,
        Some(_) => Fault::CredentialsRefused,
    }
}

fn said_by<E>(refused: &E) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(ChangeResourceRecordSetsError::InvalidChangeBatch(batch)) =
        (refused as &(dyn Error + 'static)).downcast_ref()
        && !batch.messages().is_empty()
    {
        return short(&batch.messages().join("; "));
    }
    refused.message().map_or_else(|| chain(refused), short)
}

/// An error and its causes, each once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for level in levels(error).map(ToString::to_string) {
        match text.as_str() {
            "" => text = level,
            before if before.contains(&level) => {}
            _ => text = format!("{text}: {level}"),
        }
    }
    short(&text)
}

fn levels<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(error), |error| Error::source(*error))
}

fn short(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default();
    let line = line.split(ENCODED).next().unwrap_or_default();
    line.chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests;

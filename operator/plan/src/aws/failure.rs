//! A call that AWS refused or did not answer, in the words that a condition, an event and a metric share.

use std::fmt;

use crds::Reason;
use serde::Serialize;

use crate::Refusal;

/// What is wrong, found from the typed code of the error and never from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Fault {
    /// No credentials were found.
    NoCredentials,
    /// The credentials may not make this call (`UnauthorizedOperation`, `AccessDenied`).
    Denied,
    /// The credentials are not taken (`ExpiredToken`, `AuthFailure`, `InvalidClientTokenId`).
    CredentialsRefused,
    /// The signature is not taken (`SignatureDoesNotMatch`, `RequestExpired`): most often the clock is wrong.
    SignatureRefused,
    /// Too many calls (`Throttling`, `RequestLimitExceeded`, `PriorRequestNotComplete`).
    Throttled,
    /// A quota is used up (`AddressLimitExceeded`, `TooManyHealthChecks`).
    Quota,
    /// What the call names is not there.
    NotFound,
    /// It is in another state than the plan assumed: somebody else was faster, and the next pass looks again.
    Conflict,
    /// The request is wrong, and will be next time (`InvalidChangeBatch`, `InvalidInput`).
    Invalid,
    /// There was no answer: nobody knows whether the call was carried out.
    Unreachable,
    /// AWS failed inside (5xx).
    Server,
    /// It was not made, because this process may no longer be the leader by the time it ends.
    NotLeader,
}

/// A call that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The call as IAM names it, such as `ec2:AllocateAddress`; one to Kubernetes in the same manner, such as `secrets:patch`.
    pub call: &'static str,
    /// What is wrong.
    pub fault: Fault,
    /// The code that AWS gave, if it gave one.
    pub code: Option<String>,
    /// What AWS said, or what the connection came to. No credentials are ever in it.
    pub message: String,
}

impl Failure {
    /// Whether the call may have been carried out all the same.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        matches!(self.fault, Fault::Unreachable | Fault::Server)
    }

    /// The refusal to show: the call, the code and the next step.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        Refusal::new(self.reason(), self.to_string())
    }

    fn reason(&self) -> Reason {
        match self.fault {
            Fault::NoCredentials => Reason::NoCredentials,
            Fault::Denied => Reason::AccessDenied,
            Fault::CredentialsRefused => Reason::CredentialsRefused,
            Fault::SignatureRefused => Reason::SignatureRefused,
            Fault::Throttled => Reason::Throttled,
            Fault::Quota => Reason::QuotaReached,
            Fault::Unreachable => Reason::AwsUnreachable,
            Fault::NotFound | Fault::Conflict | Fault::Invalid | Fault::Server => Reason::CallFailed,
            Fault::NotLeader => Reason::Pending,
        }
    }

    fn next_step(&self) -> &'static str {
        let is_of_kubernetes = self.call.starts_with("secrets:") || self.call.starts_with("pods:");
        match self.fault {
            Fault::Denied if is_of_kubernetes => {
                "give the controller the cluster role flynn-operator-blobstores in this namespace (`flynn-operator manifests` has it)"
            }
            Fault::NoCredentials => {
                "give the operator credentials: a role for its service account or instance, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            }
            Fault::Denied => "allow the call: `flynn-operator aws-policy` prints the policy that is needed",
            Fault::CredentialsRefused => {
                "renew the credentials, and check that they belong to this account and region"
            }
            Fault::SignatureRefused => "check this machine's clock and the secret key",
            Fault::Quota => "ask AWS for a higher quota, or release what is not used",
            Fault::Invalid => "this needs another declaration",
            Fault::Throttled
            | Fault::NotFound
            | Fault::Conflict
            | Fault::Unreachable
            | Fault::Server
            | Fault::NotLeader => "it is tried again",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call)?;
        if let Some(code) = &self.code {
            write!(f, ": {code}")?;
        }
        write!(f, ": {}; {}", self.message.trim_end_matches('.'), self.next_step())
    }
}

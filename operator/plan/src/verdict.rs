//! What a step found about an object: fine, or refused for a reason that the user can read.

use std::fmt::Display;

use crds::Reason;
use serde::{Serialize, Serializer};

/// Fine, or refused.
pub type Verdict = Result<(), Refusal>;

/// Why something is not as declared: one word for programs, one sentence with the next step for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// One word, shared by condition, event and metric.
    #[serde(serialize_with = "as_text")]
    pub reason: Reason,
    /// One sentence that names the object and the next step.
    pub message: String,
}

impl Refusal {
    /// A refusal for `reason`, told as `message`.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// Whether it says no more than that nobody knows yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.reason == Reason::Probing
    }

    /// Whether nothing moves before a person changes something, as against something that is under way or may heal by
    /// itself.
    #[must_use]
    pub fn waits_for_a_person(&self) -> bool {
        match self.reason {
            Reason::Met(_)
            | Reason::NoReadyEndpoints
            | Reason::NoLeader
            | Reason::CertificateNotReady
            | Reason::NotYetValid
            | Reason::ApplyFailed
            | Reason::Progressing
            | Reason::Pending
            | Reason::NodeFault
            | Reason::NoRouterNodes
            | Reason::Blocked
            | Reason::BlobstoreNotReady
            | Reason::InstanceNotRunning
            | Reason::AwsUnreachable
            | Reason::Throttled
            | Reason::CallFailed
            | Reason::TooFewHealthy
            | Reason::NotServing
            | Reason::Probing
            | Reason::DriftRepaired
            | Reason::RegionMismatch
            | Reason::Retained => false,
            Reason::AnotherClusterActive
            | Reason::ClusterNotFound
            | Reason::HostClaimed
            | Reason::HostNotAllowed
            | Reason::PortClaimed
            | Reason::NoFreePort
            | Reason::InvalidNetwork
            | Reason::RootRouteMissing
            | Reason::AppNotFound
            | Reason::ServiceNotFound
            | Reason::PortNotFound
            | Reason::AmbiguousPort
            | Reason::CertificateNotFound
            | Reason::CertificateDoesNotCoverHost
            | Reason::SecretNotFound
            | Reason::SecretMalformed
            | Reason::KeyMismatch
            | Reason::Expired
            | Reason::NameTaken
            | Reason::ImageRequired
            | Reason::ImageNeedsContainerRuntime
            | Reason::CommandRequired
            | Reason::NodesNotFound
            | Reason::NoProviderID
            | Reason::InstanceNotFound
            | Reason::NoPublicAddress
            | Reason::QuotaReached
            | Reason::NotOwned
            | Reason::HostedZoneNotFound
            | Reason::HostedZoneAmbiguous
            | Reason::HostedZonePrivate
            | Reason::NoCredentials
            | Reason::AccessDenied
            | Reason::CredentialsRefused
            | Reason::SignatureRefused
            | Reason::NotApplied
            | Reason::BlobstoreNotFound
            | Reason::AwsNotDeclared
            | Reason::LocalNeedsStandalone
            | Reason::ObjectsUnavailable
            | Reason::BucketTaken
            | Reason::BucketInOtherRegion
            | Reason::BucketNotEmpty
            | Reason::DeletionBlocked
            | Reason::KeyLimitReached
            | Reason::NotReachable => true,
        }
    }
}

pub(crate) fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

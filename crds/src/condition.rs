//! The conditions of every kind, and the one list of reasons that conditions, events and metrics share.

use std::fmt;

/// The type of a condition. All are positive but [`Stalled`](ConditionType::Stalled), which kstatus defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// Derived: every other condition of the object is True.
    Ready,
    /// The declaration makes sense here and claims nothing that is another's.
    Accepted,
    /// Everything that the declaration names exists and can be used.
    ResolvedRefs,
    /// Every router node serves this generation.
    Programmed,
    /// Every process of an App has the replicas that it asks for.
    Available,
    /// The default Routes of an App are served.
    Routed,
    /// A Certificate has a certificate that clients accept today.
    Issued,
    /// Every router node serves what is declared.
    NodesReady,
    /// Nothing will move until a person changes something; present only while it is True (kstatus).
    Stalled,
}

/// Why a condition is what it is. The same word stands in the condition, in the event and in the metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The condition of this type is True; the reason repeats it, as in the Gateway API.
    Met(ConditionType),
    /// An older Cluster is the active one.
    AnotherClusterActive,
    /// There is no Cluster yet, so that there is no domain for an App's default Route.
    ClusterNotFound,
    /// Another Route serves this host and path, or another namespace owns the host.
    HostClaimed,
    /// Another Route had this TCP port first.
    PortClaimed,
    /// Every port of the range for TCP Routes belongs to a Route.
    NoFreePort,
    /// `Cluster.spec.hosts` does not let this namespace claim the host.
    HostNotAllowed,
    /// No Route serves `/` on this host, so that a Route below it waits.
    RootRouteMissing,
    /// The App that the Route names does not exist.
    AppNotFound,
    /// The Service that the Route names does not exist.
    ServiceNotFound,
    /// The Service has no port of that number.
    PortNotFound,
    /// The Service has several ports, none is called `http`, and the Route names none.
    AmbiguousPort,
    /// The Service has no endpoint that is ready.
    NoReadyEndpoints,
    /// The Service has no leader: nobody holds its Lease, or the holder is not ready.
    NoLeader,
    /// A network of `clients` is not one.
    InvalidNetwork,
    /// The Certificate that is named does not exist.
    CertificateNotFound,
    /// The Certificate that is named has nothing to serve yet.
    CertificateNotReady,
    /// The Certificate that is named does not cover the host.
    CertificateDoesNotCoverHost,
    /// The Secret that is named does not exist.
    SecretNotFound,
    /// The Secret is not of type `kubernetes.io/tls`, or lacks `tls.crt` or `tls.key`, or one cannot be parsed.
    SecretMalformed,
    /// The private key does not belong to the certificate.
    KeyMismatch,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not come yet.
    NotYetValid,
    /// An object of that name exists and is not ours.
    NameTaken,
    /// The App names no image, and Kubernetes runs images only.
    ImageRequired,
    /// The App relies on its image, and images do not run without Kubernetes.
    ImageNeedsContainerRuntime,
    /// A process of the App has neither an image nor a command.
    CommandRequired,
    /// The Kubernetes API refused an object that we made; the message quotes it.
    ApplyFailed,
    /// The rollout is not finished.
    Progressing,
    /// A router node has not applied this generation yet.
    Pending,
    /// A router node cannot serve this; the message quotes it.
    NodeFault,
    /// No router node runs.
    NoRouterNodes,
    /// Another condition must become True first.
    Blocked,
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Met(condition) => condition.fmt(f),
            reason => fmt::Debug::fmt(reason, f),
        }
    }
}

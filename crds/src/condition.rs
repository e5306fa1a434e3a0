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
    /// Every node has its public address.
    AddressesAssociated,
    /// Every domain's records in DNS are as they should be, and every name server has them.
    RecordsPublished,
    /// The nodes' firewall lets through what is declared, and every node has it.
    SecurityGroupsReady,
    /// The bucket of a Blobstore exists and is as declared.
    BucketReady,
    /// The Secret of a Blobstore has credentials that work.
    CredentialsReady,
    /// The nodes' firewall lets the clients of a TCP Route through.
    Reachable,
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
    /// `Cluster.spec.nodes` selects no node.
    NodesNotFound,
    /// A node has no `spec.providerID`, or one that names no EC2 instance.
    NoProviderID,
    /// The EC2 instance does not exist in this account and region.
    InstanceNotFound,
    /// The EC2 instance does not run.
    InstanceNotRunning,
    /// A node has no public address, and `elasticIPs` asks for none.
    NoPublicAddress,
    /// A quota of the AWS account is used up.
    QuotaReached,
    /// Something of somebody else stands where ours has to be.
    NotOwned,
    /// No public hosted zone has the domain.
    HostedZoneNotFound,
    /// Several public hosted zones have the domain.
    HostedZoneAmbiguous,
    /// The hosted zone is private.
    HostedZonePrivate,
    /// No AWS credentials were found.
    NoCredentials,
    /// AWS does not let these credentials make the call.
    AccessDenied,
    /// AWS does not take these credentials: they have expired, or do not exist.
    CredentialsRefused,
    /// AWS does not take the signature: most often this machine's clock is wrong.
    SignatureRefused,
    /// AWS does not answer.
    AwsUnreachable,
    /// AWS answers no more calls for now.
    Throttled,
    /// AWS refused a call; the message quotes it.
    CallFailed,
    /// What differs is not written, because `mode` is not `Apply`.
    NotApplied,
    /// Too few nodes serve to take any out of DNS.
    TooFewHealthy,
    /// A node's address is not in DNS, because the node does not serve or is being drained.
    NotServing,
    /// The operator has begun anew, and its own probes have not decided yet whether the nodes serve: the condition is Unknown.
    Probing,
    /// Something in AWS was changed by somebody else, and put right again.
    DriftRepaired,
    /// The Blobstore that an App names does not exist.
    BlobstoreNotFound,
    /// The Blobstore that an App names has no credentials yet.
    BlobstoreNotReady,
    /// No Cluster declares `spec.aws`, so that no AWS call may be made.
    AwsNotDeclared,
    /// A local Blobstore is one of `flynn-operator up`, not of Kubernetes.
    LocalNeedsStandalone,
    /// The bucket is in another region than the Cluster: a warning.
    RegionMismatch,
    /// Another AWS account has the bucket of that name.
    BucketTaken,
    /// The bucket exists in this account, in another region than the declared one.
    BucketInOtherRegion,
    /// The bucket exists, with objects or settings of somebody else.
    BucketNotEmpty,
    /// Something is in the way of a deletion: objects, or what somebody else made.
    DeletionBlocked,
    /// This machine cannot keep or serve the objects of a local Blobstore; the message says why.
    ObjectsUnavailable,
    /// What a deleted Blobstore had stays, as declared.
    Retained,
    /// The user has as many access keys as IAM allows, so that there is no room for another.
    KeyLimitReached,
    /// The nodes' firewall does not let the clients of a TCP Route through.
    NotReachable,
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

//! The units of planning: what an event can make dirty, and what is planned again alone.

use serde::Serialize;

use crate::{HostName, ObjectKey};

/// One thing that is planned by itself. The order of the variants is the order of planning: a unit reads only the plans of
/// units before it, so one pass in order settles everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Unit {
    /// Which Cluster is active.
    Cluster,
    /// What AWS should be made to be for the active Cluster and its nodes.
    Cloud,
    /// What a Blobstore asks for, and its status.
    Blobstore(ObjectKey),
    /// The ready endpoints of a Kubernetes Service that Routes name.
    Service(ObjectKey),
    /// A Certificate: its pair, its copy for the nodes, its verdict.
    Certificate(ObjectKey),
    /// The copies of certificates that no longer exist.
    OrphanedCopies,
    /// The certificate for clients that name no host.
    DefaultCertificate,
    /// The key of sticky sessions.
    CookieKey,
    /// A host: who owns it, its table entry, and the verdict on each of its Routes.
    Host(HostName),
    /// The port of a TCP Route that declares none.
    GivenPort(ObjectKey),
    /// A TCP port: who owns it, its table entry, and the verdict on each of its Routes.
    Tcp(u16),
    /// Whether a Route is served, and its status.
    Route(ObjectKey),
    /// An App: its objects and its status.
    App(ObjectKey),
    /// The status of a Certificate.
    CertificateStatus(ObjectKey),
    /// The status of a Cluster, active or not.
    ClusterStatus(String),
}

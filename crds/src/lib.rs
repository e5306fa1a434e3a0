//! What can be declared: the custom resources of `flynn.io/v1alpha1`, one file per kind.
//!
//! The doc comments on the types are the manual that `kubectl explain` prints, and the rules beside them are what the
//! API server enforces at admission; `crds/yaml/` is generated from both (`make generate`). Nothing in here decides
//! anything: `plan` reads these types, the operator writes their statuses.

#![allow(
    unreachable_pub,
    reason = "the derive of the validated schema repeats the struct's visibility in a private scope"
)]

mod app;
mod blobstore;
mod certificate;
mod cluster;
mod condition;
pub mod names;
mod route;
mod router_node;
mod schema;

pub use app::{
    App, AppSpec, AppStatus, DefaultRoutes, EnvSource, HealthCheck, Process, ProcessProtocol,
    ResourceAmounts, Resources, WEB,
};
pub use blobstore::{
    Blobstore, BlobstoreSpec, BlobstoreStatus, Bucket, Credentials, DeletionPolicy, LocalBlobstore, Role,
};
pub use certificate::{Certificate, CertificateSpec, CertificateStatus, SelfSigned};
pub use cluster::{
    Aws, AwsMode, CertificateReference, Cluster, ClusterNodes, ClusterSpec, ClusterStatus, Dns,
    DnsHealthCheck, DnsHealthCheckProtocol, Domain, ElasticIps, ExternalTraffic, HostRule, NamespaceSelector,
    NodeAddressStatus, NodeSelector, RecordStatus, RouterSettings, SecurityGroups, TcpPorts,
};
pub use condition::{ConditionType, Reason};
pub use route::{
    HttpRoute, RESERVED_PORTS, Redirect, RedirectScheme, Route, RouteHealthCheck, RouteSpec, RouteStatus,
    ServiceReference, StrictTransportSecurity, TcpRoute, TcpRouteStatus, Timeouts,
};
pub use router_node::{Fault, RouterNode, RouterNodeSpec, RouterNodeStatus};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use serde_json::Value;

/// Every custom resource definition, in the order in which a person would read them.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    let definitions =
        [Cluster::crd(), App::crd(), Route::crd(), Certificate::crd(), Blobstore::crd(), RouterNode::crd()];
    definitions.into_iter().map(|definition| explained(&definition)).collect()
}

/// `kubectl explain` breaks lines itself, so that those of the doc comments must not be in the descriptions.
fn explained(definition: &CustomResourceDefinition) -> CustomResourceDefinition {
    let mut value = serde_json::to_value(definition).expect("a definition has string keys only");
    join_lines(&mut value);
    serde_json::from_value(value).expect("a definition is one with other descriptions too")
}

fn join_lines(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(description)) = fields.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            fields.values_mut().for_each(join_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(join_lines),
        _ => {}
    }
}

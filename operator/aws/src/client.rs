//! The clients of one region: how the operator comes to its [`Cloud`].
//!
//! Credentials and endpoints are found by the SDK's own chain: environment, profile, web identity, the instance's role; `AWS_ENDPOINT_URL_EC2`,
//! `AWS_ENDPOINT_URL_ROUTE_53`, `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`. Nobody asks for credentials before the first call needs them.

use std::sync::Arc;

use crate::caller::{BACKOFF, Caller};
use crate::fence::Fence;
use crate::observer::CallObserver;
use crate::pace::{Lane, Pace};
use crate::sdk::Sdk;
use crate::{ElasticIps, HealthChecks, Instances, Zones};

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region of the instances. Route 53 has none.
    pub region: String,
}

/// What the operator reads and writes in AWS, each part replaceable by a fake.
#[derive(Clone)]
pub struct Cloud {
    /// Elastic IPs.
    pub addresses: Arc<dyn ElasticIps>,
    /// Instances.
    pub instances: Arc<dyn Instances>,
    /// Zones and records.
    pub zones: Arc<dyn Zones>,
    /// Health checks.
    pub health_checks: Arc<dyn HealthChecks>,
}

impl Cloud {
    /// Makes the clients. It reads the environment and the profile's files, and calls nobody.
    ///
    /// `calls` is told of each attempt; `fence` is asked before each one that writes.
    pub async fn connect(settings: &Settings, calls: Arc<dyn CallObserver>, fence: Fence) -> Self {
        let caller = Caller { pace: Pace::new(Lane::rate), fence, calls, backoff: BACKOFF };
        Self::of(Sdk::connect(&settings.region, caller).await)
    }

    /// The traits over these clients.
    pub(crate) fn of(sdk: Sdk) -> Self {
        let (ec2, route53) = (Arc::new(sdk.ec2), Arc::new(sdk.route53));
        Self { addresses: ec2.clone(), instances: ec2, zones: route53.clone(), health_checks: route53 }
    }
}

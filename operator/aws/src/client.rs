//! The clients of one region: how the operator comes to its [`Account`].
//!
//! Credentials and endpoints are found by the SDK's own chain: environment, profile, web identity, the instance's role; `AWS_ENDPOINT_URL_EC2`,
//! `AWS_ENDPOINT_URL_ROUTE_53`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_IAM`, `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`. Nobody asks for credentials before the
//! first call needs them.

use std::sync::Arc;

use crate::caller::{BACKOFF, Caller};
use crate::fence::Fence;
use crate::observer::CallObserver;
use crate::pace::{Lane, Pace};
use crate::sdk::Sdk;
use crate::{Buckets, ElasticIps, Groups, HealthChecks, Instances, Principals, Zones};

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region of the instances. Route 53 and IAM have none, and each bucket one of its own.
    pub region: String,
}

/// What the operator reads and writes in AWS, each part replaceable by a fake. All parts take their turns together.
#[derive(Clone)]
pub struct Account {
    /// Addresses and names of the nodes.
    pub cloud: Cloud,
    /// The nodes' firewall.
    pub groups: Arc<dyn Groups>,
    /// Buckets.
    pub buckets: Arc<dyn Buckets>,
    /// Users, roles and access keys.
    pub principals: Arc<dyn Principals>,
}

/// What the addresses and names of the nodes need of AWS.
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

impl Account {
    /// Makes the clients. It reads the environment and the profile's files, and calls nobody.
    ///
    /// `calls` is told of each attempt; `fence` is asked before each one that writes.
    pub async fn connect(settings: &Settings, calls: Arc<dyn CallObserver>, fence: Fence) -> Self {
        let caller = Caller { pace: Pace::new(Lane::rate), fence, calls, backoff: BACKOFF };
        Self::of(Sdk::connect(&settings.region, caller).await)
    }

    /// The traits over these clients.
    pub(crate) fn of(sdk: Sdk) -> Self {
        let Sdk { ec2, route53, s3, iam } = sdk;
        let (ec2, route53) = (Arc::new(ec2), Arc::new(route53));
        let cloud = Cloud {
            addresses: ec2.clone(),
            instances: ec2.clone(),
            zones: route53.clone(),
            health_checks: route53,
        };
        Self { cloud, groups: ec2, buckets: Arc::new(s3), principals: Arc::new(iam) }
    }
}

impl Cloud {
    /// That part of the [`Account`] alone.
    pub async fn connect(settings: &Settings, calls: Arc<dyn CallObserver>, fence: Fence) -> Self {
        Account::connect(settings, calls, fence).await.cloud
    }
}

//! The SDK's clients, and how they are configured.
//!
//! Trying again is the caller's, and an answer has to be [`Whole`]. Addresses of buckets are left to the SDK: the bucket's name is the host's, or, at an endpoint that is
//! set to a number (`http://127.0.0.1:5000`), the path's, because a number has no names below it. So nothing has to be forced for a double.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

use crate::caller::{ATTEMPT, Caller};
use crate::whole::Whole;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// How CloudTrail names us.
const APP: &str = "flynn-operator";

/// The clients of all services.
pub(crate) struct Sdk {
    pub(crate) ec2: Ec2,
    pub(crate) route53: Route53,
    pub(crate) s3: S3,
    pub(crate) iam: Iam,
}

/// EC2 of one region.
pub(crate) struct Ec2 {
    pub(crate) client: aws_sdk_ec2::Client,
    pub(crate) caller: Arc<Caller>,
}

/// Route 53.
pub(crate) struct Route53 {
    pub(crate) client: aws_sdk_route53::Client,
    pub(crate) caller: Arc<Caller>,
}

/// S3, with a client for each region that was asked for: a client has the connections of its own.
pub(crate) struct S3 {
    config: aws_sdk_s3::Config,
    clients: Mutex<BTreeMap<String, aws_sdk_s3::Client>>,
    pub(crate) caller: Arc<Caller>,
}

/// IAM.
pub(crate) struct Iam {
    pub(crate) client: aws_sdk_iam::Client,
    pub(crate) caller: Arc<Caller>,
}

/// A service that has no region, though its calls are signed for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Global {
    Route53,
    Iam,
}

impl Sdk {
    /// Clients as the environment and the profile say.
    pub(crate) async fn connect(region: &str, caller: Caller) -> Self {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .app_name(AppName::new(APP).expect("the name has no character that is not allowed"))
            .timeout_config(timeouts.build())
            .load()
            .await;
        Self::new(&config, caller)
    }

    /// Clients of this configuration. They try each call once.
    pub(crate) fn new(config: &SdkConfig, caller: Caller) -> Self {
        let caller = Arc::new(caller);
        let region = config.region().map(Region::as_ref).unwrap_or_default();
        let once = RetryConfig::disabled();
        let ec2 = aws_sdk_ec2::config::Builder::from(config).retry_config(once.clone()).interceptor(Whole);
        let route53 = aws_sdk_route53::config::Builder::from(config)
            .retry_config(once.clone())
            .interceptor(Whole)
            .region(Region::new(Global::Route53.signed_for(region)));
        let s3 = aws_sdk_s3::config::Builder::from(config).retry_config(once.clone()).interceptor(Whole);
        let iam = aws_sdk_iam::config::Builder::from(config)
            .retry_config(once)
            .interceptor(Whole)
            .region(Region::new(Global::Iam.signed_for(region)));
        Self {
            ec2: Ec2 { client: aws_sdk_ec2::Client::from_conf(ec2.build()), caller: caller.clone() },
            route53: Route53 {
                client: aws_sdk_route53::Client::from_conf(route53.build()),
                caller: caller.clone(),
            },
            s3: S3 { config: s3.build(), clients: Mutex::default(), caller: caller.clone() },
            iam: Iam { client: aws_sdk_iam::Client::from_conf(iam.build()), caller },
        }
    }
}

impl S3 {
    /// The client of a bucket's region.
    pub(crate) fn client(&self, region: &str) -> aws_sdk_s3::Client {
        let mut clients = self.clients.lock().expect("no holder of the lock panics");
        let client = clients.entry(region.to_owned()).or_insert_with(|| {
            let config = self.config.to_builder().region(Region::new(region.to_owned()));
            aws_sdk_s3::Client::from_conf(config.build())
        });
        client.clone()
    }
}

impl Global {
    /// The region that calls are signed for. The SDK knows it of AWS's own endpoints, but not of one that is set.
    fn signed_for(self, region: &str) -> &'static str {
        match (region.split('-').next(), self) {
            (Some("cn"), Self::Route53) => "cn-northwest-1",
            (Some("cn"), Self::Iam) => "cn-north-1",
            _ if region.starts_with("us-gov-") => "us-gov-west-1",
            _ => "us-east-1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_to_a_service_without_regions_are_signed_for_that_of_its_part_of_aws() {
        let regions = [
            ("eu-west-1", "us-east-1", "us-east-1"),
            ("cn-northwest-1", "cn-northwest-1", "cn-north-1"),
            ("us-gov-east-1", "us-gov-west-1", "us-gov-west-1"),
            ("", "us-east-1", "us-east-1"),
        ];
        for (region, route53, iam) in regions {
            let signed_for = (Global::Route53.signed_for(region), Global::Iam.signed_for(region));
            assert_eq!(signed_for, (route53, iam), "{region}");
        }
    }
}

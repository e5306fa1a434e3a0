//! The SDK's clients, and how they are configured.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

use crate::caller::{ATTEMPT, Caller};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// How CloudTrail names us.
const APP: &str = "flynn-operator";

/// The clients of all services.
pub(crate) struct Sdk {
    pub(crate) ec2: Ec2,
    pub(crate) route53: Route53,
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

    /// Clients of this configuration. They try each call once: trying again is the caller's.
    pub(crate) fn new(config: &SdkConfig, caller: Caller) -> Self {
        let caller = Arc::new(caller);
        let region = config.region().map(Region::as_ref).unwrap_or_default();
        let ec2 = aws_sdk_ec2::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        let route53 = aws_sdk_route53::config::Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .region(Region::new(signing_region(region)))
            .build();
        Self {
            ec2: Ec2 { client: aws_sdk_ec2::Client::from_conf(ec2), caller: caller.clone() },
            route53: Route53 { client: aws_sdk_route53::Client::from_conf(route53), caller },
        }
    }
}

/// The region that calls to Route 53 are signed for. The SDK knows it of AWS's own endpoints, but not of one that is set.
fn signing_region(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "cn-northwest-1",
        _ if region.starts_with("us-gov-") => "us-gov-west-1",
        _ => "us-east-1",
    }
}

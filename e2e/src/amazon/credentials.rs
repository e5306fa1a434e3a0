//! An access key, and the settings of the SDK that use it.

use std::fmt;

use aws_types::SdkConfig;
use aws_types::region::Region;

use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, SharedCredentialsProvider};

/// The access key of a user.
#[derive(Clone)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What every client of AWS needs to talk to `endpoint` with this key. It does not try a call twice: a test counts calls.
#[must_use]
pub fn sdk(endpoint: &str, region: &str, key: &AccessKey) -> SdkConfig {
    let credentials = Credentials::new(&key.id, &key.secret, None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint)
        .build()
}

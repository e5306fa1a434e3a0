//! The doubles of AWS: what they refuse, how they fail on order, and that the real SDK understands them. No Kubernetes.

mod binary;
mod console;
mod enforcement;
mod faults;
mod machines;
mod referee;
mod refusals;
mod storage;

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::operation::allocate_address::AllocateAddressOutput;
use aws_sdk_ec2::types::DomainType;
use e2e::Amazon;
use e2e::amazon::AccessKey;

/// How long what must come may take.
const WAIT: Duration = Duration::from_secs(60);

/// Clients of all services that go through the proxy, and try each call once.
struct Clients {
    ec2: aws_sdk_ec2::Client,
    iam: aws_sdk_iam::Client,
    route53: aws_sdk_route53::Client,
    s3: aws_sdk_s3::Client,
}

impl Clients {
    /// Those of the user who may do everything.
    fn of(amazon: &Amazon) -> Self {
        Self::with_key(amazon, amazon.key())
    }

    fn with_key(amazon: &Amazon, key: &AccessKey) -> Self {
        let sdk = amazon.sdk(key);
        Self {
            ec2: aws_sdk_ec2::Client::new(&sdk),
            iam: aws_sdk_iam::Client::new(&sdk),
            route53: aws_sdk_route53::Client::new(&sdk),
            s3: aws_sdk_s3::Client::new(&sdk),
        }
    }
}

/// Allocates an address through the proxy, and returns its allocation id.
async fn allocate(ec2: &aws_sdk_ec2::Client) -> Result<String> {
    let made: AllocateAddressOutput = ec2.allocate_address().domain(DomainType::Vpc).send().await?;
    made.allocation_id.context("it has an id")
}

/// The code that a call was refused with.
fn code<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, E>) -> Result<String> {
    match result {
        Ok(output) => bail!("it is not refused: {output:?}"),
        Err(error) => Ok(error.code().with_context(|| format!("no refusal: {error:?}"))?.to_owned()),
    }
}

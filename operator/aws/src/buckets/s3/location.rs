//! Where a bucket is, and whether it is open to us.
//!
//! | S3 says                                  | then the bucket                                                      |
//! |------------------------------------------|----------------------------------------------------------------------|
//! | its location                             | is ours: nobody else is told, unless the owner's policy says so      |
//! | `NoSuchBucket`                           | is nowhere                                                           |
//! | `AccessDenied`                           | is another account's, or its policy shuts us out                     |
//! | anything else, and in a header a region other than the one asked | is asked for there, once                     |
//!
//! `HeadBucket` would say less: its refusals have no body, and so no code by which expired credentials differ from a bucket of somebody else.
//! (AWS: Amazon S3 API Reference, `GetBucketLocation`; User Guide, "Making requests: redirects".)

use std::sync::Mutex;

use aws_sdk_s3::error::SdkError;
use plan::aws::{Failure, Fault};

use super::{FIRST_REGION, NO_BUCKET};
use crate::buckets::BucketRef;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

const LOCATE: Operation = Operation::read("s3:GetBucketLocation", &[Lane::S3Read]);

/// The header in which S3 names the right region to who asks in the wrong one.
const REGION: &str = "x-amz-bucket-region";

/// Where a bucket is.
pub(super) enum Location {
    /// Nobody has the name.
    Nowhere,
    /// It is not open to us.
    Shut,
    /// In this region of this account.
    In(String),
}

/// Finds a bucket.
pub(super) async fn find(s3: &S3, bucket: BucketRef<'_>) -> Result<Location, Failure> {
    match ask(s3, bucket).await {
        (Err(_), Some(region)) if region != bucket.region => {
            ask(s3, BucketRef { region: &region, ..bucket }).await.0
        }
        (answer, _) => answer,
    }
}

/// Asks in one region; with the answer comes the region that S3 names when it is no answer.
async fn ask(s3: &S3, bucket: BucketRef<'_>) -> (Result<Location, Failure>, Option<String>) {
    let elsewhere = Mutex::new(None);
    let send = || async {
        let request = s3.client(bucket.region).get_bucket_location().bucket(bucket.name);
        let result = request.send().await;
        *elsewhere.lock().expect("no holder of the lock panics") = result.as_ref().err().and_then(region_in);
        result
    };
    let answer = s3.caller.call(&LOCATE, send).await;
    let answer = match answer {
        Ok(output) => {
            let constraint = output.location_constraint.as_ref();
            Ok(Location::In(region_of(constraint.map_or("", |name| name.as_str())).to_owned()))
        }
        Err(failure) => match (failure.fault, failure.code.as_deref()) {
            (Fault::NotFound, Some(NO_BUCKET)) => Ok(Location::Nowhere),
            (Fault::Denied, Some("AccessDenied")) => Ok(Location::Shut),
            _ => Err(failure),
        },
    };
    (answer, elsewhere.into_inner().expect("no holder of the lock panics"))
}

fn region_in<E>(error: &SdkError<E>) -> Option<String> {
    Some(error.raw_response()?.headers().get(REGION)?.to_owned())
}

/// S3 names its first region by silence, and its second as it was called then.
fn region_of(constraint: &str) -> &str {
    match constraint {
        "" => FIRST_REGION,
        "EU" => "eu-west-1",
        region => region,
    }
}

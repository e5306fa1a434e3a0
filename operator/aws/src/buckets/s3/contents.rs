//! What is in a bucket: versions and delete markers count as objects, because S3 deletes no bucket that has any.
//!
//! Both calls look at the first thousand: so what one of them counts without a rest, the other deletes whole.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};
use percent_encoding::percent_decode_str;
use plan::aws::Failure;
use plan::aws::storage::Contents;

use crate::buckets::BucketRef;
use crate::failure::{incomplete, invalid, refused};
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

const LIST: Operation = Operation::read("s3:ListBucketVersions", &[Lane::S3Read]);
const DELETE: Operation = Operation::write("s3:DeleteObjectVersion", &[Lane::S3Write]);

/// The most that S3 lists and deletes in one call.
const PAGE: i32 = 1000;

/// Counts what is there.
pub(super) async fn count(s3: &S3, bucket: BucketRef<'_>) -> Result<Contents, Failure> {
    let page = list(s3, bucket).await?;
    let objects = page.versions().len() + page.delete_markers().len();
    Ok(Contents { objects: objects as u64, more: page.is_truncated.unwrap_or_default() })
}

/// Deletes a thousand.
pub(super) async fn delete(s3: &S3, bucket: BucketRef<'_>) -> Result<(), Failure> {
    let objects = objects(&list(s3, bucket).await?)?;
    if objects.is_empty() {
        return Ok(());
    }
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
    let delete = delete.map_err(|error| invalid(DELETE.name, error.to_string()))?;
    let send = || {
        let request = s3.client(bucket.region).delete_objects().bucket(bucket.name);
        request.delete(delete.clone()).send()
    };
    let output = s3.caller.call(&DELETE, send).await?;
    match output.errors().first() {
        None => Ok(()),
        Some(error) => {
            let about =
                format!("{}: {}", error.key().unwrap_or_default(), error.message().unwrap_or_default());
            Err(refused(DELETE.name, error.code().unwrap_or_default(), &about))
        }
    }
}

/// Keys are asked for encoded: XML has no way to write some of the characters that they may have.
async fn list(s3: &S3, bucket: BucketRef<'_>) -> Result<ListObjectVersionsOutput, Failure> {
    let send = || {
        let request = s3.client(bucket.region).list_object_versions().bucket(bucket.name);
        request.max_keys(PAGE).encoding_type(EncodingType::Url).send()
    };
    s3.caller.call(&LIST, send).await
}

fn objects(page: &ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>, Failure> {
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let is_encoded = page.encoding_type == Some(EncodingType::Url);
    let object = |(key, version): (Option<&str>, Option<&str>)| {
        let key = key.and_then(|key| if is_encoded { decoded(key) } else { Some(key.to_owned()) });
        let key = key.ok_or_else(|| incomplete(LIST.name))?;
        let object = ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned));
        object.build().map_err(|error| invalid(DELETE.name, error.to_string()))
    };
    versions.chain(markers).map(object).collect()
}

/// As a form is encoded: a plus is a blank.
fn decoded(key: &str) -> Option<String> {
    let key = key.replace('+', " ");
    percent_decode_str(&key).decode_utf8().ok().map(|key| key.into_owned())
}

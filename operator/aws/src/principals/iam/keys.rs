//! Access keys: which there are, when each was last used, and a new one.

use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};
use jiff::Timestamp;
use plan::aws::storage::AccessKey;
use plan::aws::{AccessKeyId, Failure, Fault};

use super::attached::pages;
use crate::failure::incomplete;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::principals::{NewKey, SecretKey};
use crate::sdk::Iam;

const LIST: Operation = Operation::read("iam:ListAccessKeys", &[Lane::IamRead]);
const LAST_USED: Operation = Operation::read("iam:GetAccessKeyLastUsed", &[Lane::IamRead]);
const CREATE: Operation = Operation::write_once("iam:CreateAccessKey", &[Lane::IamWrite]);

/// Every key of a user.
pub(super) async fn list(iam: &Iam, user: &str) -> Result<Vec<AccessKey>, Failure> {
    let listed = pages(|marker| async move {
        let list = || iam.client.list_access_keys().user_name(user).set_marker(marker.clone()).send();
        let page = iam.caller.call(&LIST, list).await?;
        Ok((page.access_key_metadata, page.marker.filter(|_| page.is_truncated)))
    });
    let listed = match listed.await {
        Err(failure) if failure.fault == Fault::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut keys = Vec::new();
    for key in listed {
        let key = observed(&key).ok_or_else(|| incomplete(LIST.name))?;
        let last_used = last_used(iam, &key.id).await?;
        keys.push(AccessKey { last_used, ..key });
    }
    Ok(keys)
}

/// Creates a key.
pub(super) async fn create(iam: &Iam, user: &str) -> Result<NewKey, Failure> {
    let output = iam.caller.call(&CREATE, || iam.client.create_access_key().user_name(user).send()).await?;
    let made =
        output.access_key.filter(|key| !key.access_key_id.is_empty() && !key.secret_access_key.is_empty());
    let made = made.ok_or_else(|| incomplete(CREATE.name))?;
    Ok(NewKey { id: AccessKeyId::new(made.access_key_id), secret: SecretKey::new(made.secret_access_key) })
}

/// Whatever goes wrong here is told: a key that passes for unused is one that may be deleted.
async fn last_used(iam: &Iam, key: &AccessKeyId) -> Result<Option<Timestamp>, Failure> {
    let send = || iam.client.get_access_key_last_used().access_key_id(key.as_str()).send();
    let output = iam.caller.call(&LAST_USED, send).await?;
    let said = output.access_key_last_used.ok_or_else(|| incomplete(LAST_USED.name))?;
    said.last_used_date.map(|date| time(&date).ok_or_else(|| incomplete(LAST_USED.name))).transpose()
}

fn observed(key: &AccessKeyMetadata) -> Option<AccessKey> {
    Some(AccessKey {
        id: AccessKeyId::new(key.access_key_id()?),
        active: *key.status()? == StatusType::Active,
        created: time(key.create_date()?)?,
        last_used: None,
    })
}

fn time(date: &DateTime) -> Option<Timestamp> {
    Timestamp::new(date.secs(), i32::try_from(date.subsec_nanos()).ok()?).ok()
}

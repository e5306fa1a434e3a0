//! Access keys.
//!
//! | rule | page |
//! |---|---|
//! | a key that is `Inactive` signs nothing any more | `docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html` |
//! | a user who has a key is not deleted: `DeleteConflict` | `docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html` |

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::{Judged, Rules};
use crate::amazon::refusal::Refusal;
use crate::amazon::request::{Request, Service};

/// The ids of keys that were deactivated, and not activated again.
#[derive(Debug, Default)]
pub(super) struct InactiveKeys(Mutex<BTreeSet<String>>);

impl InactiveKeys {
    /// Refuses what is signed with such a key.
    pub(super) fn check(&self, request: &Request) -> Result<(), Refusal> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !request.access_key.as_ref().is_some_and(|key| keys.contains(key)) {
            return Ok(());
        }
        Err(match request.service {
            Service::Ec2 => {
                Refusal::new("AuthFailure", "AWS was not able to validate the provided access credentials")
            }
            Service::S3 => Refusal::new(
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Service::Iam | Service::Route53 | Service::Sts => {
                Refusal::new("InvalidClientTokenId", "The security token included in the request is invalid.")
            }
        })
    }

    /// Notes what an UpdateAccessKey that was carried out said.
    pub(super) fn updated(&self, request: &Request) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = request.parameter("AccessKeyId").unwrap_or_default();
        if request.parameter("Status") == Some("Inactive") {
            keys.insert(key.to_owned());
        } else {
            keys.remove(key);
        }
    }
}

/// Whether a user may go. One who is unknown is moto's own affair.
pub(super) async fn delete_user(rules: &Rules, request: &Request) -> Judged {
    let Some(user) = request.parameter("UserName") else { return Ok(Ok(())) };
    let listed = match rules.account.iam.list_access_keys().user_name(user).send().await {
        Ok(listed) => listed,
        Err(error) if error.as_service_error().is_some_and(|it| it.is_no_such_entity_exception()) => {
            return Ok(Ok(()));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(match listed.access_key_metadata() {
        [] => Ok(()),
        [_, ..] => {
            Err(Refusal::new("DeleteConflict", "Cannot delete entity, must delete access keys first."))
        }
    })
}

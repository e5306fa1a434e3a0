//! A Blobstore on this machine: what its status says, and what is in the way of its end.
//!
//! | `deletionPolicy` | and                                             | then                                           |
//! |------------------|-------------------------------------------------|------------------------------------------------|
//! | `Retain`         |                                                 | the folder and the Secret stay, and it says so |
//! | `Delete`         | objects are there, and no `local.emptyOnDelete` | `DeletionBlocked`, and all works as before     |
//! | `Delete`         |                                                 | the folder and the Secret go                   |
//!
//! There is no bucket, and no call to AWS; the look itself is the operator's, as are the folder and the server.

use std::path::Path;

use crds::Reason;
use jiff::Timestamp;

use super::StorageReport;
use crate::Refusal;
use crate::aws::AccessKeyId;
use crate::aws::storage::StorageOrder;

/// What stays of a Blobstore with `deletionPolicy: Retain`.
#[must_use]
pub fn retained(order: &StorageOrder, folder: &Path) -> Refusal {
    let message = format!(
        "the objects in {} and the Secret {} stay, and are not served any more: a Blobstore of this name takes them up again",
        folder.display(),
        order.secret()
    );
    Refusal::new(Reason::Retained, message)
}

/// Why a Blobstore with so many objects is not deleted, if it is not.
#[must_use]
pub fn blocked(order: &StorageOrder, folder: &Path, objects: u64) -> Option<Refusal> {
    if objects == 0 || order.spec.local.as_ref().is_some_and(|local| local.empty_on_delete) {
        return None;
    }
    let message = format!(
        "{objects} objects are in {}: delete them, set local.emptyOnDelete to have all of them deleted, or set deletionPolicy: Retain to keep them; until then all works as before",
        folder.display()
    );
    Some(Refusal::new(Reason::DeletionBlocked, message))
}

impl StorageReport {
    /// The report of a look at a Blobstore on this machine: the key in its Secret and when it was written there, or why there is none.
    #[must_use]
    pub fn local(
        order: &StorageOrder,
        credentials: Result<(AccessKeyId, Option<Timestamp>), Refusal>,
    ) -> Self {
        let report = Self::of(order, Ok(()));
        match credentials {
            Ok(key) => Self { credentials: Some(Ok(String::new())), key: Some(key), ..report },
            Err(refusal) => Self { credentials: Some(Err(refusal)), ..report },
        }
    }

    /// The same, with so many objects in the way of the deletion.
    #[must_use]
    pub fn with_objects_in_the_way(self, objects: u64, refusal: Refusal) -> Self {
        Self { bucket: Some(Err(refusal)), objects: Some(objects), ..self }
    }
}

#[cfg(test)]
mod tests {
    use crds::{Blobstore, BlobstoreSpec, LocalBlobstore};

    use super::*;
    use crate::Platform;

    fn order(empty_on_delete: bool) -> StorageOrder {
        let local = Some(LocalBlobstore { empty_on_delete });
        let blobstore = Blobstore::new("blobs", BlobstoreSpec { local, ..BlobstoreSpec::default() });
        StorageOrder::of(&blobstore, "u", None, Platform::Standalone)
    }

    #[test]
    fn objects_are_in_the_way_of_a_deletion_unless_they_may_be_deleted() {
        let folder = Path::new("/data/blobs");
        let refusal = blocked(&order(false), folder, 3).unwrap();
        assert_eq!(refusal.reason, Reason::DeletionBlocked);
        assert!(refusal.message.starts_with("3 objects are in /data/blobs: "), "{}", refusal.message);
        assert_eq!(blocked(&order(true), folder, 3), None);
        assert_eq!(blocked(&order(false), folder, 0), None);
    }

    #[test]
    fn what_is_in_the_way_leaves_the_credentials_as_they_are() {
        let order = order(false);
        let served = StorageReport::local(&order, Ok((AccessKeyId::new("local-1"), None)));
        assert_eq!((&served.bucket, &served.credentials), (&None, &Some(Ok(String::new()))));
        let refusal = blocked(&order, Path::new("/data"), 3).unwrap();
        let blocked = served.clone().with_objects_in_the_way(3, refusal.clone());
        assert_eq!(blocked, StorageReport { bucket: Some(Err(refusal)), objects: Some(3), ..served });
    }
}

//! The part of the answer that is about Blobstores in S3: the calls that the leader would make for each, and what stands in their way.
//!
//! It is for `--against cluster --aws`: the user of a bucket is named after the cluster, and what was noted of its keys is in the Secret there. The clients cannot write. What the calls
//! are and what is taken for granted, `storage/foresight.rs` says.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use plan::aws::Failure;
use plan::aws::storage::{Account, StorageOrder};
use plan::blobstore::StorageReport;
use plan::{Finding, ObjectKey};

use super::Error;
use super::aws_difference::{AwsDifference, AwsFinding, BlobstoreCalls, condition, not_applied};
use crate::effects::credentials;
use crate::storage::foresight::{Foresight, Unseen, foresee, onlooker};
use crate::storage::secret::Stored;
use crate::storage::{Clients, Reads};

/// The API server, as somebody asks it who runs the command.
struct Kubernetes(Client);

impl Reads for Kubernetes {
    async fn read_secret(&self, secret: &ObjectKey) -> Result<Option<Stored>, Failure> {
        credentials::read(&self.0, secret).await
    }

    async fn pods(&self, namespace: &str) -> Result<Vec<Pod>, Failure> {
        credentials::pods(&self.0, namespace).await
    }
}

/// The same difference with what the leader would do for these Blobstores.
///
/// # Errors
/// With what could not be read for the first of which something could not.
pub(super) async fn add(
    mut aws: AwsDifference,
    client: Client,
    orders: &[StorageOrder],
    now: Timestamp,
) -> Result<AwsDifference, Error> {
    let kubernetes = Kubernetes(client);
    let mut clients: BTreeMap<&str, Clients> = BTreeMap::new();
    for order in orders.iter().filter(|order| order.bucket().is_some()) {
        let Some(Account { region, mode: _ }) = &order.account else { continue };
        if !clients.contains_key(region.as_str()) {
            clients.insert(region, onlooker(region).await);
        }
        let foresight = foresee(&kubernetes, &clients[region.as_str()], order, now).await;
        aws.take(order, foresight.map_err(|unseen| error(order, unseen))?);
    }
    Ok(aws)
}

fn error(order: &StorageOrder, unseen: Unseen) -> Error {
    match unseen {
        Unseen::Kubernetes(failure) => Error::Secret { blobstore: order.key(), cause: failure.message },
        Unseen::Aws(failures) => Error::Aws(failures),
    }
}

impl AwsDifference {
    fn take(&mut self, order: &StorageOrder, Foresight { calls, report }: Foresight) {
        let blobstore = order.key();
        self.asked = true;
        self.findings.extend(findings(&blobstore, report));
        if calls.is_empty() {
            return;
        }
        let mode = order.account.as_ref().map(|account| account.mode).unwrap_or_default();
        let note = not_applied(mode);
        self.notes.extend(note.filter(|note| !self.notes.contains(note)));
        let calls = calls.iter().map(ToString::to_string).collect();
        self.blobstores.push(BlobstoreCalls { blobstore, calls });
    }
}

/// Conditions that somebody has to mend, then what should be known all the same.
fn findings(blobstore: &ObjectKey, report: StorageReport) -> Vec<AwsFinding> {
    let StorageReport { bucket, credentials, warnings, .. } = report;
    let conditions = [("BucketReady", bucket), ("CredentialsReady", credentials)];
    let conditions = conditions.into_iter().filter_map(|(of, found): (&str, Option<Finding>)| {
        condition(&format!("{blobstore} {of}"), found.as_ref()?)
    });
    let warnings = warnings.into_iter().map(|warning| AwsFinding {
        of: format!("blobstore {blobstore}"),
        state: warning.reason.to_string(),
        message: warning.message,
    });
    conditions.chain(warnings).collect()
}

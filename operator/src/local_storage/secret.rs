//! The Secret of a Blobstore on this machine: the variables that an App reads, and the id of what they are.
//!
//! It is marked, read and written as the Secret of a bucket is, and holds a key as that does: nothing here prints what is in it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use kube::Client;
use plan::Refusal;
use plan::aws::AccessKeyId;
use plan::aws::storage::{SecretMarks, StorageOrder};

use crate::effects::credentials;
use crate::storage::secret::{Entries, Stored, Written};

/// The id of what is in a Secret, and when it was written there.
pub(super) type Credentials = (AccessKeyId, Option<Timestamp>);

/// The Secret of a Blobstore, if there is one, whosever it is.
pub(super) async fn read(client: &Client, order: &StorageOrder) -> Result<Option<Stored>, Refusal> {
    credentials::read(client, &order.secret()).await.map_err(|failure| failure.refusal())
}

/// Writes the Secret that was read, or a new one, unless it has these entries. What others wrote beside stays.
pub(super) async fn keep(
    client: &Client,
    order: &StorageOrder,
    stored: Option<Stored>,
    entries: BTreeMap<String, String>,
) -> Result<Credentials, Refusal> {
    let id = key_id(&entries);
    if let Some(stored) = stored.as_ref().filter(|stored| has(stored, &entries)) {
        return Ok((id, stored.state(order).marks.written_at));
    }
    let now = Timestamp::now();
    let written = Written {
        blobstore: order.owner.name.clone(),
        marks: SecretMarks::default().with_key(id.clone(), now),
        entries: Some(Entries::local(entries)),
        version: stored.map(|stored| stored.version),
    };
    let written = credentials::write(client, &order.secret(), written).await;
    written.map(|_| (id, Some(now))).map_err(|failure| failure.refusal())
}

/// Deletes the Secret, if it is the Blobstore's.
pub(super) async fn delete(client: &Client, order: &StorageOrder) -> Result<(), Refusal> {
    let stored = read(client, order).await?;
    let Some(stored) = stored.filter(|stored| stored.state(order).ours) else { return Ok(()) };
    let deleted = credentials::delete(client, &order.secret(), &stored.version).await;
    deleted.map_err(|failure| failure.refusal())
}

fn has(stored: &Stored, entries: &BTreeMap<String, String>) -> bool {
    entries.iter().all(|(name, value)| stored.entries().get(name) == Some(value))
}

/// Tells the entries from others, and nothing about them: a piece of their hash, which includes a key that nobody guesses.
fn key_id(entries: &BTreeMap<String, String>) -> AccessKeyId {
    let mut context = Context::new(&SHA256);
    for (name, value) in entries {
        context.update(format!("{name}={value}\n").as_bytes());
    }
    let digest = context.finish();
    let piece: [u8; 8] = *digest.as_ref().first_chunk().expect("a SHA-256 has 32 bytes");
    AccessKeyId::new(format!("local-{:016x}", u64::from_be_bytes(piece)))
}

#[cfg(test)]
mod tests {
    use blobstore::{AccessKey, variables};

    use super::*;

    #[test]
    fn the_id_changes_with_the_key_and_the_port_and_has_nothing_of_either() {
        let key = AccessKey::generate();
        let id = |port: u16, key: &AccessKey| key_id(&variables(([127, 0, 0, 1], port).into(), key));
        let first = id(9913, &key);
        assert_eq!(first, id(9913, &key));
        assert_ne!(first, id(9914, &key));
        assert_ne!(first, id(9913, &AccessKey::generate()));
        assert_eq!(first.as_str().len(), "local-".len() + 16);
    }
}

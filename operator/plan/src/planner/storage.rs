//! Blobstores in planning: what each asks for goes out as an order, and what a look at its bucket found comes back for its status.
//!
//! As with the Cluster's order (`cloud.rs`), the look itself is the leader's (`blobstore::plan`). What cannot be followed here is said at once, and nobody looks;
//! otherwise the status stays as the last look left it, until a leader has looked for what is declared now.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crds::{Blobstore, ConditionType};
use jiff::Timestamp;

use super::Planner;
use super::leader::push_status;
use super::units::keep;
use crate::aws::storage::{Account, StorageOrder};
use crate::blobstore::{StorageReport, accepted};
use crate::status::{self, BlobstoreFindings};
use crate::world::uid;
use crate::{Kind, ObjectKey, Step, Unit, Verdict};

impl Planner {
    pub(super) fn plan_blobstore(&mut self, key: &ObjectKey, now: Timestamp, step: &mut Step) {
        let Some(blobstore) = self.world.blobstores.get(key).cloned() else {
            self.plans.blobstores.remove(key);
            self.storage.remove(key);
            self.place(key, None, step);
            return;
        };
        let account = self.plans.active.as_ref().and_then(|cluster| Account::of(&cluster.spec));
        let accepted = accepted(&blobstore.spec, account.as_ref(), self.platform);
        let installation = self.world.installation();
        let order = installation.map(|id| StorageOrder::of(&blobstore, &id, account, self.platform));
        let order = order.filter(|order| is_followed(order, &accepted));
        if order.is_none() {
            // What was found before the order ended is not what will be found when there is one again.
            self.storage.remove(key);
        }
        self.place(key, order, step);
        self.plan_blobstore_status(key, &blobstore, &accepted, now, step);
        self.plans.blobstores.insert(key.clone(), accepted);
    }

    /// Has an order go out if it differs from the last one.
    fn place(&mut self, key: &ObjectKey, order: Option<StorageOrder>, step: &mut Step) {
        if self.plans.storage.get(key).map(AsRef::as_ref) == order.as_ref() {
            return;
        }
        let order = order.map(Arc::new);
        step.storage.insert(key.clone(), order.clone());
        keep(&mut self.plans.storage, key, order);
    }

    fn plan_blobstore_status(
        &self,
        key: &ObjectKey,
        blobstore: &Blobstore,
        accepted: &Verdict,
        now: Timestamp,
        step: &mut Step,
    ) {
        let generation = blobstore.metadata.generation.unwrap_or_default();
        let is_about_it =
            |report: &&StorageReport| report.uid == uid(blobstore) && report.generation == generation;
        let report = self.storage.get(key).filter(is_about_it);
        if report.is_none() && accepted.is_ok() && has_told(blobstore) {
            return;
        }
        // A deletion that is blocked is told by who looks at it, also where the declaration could not be followed any more.
        let accepted = match report {
            Some(report) => report.accepted.clone().map(|_| ()),
            None => accepted.clone(),
        };
        let (status, events) = status::blobstore(blobstore, BlobstoreFindings { accepted, report }, now);
        push_status(Kind::Blobstore, blobstore, &status, blobstore.status.as_ref(), events, step);
    }

    /// Takes in what a look at a Blobstore's bucket found.
    pub fn report_storage(&mut self, report: StorageReport) {
        let key = report.blobstore.clone();
        let is_the_same = |blobstore: &Arc<Blobstore>| uid(&**blobstore) == report.uid;
        if !self.world.blobstores.get(&key).is_some_and(is_the_same) || !self.plans.storage.contains_key(&key)
        {
            return;
        }
        // These were told as events.
        let report = StorageReport { warnings: Vec::new(), drift: Vec::new(), ..report };
        if self.storage.get(&key) != Some(&report) {
            self.storage.insert(key.clone(), report);
            self.world.dirty.insert(Unit::Blobstore(key));
        }
    }
}

/// Whether somebody has to look at AWS: for what can be followed, and for the end of what was made.
fn is_followed(order: &StorageOrder, accepted: &Verdict) -> bool {
    match order.deleted_at {
        Some(_) => order.has_finalizer,
        None => accepted.is_ok(),
    }
}

/// Whether the status says already what somebody found who looked.
fn has_told(blobstore: &Blobstore) -> bool {
    let accepted = ConditionType::Accepted.to_string();
    let mut conditions = blobstore.status.iter().flat_map(|status| &status.conditions);
    conditions.any(|condition| condition.type_ == accepted && condition.status == "True")
}

//! The access keys of the user: one in use, and for the time of a rotation the one before it.
//!
//! | a key of the user                                    | then                                                                   |
//! |------------------------------------------------------|------------------------------------------------------------------------|
//! | is in the Secret and works                           | it is in use                                                           |
//! | is ours, and was in use before                       | inactive when every Pod has the new one, deleted when unused for an hour |
//! | appeared after an intent that was never fulfilled    | it is lost: inactive, deleted, and another is made                     |
//! | is none of these                                     | a person made it: it is left alone, even if there is no room beside it |
//!
//! IAM allows two keys, and shows a new one late. So a write whose answer is not known is waited for, and AWS's clock is not trusted beyond what IAM itself
//! tolerates.

use std::collections::BTreeSet;

use crds::Reason;
use jiff::{SignedDuration, Timestamp};

use super::principal::CredentialsPlan;
use super::{Inputs, Sequence};
use crate::aws::AccessKeyId;
use crate::aws::storage::{AccessKey, KeyIntent, SecretMarks, StorageCall};
use crate::{Finding, Refusal};

/// How many keys IAM allows a user.
pub(super) const LIMIT: usize = 2;

/// After what time IAM shows what was done.
const SETTLES: SignedDuration = SignedDuration::from_mins(1);

/// How long a key has to be out of use before it is deleted.
const UNUSED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Plans the keys of a user.
pub(super) fn plan(inputs: Inputs<'_>, user_exists: bool, sequence: &mut Sequence<'_>) -> CredentialsPlan {
    let keys = match &inputs.observed.keys {
        Ok(keys) => keys.as_slice(),
        Err(failure) => return CredentialsPlan::fault(failure.refusal()),
    };
    let stand = Stand::of(inputs, if user_exists { keys } else { &[] });
    let finding = match stand.marks.key.clone() {
        Some(intent) => stand.settle(&intent, sequence),
        None => stand.go_on(sequence),
    };
    let in_use = stand.current.map(|key| (key.id.clone(), stand.marks.written_at));
    CredentialsPlan { finding, warnings: stand.strange(), key: in_use }
}

/// Ends every key of ours, because a role has taken the user's place. Tells whether the user has none left.
pub(super) fn retire_all(inputs: Inputs<'_>, sequence: &mut Sequence<'_>) -> bool {
    let Ok(keys) = &inputs.observed.keys else { return false };
    let stand = Stand::of(inputs, keys);
    let old: Vec<_> = keys.iter().filter(|key| stand.ours.contains(&key.id)).collect();
    old.into_iter().for_each(|key| stand.retire(key, sequence));
    keys.is_empty()
}

/// How the keys stand.
struct Stand<'a> {
    inputs: Inputs<'a>,
    keys: &'a [AccessKey],
    ours: BTreeSet<AccessKeyId>,
    /// The one in the Secret, if it works.
    current: Option<&'a AccessKey>,
    marks: SecretMarks,
}

impl<'a> Stand<'a> {
    fn of(inputs: Inputs<'a>, keys: &'a [AccessKey]) -> Self {
        let ours = inputs.keys_of_ours();
        let secret = inputs.observed.secret.as_ref().filter(|secret| secret.intact);
        let in_secret = secret.and_then(|secret| secret.key.as_ref());
        let current = keys.iter().find(|key| key.active && Some(&key.id) == in_secret);
        Self { inputs, keys, ours, current, marks: inputs.observed_marks() }
    }

    /// A key was asked for, and nobody noted what came of it.
    fn settle(&self, intent: &KeyIntent, sequence: &mut Sequence<'_>) -> Finding {
        let create = self.create_call(sequence);
        let refused = self.inputs.history.attempts.failure(&create).filter(|failure| !failure.is_ambiguous());
        let settled_at = intent.at + SETTLES;
        if refused.is_none() && self.inputs.now < settled_at {
            sequence.recheck(settled_at);
            return self.or_in_use(Refusal::new(
                Reason::Pending,
                "an access key was asked for and the answer was lost: IAM is given a minute to show it",
            ));
        }
        let strange = self.keys.iter().filter(|key| !self.ours.contains(&key.id));
        let lost: Vec<_> = strange.filter(|key| refused.is_none() && intent.may_have_made(key)).collect();
        if let [_, _, ..] = lost.as_slice() {
            let message = format!(
                "the operator lost one of the access keys {} of the user {}, and cannot tell which: delete the one that you do not know",
                listed(lost.iter().map(|key| &key.id)),
                self.user()
            );
            return self.or_in_use(Refusal::new(Reason::KeyLimitReached, message));
        }
        let ends = lost.iter().flat_map(|key| self.end(key)).collect();
        let cleared = self.inputs.note(SecretMarks { key: None, ..sequence.marks.clone() });
        sequence.chain(ends);
        sequence.chain(vec![cleared]);
        self.or_in_use(match refused {
            Some(failure) => failure.refusal(),
            None => Refusal::new(Reason::Pending, "an access key is being made"),
        })
    }

    fn go_on(&self, sequence: &mut Sequence<'_>) -> Finding {
        if let Some(shown_at) = self.not_shown_yet() {
            sequence.recheck(shown_at);
            return Ok(String::new());
        }
        let finding = match self.current {
            None => self.make(sequence),
            Some(key) if self.is_due(key, sequence) => self.make(sequence),
            Some(_) => Ok(String::new()),
        };
        let in_secret = self.current.map(|key| &key.id);
        let old: Vec<_> = self
            .keys
            .iter()
            .filter(|key| self.ours.contains(&key.id) && Some(&key.id) != in_secret)
            .collect();
        if self.current.is_some() {
            old.iter().for_each(|key| self.retire(key, sequence));
        } else if self.keys.len() >= LIMIT {
            self.make_room(&old, sequence);
        }
        let said = finding?;
        match self.not_ended(&old) {
            Some(failure) => self.or_in_use(failure),
            None if said.is_empty() => Ok(self.waiting_for_pods(&old)),
            None => Ok(said),
        }
    }

    /// Until when a key that was written into the Secret may be missing in IAM's list.
    fn not_shown_yet(&self) -> Option<Timestamp> {
        let secret = self.inputs.observed.secret.as_ref().filter(|secret| secret.ours && secret.intact)?;
        let id = secret.key.as_ref()?;
        let shown_at = self.marks.written_at? + SETTLES;
        let is_shown = self.keys.iter().any(|key| key.id == *id);
        (!is_shown && self.inputs.now < shown_at).then_some(shown_at)
    }

    fn is_due(&self, key: &AccessKey, sequence: &mut Sequence<'_>) -> bool {
        let days = i64::from(self.inputs.order.spec.credentials.rotate_after_days);
        let due_at = key.created + SignedDuration::from_hours(24 * days);
        if due_at > self.inputs.now {
            sequence.recheck(due_at);
        }
        let asked = self.inputs.order.rotate.is_some() && self.inputs.order.rotate != self.marks.rotate;
        asked || due_at <= self.inputs.now
    }

    /// Makes a key if there is room for one.
    fn make(&self, sequence: &mut Sequence<'_>) -> Finding {
        if self.keys.len() >= LIMIT {
            return self.no_room();
        }
        let create = self.create_call(sequence);
        let known = self.keys.iter().map(|key| key.id.clone()).collect();
        let intent = KeyIntent { at: self.inputs.now, known };
        let note = self.inputs.note(SecretMarks { key: Some(intent), ..sequence.marks.clone() });
        let needed = [create.clone()];
        let finding = sequence.finding(&needed, Ok(String::new()), "an access key is being made");
        // No intent is noted for a call that has to wait.
        let waits = self.inputs.history.attempts.waits_until(&create, self.inputs.now);
        match waits {
            Some(at) => sequence.recheck(at),
            None => sequence.chain(vec![note, create]),
        }
        finding.or_else(|fault| self.or_in_use(fault))
    }

    fn no_room(&self) -> Finding {
        let strange: Vec<_> = self.keys.iter().filter(|key| !self.ours.contains(&key.id)).collect();
        if strange.is_empty() {
            let fault = Refusal::new(
                Reason::Pending,
                "the former access key is still in use: the next one waits for its end",
            );
            return self.or_in_use(fault);
        }
        let message = format!(
            "the user {} has {} access keys, as many as IAM allows, and {} was made by somebody else: delete it, so that there is room for a new one",
            self.user(),
            self.keys.len(),
            listed(strange.iter().map(|key| &key.id))
        );
        Err(Refusal::new(Reason::KeyLimitReached, message))
    }

    /// Ends a key that is not in use any more, step by step.
    fn retire(&self, key: &AccessKey, sequence: &mut Sequence<'_>) {
        if key.active {
            if self.stragglers().is_empty() {
                sequence.chain(vec![self.deactivate(key)]);
            }
            return;
        }
        let inactive_since = self.inputs.history.inactive_since.get(&key.id).copied();
        let last = key.last_used.into_iter().chain([inactive_since.unwrap_or(self.inputs.now)]).max();
        let ends_at = last.unwrap_or(self.inputs.now) + UNUSED_FOR;
        if ends_at <= self.inputs.now {
            sequence.chain(vec![self.delete(key)]);
        } else {
            sequence.recheck(ends_at);
        }
    }

    /// Why a key that is not in use any more is still there: the last call that should end it failed.
    fn not_ended(&self, old: &[&AccessKey]) -> Option<Refusal> {
        let attempts = &self.inputs.history.attempts;
        let failed =
            old.iter().flat_map(|key| self.end(key)).find_map(|call| attempts.failure(&call).cloned());
        failed.map(|failure| failure.refusal())
    }

    /// No key works and there is no room for another: one of ours that no Pod has and nobody uses has to go.
    fn make_room(&self, old: &[&AccessKey], sequence: &mut Sequence<'_>) {
        let last_use = |key: &AccessKey| key.last_used.unwrap_or(key.created);
        let is_held =
            |key: &AccessKey| self.inputs.observed.pods.iter().any(|user| user.key.as_ref() == Some(&key.id));
        let free = old.iter().filter(|key| !is_held(key));
        let Some(key) = free.min_by_key(|key| (key.active, last_use(key))) else { return };
        let ends_at = last_use(key) + UNUSED_FOR;
        if ends_at <= self.inputs.now {
            sequence.chain(self.end(key));
        } else {
            sequence.recheck(ends_at);
        }
    }

    /// The Pods that do not have what is in the Secret.
    fn stragglers(&self) -> Vec<&str> {
        let current = self.current.map(|key| &key.id);
        let pods = self.inputs.observed.pods.iter();
        pods.filter(|user| user.key.as_ref() != current).map(|user| user.pod.as_str()).collect()
    }

    fn waiting_for_pods(&self, old: &[&AccessKey]) -> String {
        let stragglers = self.stragglers();
        let Some(active) = old.iter().find(|key| key.active).filter(|_| !stragglers.is_empty()) else {
            return String::new();
        };
        let some: Vec<_> = stragglers.iter().take(5).copied().collect();
        format!(
            "the access key {} ends when these Pods have started with the new one: {}",
            active.id,
            some.join(", ")
        )
    }

    /// A fault about the next key is none as long as the present one works.
    fn or_in_use(&self, fault: Refusal) -> Finding {
        match (self.current, fault.waits_for_a_person()) {
            (Some(_), false) => Ok(fault.message),
            _ => Err(fault),
        }
    }

    fn strange(&self) -> Vec<Refusal> {
        if self.marks.key.is_some() {
            return Vec::new();
        }
        let strange = self.keys.iter().filter(|key| !self.ours.contains(&key.id));
        let told = strange.map(|key| {
            let message = format!(
                "the access key {} of the user {} was made by somebody else, and is left alone",
                key.id,
                self.user()
            );
            Refusal::new(Reason::NotOwned, message)
        });
        told.collect()
    }

    fn create_call(&self, sequence: &Sequence<'_>) -> StorageCall {
        let marks = SecretMarks {
            rotate: self.inputs.order.rotate.clone(),
            keys: self.ours.clone(),
            key: None,
            ..sequence.marks.clone()
        };
        StorageCall::CreateKey { user: self.user(), secret: self.inputs.order.secret(), marks }
    }

    fn end(&self, key: &AccessKey) -> Vec<StorageCall> {
        let deactivate = key.active.then(|| self.deactivate(key));
        deactivate.into_iter().chain([self.delete(key)]).collect()
    }

    fn deactivate(&self, key: &AccessKey) -> StorageCall {
        StorageCall::DeactivateKey { user: self.user(), key: key.id.clone() }
    }

    fn delete(&self, key: &AccessKey) -> StorageCall {
        StorageCall::DeleteKey { user: self.user(), key: key.id.clone() }
    }

    fn user(&self) -> String {
        self.inputs.order.owner.principal()
    }
}

fn listed<'a>(ids: impl Iterator<Item = &'a AccessKeyId>) -> String {
    let ids: Vec<_> = ids.map(AccessKeyId::as_str).collect();
    ids.join(" and ")
}

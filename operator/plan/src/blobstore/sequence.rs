//! The calls of a pass in the making: what must follow, what must wait, and what is noted in the Secret on the way.

use jiff::Timestamp;

use super::Inputs;
use crate::aws::Attempts;
use crate::aws::storage::{SecretMarks, StorageCall};
use crate::{Finding, Refusal};

/// The calls of a pass, and the notes in the Secret as they will be after them.
pub(super) struct Sequence<'a> {
    pub(super) calls: Vec<StorageCall>,
    pub(super) marks: SecretMarks,
    pub(super) recheck_at: Option<Timestamp>,
    attempts: &'a Attempts,
    now: Timestamp,
    is_cut: bool,
}

impl<'a> Sequence<'a> {
    pub(super) fn new(inputs: Inputs<'a>) -> Self {
        let secret = inputs.observed.secret.as_ref().filter(|secret| secret.ours);
        Self {
            calls: Vec::new(),
            marks: secret.map(|secret| secret.marks.clone()).unwrap_or_default(),
            recheck_at: None,
            attempts: &inputs.history.attempts,
            now: inputs.now,
            is_cut: false,
        }
    }

    /// Adds calls of which each needs those before it: from the first that has to wait on, none is made.
    pub(super) fn chain(&mut self, calls: Vec<StorageCall>) {
        for call in calls {
            self.is_cut |= self.waits(&call);
            if !self.is_cut {
                self.calls.push(call);
            }
        }
    }

    /// Adds calls that need each other not: one that has to wait keeps no other from being made.
    pub(super) fn each(&mut self, calls: Vec<StorageCall>) {
        for call in calls {
            if !self.waits(&call) && !self.is_cut {
                self.calls.push(call);
            }
        }
    }

    /// Has the plan made again then at the latest.
    pub(super) fn recheck(&mut self, at: Timestamp) {
        self.recheck_at = Some(self.recheck_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// What calls that are needed come to: the failure of one of them, or that they are under way; fine if there are none.
    pub(super) fn finding(&self, calls: &[StorageCall], when_done: Finding, under_way: &str) -> Finding {
        let failed = calls.iter().find_map(|call| self.attempts.failure(call));
        match failed {
            Some(failure) => Err(failure.refusal()),
            None if calls.is_empty() => when_done,
            None => Err(Refusal::new(crds::Reason::Pending, under_way)),
        }
    }

    fn waits(&mut self, call: &StorageCall) -> bool {
        let until = self.attempts.waits_until(call, self.now);
        until.into_iter().for_each(|at| self.recheck(at));
        until.is_some()
    }
}

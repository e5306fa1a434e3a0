//! The calls that came in, for assertions such as "in sync means zero writes".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::Action;

/// One call and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// What it asked for.
    pub action: Action,
    /// The id in its path; empty if it has none.
    pub id: String,
    /// The HTTP status that was sent, or would have been had the reply not been lost; none if it was not carried out.
    pub status: Option<u16>,
    /// The error code of a refusal.
    pub code: Option<String>,
    /// Whether the client got the answer.
    pub answered: bool,
}

/// How many calls there were of each action.
pub fn by_action(calls: &[Call]) -> BTreeMap<Action, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.action).or_default() += 1;
    }
    counts
}

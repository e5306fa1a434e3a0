//! What one pass of planning asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::{ConditionType, Reason};
use jiff::Timestamp;
use router_config::Delta;
use serde::Serialize;

use crate::aws::Order;
use crate::aws::storage::StorageOrder;
use crate::{Kind, ObjectChanges, ObjectKey, Unit};

/// Everything that has to be written after a pass; empty when nothing differs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Step {
    /// The change of the router's table.
    pub table: Delta,
    /// The changes of objects, by the unit that wants them. Only for the leader.
    pub objects: Vec<(Unit, ObjectChanges)>,
    /// The statuses that differ from those observed. Only for the leader.
    pub statuses: Vec<StatusWrite>,
    /// What AWS should be made to be from now on, if that changed; inside, nothing if nobody asks for AWS. Only for the leader.
    #[serde(skip)]
    pub cloud: Option<Option<Arc<Order>>>,
    /// What Blobstores ask for from now on, of those for which that changed; nothing if one is gone, or must not be followed. Only for the leader.
    #[serde(skip)]
    pub storage: BTreeMap<ObjectKey, Option<Arc<StorageOrder>>>,
    /// The next instant at which the passing of time alone changes a plan (a certificate begins or ends).
    #[serde(skip)]
    pub recheck_at: Option<Timestamp>,
}

/// A whole status to write, and the events that its transitions are worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusWrite {
    /// The kind of the object.
    pub kind: Kind,
    /// Its key.
    pub key: ObjectKey,
    /// Its uid, for the events.
    pub uid: String,
    /// The whole status.
    pub status: serde_json::Value,
    /// One event for each condition that flips.
    pub events: Vec<Transition>,
}

/// A condition that flips, told once as an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transition {
    /// Which condition.
    #[serde(serialize_with = "crate::verdict::as_text")]
    pub condition: ConditionType,
    /// Whether it became True; anything else is a warning.
    pub holds: bool,
    /// The condition's reason.
    #[serde(serialize_with = "crate::verdict::as_text")]
    pub reason: Reason,
    /// The condition's message.
    pub message: String,
}

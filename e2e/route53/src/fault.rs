//! Faults on order: what a test makes the next calls run into.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::action::Action;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fault")]
pub enum Fault {
    /// Refused as one request too many.
    Throttle,
    /// Refused with this status and code, such as 500 `InternalError` or 403 `ExpiredToken`.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The error code.
        code: String,
    },
    /// Carried out, but the connection closes before the answer.
    LoseReply,
    /// Not carried out, and the connection closes without an answer.
    Drop,
    /// Carried out after this time.
    Delay {
        /// How long.
        milliseconds: u64,
    },
}

impl Fault {
    /// A refusal of the kind that is the service's own fault.
    pub fn server_error() -> Self {
        Self::Refuse { status: 500, code: "InternalError".to_owned() }
    }

    /// A delay of this time.
    pub fn delay(time: Duration) -> Self {
        Self::Delay { milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// A fault for the next calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which calls; all if none.
    #[serde(default)]
    pub action: Option<Action>,
    /// How many of them.
    pub times: u32,
    /// What happens to them.
    #[serde(flatten)]
    pub fault: Fault,
}

/// The orders that are not used up, in the order they were given.
#[derive(Default)]
pub struct Faults(Vec<Order>);

impl Faults {
    /// Adds an order behind the others.
    pub fn add(&mut self, order: Order) {
        self.0.push(order);
    }

    /// How many calls are still to run into a fault.
    pub fn left(&self) -> u32 {
        self.0.iter().map(|order| order.times).sum()
    }

    /// Forgets all orders.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to a call of this action; it counts against the first order that fits.
    pub fn next(&mut self, action: Action) -> Option<Fault> {
        let fits = |order: &Order| order.action.is_none_or(|wanted| wanted == action);
        let at = self.0.iter().position(|order| order.times > 0 && fits(order))?;
        let order = &mut self.0[at];
        order.times -= 1;
        let fault = order.fault.clone();
        self.0.retain(|order| order.times > 0);
        Some(fault)
    }
}

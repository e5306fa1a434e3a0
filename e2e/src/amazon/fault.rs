//! Faults on order: what a test makes the next calls run into.

use std::time::Duration;

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Refused as one request too many, in the words of its service.
    Throttle,
    /// Refused as the service's own fault.
    ServerError,
    /// Refused with this code, such as `AddressLimitExceeded` or `ExpiredToken`.
    Deny(String),
    /// Carried out, but the connection closes before the answer.
    LoseReply,
    /// Not carried out, and the connection closes without an answer.
    Drop,
    /// Carried out after this time, also if its client gives up.
    Delay(Duration),
    /// Not carried out before [`release`](super::FaultProxy::release), and never if its client is gone by then.
    HoldRequest,
    /// Carried out, and answered after [`release`](super::FaultProxy::release).
    HoldReply,
    /// Answered as if there were nothing to list.
    EmptyList,
}

impl Fault {
    /// Refused with this code.
    #[must_use]
    pub fn deny(code: &str) -> Self {
        Self::Deny(code.to_owned())
    }
}

/// A fault for the next calls of some actions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Order {
    pattern: String,
    times: usize,
    fault: Fault,
}

/// The orders that are not used up, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct Orders(Vec<Order>);

impl Orders {
    /// Adds an order behind the others.
    pub(super) fn add(&mut self, pattern: &str, times: usize, fault: Fault) {
        self.0.push(Order { pattern: pattern.to_owned(), times, fault });
    }

    /// How many calls are still to run into a fault.
    pub(super) fn left(&self) -> usize {
        self.0.iter().map(|order| order.times).fold(0, usize::saturating_add)
    }

    /// Forgets all orders.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to a call of this action; it counts against the first order that fits.
    pub(super) fn next(&mut self, action: &str) -> Option<Fault> {
        let at = self.0.iter().position(|order| order.times > 0 && fits(&order.pattern, action))?;
        self.0[at].times -= 1;
        let fault = self.0[at].fault.clone();
        self.0.retain(|order| order.times > 0);
        Some(fault)
    }
}

/// Whether a pattern such as `ec2:Describe*` names this action.
fn fits(pattern: &str, action: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => action.starts_with(start),
        None => action == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_counts_the_calls_that_it_names_and_no_others() {
        let mut orders = Orders::default();
        orders.add("ec2:Describe*", 2, Fault::Throttle);
        orders.add("*", 1, Fault::LoseReply);
        assert_eq!(orders.next("ec2:DescribeAddresses"), Some(Fault::Throttle));
        assert_eq!(orders.next("ec2:AllocateAddress"), Some(Fault::LoseReply));
        assert_eq!(orders.next("ec2:AllocateAddress"), None);
        assert_eq!(orders.next("ec2:DescribeInstances"), Some(Fault::Throttle));
        assert_eq!(orders.next("ec2:DescribeInstances"), None);
        assert_eq!(orders.left(), 0);
    }
}

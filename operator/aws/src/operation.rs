//! What is known of a call before it is made: its name, the buckets that it takes from, and how often it may be tried.

use crate::pace::Lane;

/// A call to AWS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// As IAM names it: `ec2:AllocateAddress`.
    pub(crate) name: &'static str,
    /// The buckets that it takes from.
    pub(crate) lanes: &'static [Lane],
    /// Whether it changes anything.
    pub(crate) writes: bool,
    /// How often it is tried at most.
    pub(crate) attempts: u32,
}

impl Operation {
    /// A call that reads.
    pub(crate) const fn read(name: &'static str, lanes: &'static [Lane]) -> Self {
        Self { name, lanes, writes: false, attempts: 3 }
    }

    /// A call that writes, and comes to the same however often it is made.
    pub(crate) const fn write(name: &'static str, lanes: &'static [Lane]) -> Self {
        Self { name, lanes, writes: true, attempts: 3 }
    }

    /// A call that makes another thing each time that it arrives.
    pub(crate) const fn write_once(name: &'static str, lanes: &'static [Lane]) -> Self {
        Self { name, lanes, writes: true, attempts: 1 }
    }

    /// Service and action.
    pub(crate) fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once(':').unwrap_or(("", self.name))
    }
}

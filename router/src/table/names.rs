//! Which name has which slot, and who uses it: the writer's side of `slots.rs`.
//!
//! In come names that are defined (a service, a certificate) and names that are used (by a host, as the default); out
//! go slots and the names that are used without being defined. A name keeps its slot while it is defined or used, so
//! that defining it later mends its users without touching them. Never on the hot path.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::slots::Slot;

/// Slots by name.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<String, Known>,
    free: Vec<Slot>,
    /// Used, but not defined.
    missing: BTreeSet<String>,
}

struct Known {
    slot: Slot,
    defined: bool,
    users: BTreeSet<User>,
}

/// Who uses a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum User {
    /// The default certificate.
    Default,
    Host(Arc<str>),
    /// The TCP route of this port.
    Tcp(u16),
}

impl Names {
    /// The slot of a name that is defined from now on.
    pub(crate) fn define(&mut self, name: &str) -> Slot {
        self.missing.remove(name);
        let known = self.entry(name);
        known.defined = true;
        known.slot
    }

    /// Takes the definition back, and says which slot to empty.
    pub(crate) fn undefine(&mut self, name: &str) -> Option<Slot> {
        let known = self.known.get_mut(name)?;
        known.defined = false;
        let slot = known.slot;
        if known.users.is_empty() {
            self.forget(name);
        } else {
            self.missing.insert(name.to_owned());
        }
        Some(slot)
    }

    /// The slot of a name that `user` uses from now on.
    pub(crate) fn acquire(&mut self, name: &str, user: User) -> Slot {
        let known = self.entry(name);
        known.users.insert(user);
        let (slot, defined) = (known.slot, known.defined);
        if !defined {
            self.missing.insert(name.to_owned());
        }
        slot
    }

    /// `user` does not use the name any more.
    pub(crate) fn release(&mut self, name: &str, user: &User) {
        let Some(known) = self.known.get_mut(name) else {
            return;
        };
        known.users.remove(user);
        if known.users.is_empty() && !known.defined {
            self.forget(name);
        }
    }

    /// Every name that is used without being defined, with its users.
    pub(crate) fn missing(&self) -> impl Iterator<Item = (&str, &BTreeSet<User>)> {
        self.missing.iter().filter_map(|name| Some((name.as_str(), &self.known.get(name)?.users)))
    }

    fn entry(&mut self, name: &str) -> &mut Known {
        if !self.known.contains_key(name) {
            let next = Slot(u32::try_from(self.known.len()).expect("fewer than 2^32 names"));
            // Slots are dense: with none free, the names known so far have exactly the slots below their count.
            let known =
                Known { slot: self.free.pop().unwrap_or(next), defined: false, users: BTreeSet::new() };
            self.known.insert(name.to_owned(), known);
        }
        self.known.get_mut(name).expect("inserted above")
    }

    fn forget(&mut self, name: &str) {
        self.missing.remove(name);
        if let Some(known) = self.known.remove(name) {
            self.free.push(known.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> User {
        User::Host(name.into())
    }

    #[test]
    fn a_name_keeps_its_slot_while_somebody_uses_it() {
        let mut names = Names::default();
        let slot = names.define("web");
        assert_eq!(names.acquire("web", host("a")), slot);
        assert_eq!(names.undefine("web"), Some(slot));
        assert_eq!(names.define("web"), slot);
    }

    #[test]
    fn a_name_that_is_used_but_not_defined_is_missing() {
        let mut names = Names::default();
        names.acquire("web", host("a"));
        assert_eq!(names.missing().map(|(name, _)| name).collect::<Vec<_>>(), ["web"]);
        names.define("web");
        assert_eq!(names.missing().count(), 0);
        names.undefine("web");
        assert_eq!(names.missing().count(), 1);
        names.release("web", &host("a"));
        assert_eq!(names.missing().count(), 0);
    }

    #[test]
    fn a_slot_is_used_again_only_when_nobody_knows_its_name() {
        let mut names = Names::default();
        let first = names.define("a");
        let second = names.define("b");
        names.acquire("a", host("x"));
        names.undefine("a");
        let third = names.define("c");
        assert!(third != first && third != second);
        names.release("a", &host("x"));
        assert_eq!(names.define("d"), first);
    }
}

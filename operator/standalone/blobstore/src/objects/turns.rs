//! Writes to one name take turns; those to other names mostly do not wait for them.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Name;

const LANES: usize = 64;

/// One lane for each of a number of names that have nothing else in common.
pub(crate) struct Turns([Mutex<()>; LANES]);

impl Turns {
    /// Waits for the turn of a write to the name, which lasts until the guard is dropped.
    pub(crate) fn take(&self, name: &Name) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(name);
        let lane = usize::try_from(hash % LANES as u64).expect("a lane is a small number");
        self.0[lane].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self([const { Mutex::new(()) }; LANES])
    }
}

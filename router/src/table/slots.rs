//! Numbered slots in shared chunks: a vector whose next version copies one chunk.
//!
//! In comes a slot number that `names.rs` gave out; out goes the value in it. A hot lookup: two index steps, no hash,
//! no lock. Numbers stay valid from table to table as long as their name is in use.

use std::sync::Arc;

const CHUNK: usize = 64;

/// The number of one service or certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u32);

/// Values by slot.
pub(crate) struct Slots<T> {
    chunks: Vec<Arc<Chunk<T>>>,
}

type Chunk<T> = [Option<Arc<T>>; CHUNK];

impl<T> Slots<T> {
    pub(crate) fn get(&self, slot: Slot) -> Option<&Arc<T>> {
        let (chunk, place) = split(slot);
        self.chunks.get(chunk)?[place].as_ref()
    }

    /// Every value.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().flatten())
    }

    /// Puts a value into a slot, or empties it. Copies the chunk if an older table shares it.
    pub(crate) fn set(&mut self, slot: Slot, value: Option<Arc<T>>) {
        let (chunk, place) = split(slot);
        while self.chunks.len() <= chunk {
            self.chunks.push(Arc::new([const { None }; CHUNK]));
        }
        Arc::make_mut(&mut self.chunks[chunk])[place] = value;
    }
}

fn split(slot: Slot) -> (usize, usize) {
    let number = slot.0 as usize;
    (number / CHUNK, number % CHUNK)
}

// Written out, because deriving them would ask the same of `T`.
impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone() }
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_what_was_put_there_until_it_is_emptied() {
        let mut slots = Slots::default();
        slots.set(Slot(200), Some(Arc::new("two hundred")));
        assert_eq!(slots.get(Slot(200)).map(|value| **value), Some("two hundred"));
        assert!(slots.get(Slot(199)).is_none());
        assert!(slots.get(Slot(9_999)).is_none());
        slots.set(Slot(200), None);
        assert!(slots.get(Slot(200)).is_none());
    }

    #[test]
    fn the_next_version_shares_the_chunks_that_did_not_change() {
        let mut before = Slots::default();
        before.set(Slot(0), Some(Arc::new(0)));
        before.set(Slot(64), Some(Arc::new(64)));
        let mut after = before.clone();
        after.set(Slot(64), Some(Arc::new(65)));
        assert!(Arc::ptr_eq(&before.chunks[0], &after.chunks[0]));
        assert!(!Arc::ptr_eq(&before.chunks[1], &after.chunks[1]));
        assert_eq!(before.get(Slot(64)).map(|value| **value), Some(64));
    }
}

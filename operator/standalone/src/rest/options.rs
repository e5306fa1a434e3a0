//! Options of writes that are checked the same way everywhere.

use crate::status::{Cause, Failure, Result};

/// Refuses a field manager that is no name for one.
pub(super) fn check_manager(options: &str, manager: &str) -> Result<()> {
    let refused = |reason: &str, why: String| {
        Err(Failure::invalid_options(options, &[Cause::new(reason, "fieldManager", why)]))
    };
    if manager.len() > 128 {
        return refused("FieldValueTooLong", "Too long: may not be more than 128 bytes".to_owned());
    }
    match manager.char_indices().find(|(_, character)| character.is_control()) {
        Some((at, character)) => {
            let why = format!("invalid character U+{:04X} (at position {at})", u32::from(character));
            refused("FieldValueInvalid", format!("Invalid value: {manager:?}: {why}"))
        }
        None => Ok(()),
    }
}

//! What an applier no longer wants: a field goes if its applier had it in the last configuration, has it no longer, and nobody else
//! manages it.

use serde_json::Value;

use crate::fields::FieldSet;
use crate::typed::{Type, fields_of, remove, with_structs};

/// The merged object without what its applier no longer wants. `managed` is what anyone manages, the new configuration included.
pub(super) fn prune(of: Type<'_>, merged: &Value, managed: &FieldSet, last: Option<&FieldSet>) -> Value {
    let Some(last) = last.filter(|last| !last.is_empty()) else { return merged.clone() };
    let fields = |value: &Value| with_structs(&fields_of(of, value), of);
    let (last, managed, all) = (with_structs(last, of), with_structs(managed, of), fields(merged));
    // Without all that was applied last, then with what someone manages put back.
    let left = fields(&remove(of, merged, &last));
    let kept = remove(of, merged, &all.difference(&left.union(&managed)));
    // What went along although this applier never had it, such as what others have below an entry, is put back too.
    let gone = all.difference(&fields(&kept)).intersection(&last);
    if gone.is_empty() { merged.clone() } else { remove(of, merged, &gone) }
}

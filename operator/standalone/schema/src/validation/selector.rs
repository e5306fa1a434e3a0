//! Label selectors: what they may hold, and whether they match.

use serde_json::Value;

use super::{entries, metadata, names, text};
use crate::field_error::Faults;

/// Refuses what is no selector; false if something was refused.
pub(super) fn validate(path: &str, selector: &Value, faults: &mut Faults) -> bool {
    let before = faults.0.len();
    metadata::labels(&format!("{path}.matchLabels"), &selector["matchLabels"], faults);
    for (path, expression) in entries(&selector["matchExpressions"], &format!("{path}.matchExpressions")) {
        let values = expression["values"].as_array().map_or(0, Vec::len);
        match text(&expression["operator"]) {
            "In" | "NotIn" if values == 0 => faults.required_because(
                format!("{path}.values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            ),
            "Exists" | "DoesNotExist" if values > 0 => faults.forbidden(
                format!("{path}.values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => faults.invalid(
                format!("{path}.operator"),
                &expression["operator"],
                "not a valid selector operator",
            ),
        }
        let key = text(&expression["key"]);
        faults.invalid_text(format!("{path}.key"), key, names::qualified(key));
        for (path, value) in entries(&expression["values"], &format!("{path}.values")) {
            faults.invalid_text(path, text(value), names::label_value(text(value)));
        }
    }
    faults.0.len() == before
}

/// Whether there is nothing to match.
pub(super) fn is_empty(selector: &Value) -> bool {
    let is_void = |value: &Value| match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    };
    is_void(&selector["matchLabels"]) && is_void(&selector["matchExpressions"])
}

/// Whether these labels are selected.
pub(super) fn matches(selector: &Value, labels: &Value) -> bool {
    let mut wanted = selector["matchLabels"].as_object().into_iter().flatten();
    let mut expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    wanted.all(|(key, value)| labels.get(key) == Some(value))
        && expressions.all(|expression| {
            let label = labels.get(text(&expression["key"]));
            let is_listed = label.is_some_and(|label| {
                expression["values"].as_array().is_some_and(|values| values.contains(label))
            });
            match text(&expression["operator"]) {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => label.is_some(),
                _ => label.is_none(),
            }
        })
}

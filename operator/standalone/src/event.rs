//! Events have two forms, that of the core group and that of `events.k8s.io`. They are stored in the former.

use schema::Resource;
use serde_json::{Map, Value};

/// Fields whose names differ: in the core group, and in `events.k8s.io`.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// Whether objects of this kind are stored in another form.
pub(crate) fn is_converted(resource: &Resource) -> bool {
    resource.group == "events.k8s.io" && resource.plural == "events"
}

/// An Event of `events.k8s.io` in the form of the core group.
pub(crate) fn to_core(event: &Value) -> Value {
    renamed(event, |name| NAMES.iter().find(|(_, new)| *new == name).map(|(core, _)| *core))
}

/// An Event of the core group in the form of `events.k8s.io`.
pub(crate) fn from_core(event: &Value) -> Value {
    let mut event = renamed(event, |name| NAMES.iter().find(|(core, _)| *core == name).map(|(_, new)| *new));
    if let Some(fields) = event.as_object_mut() {
        // The core group tells these even where they are empty.
        fields.retain(|name, value| !(name.starts_with("reporting") && value == ""));
    }
    event
}

fn renamed(event: &Value, name: impl Fn(&str) -> Option<&'static str>) -> Value {
    let fields = event.as_object().into_iter().flatten();
    let renamed = fields.map(|(field, value)| (name(field).unwrap_or(field).to_owned(), value.clone()));
    Value::Object(renamed.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_keeps_all_on_the_way_to_the_other_form_and_back() {
        let event = json!({
            "metadata": {"name": "e"},
            "regarding": {"name": "web"},
            "note": "hello",
            "reportingController": "flynn.io/operator",
            "deprecatedCount": 2,
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "series": {"count": 3},
        });
        let core = to_core(&event);
        assert_eq!(core["involvedObject"]["name"], "web");
        assert_eq!(core["reportingComponent"], "flynn.io/operator");
        assert_eq!(from_core(&core), event);
    }
}

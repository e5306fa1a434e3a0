//! Events, of the core group and of `events.k8s.io`, which name the same things differently.

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::builtin::{name, number, plain, string};
use super::column::{Head, NAME, text, wide};

/// The columns.
pub(super) const EVENT: [Head; 10] = [
    text("Last Seen", "How long ago it happened last."),
    text("Type", "Normal or Warning."),
    text("Reason", "Why it happened, in one word."),
    text("Object", "What it happened to."),
    wide(text("Subobject", "The part of the object that it happened to.")),
    wide(text("Source", "Who tells it.")),
    text("Message", "What happened, in a sentence."),
    wide(text("First Seen", "How long ago it happened first.")),
    wide(text("Count", "How often it happened.")),
    wide(NAME),
];

/// The row of an Event.
pub(super) fn cells(event: &Value, now: Timestamp) -> Vec<Value> {
    let first = match &either(event, "firstTimestamp", "deprecatedFirstTimestamp") {
        Value::Null => age::since(&event["eventTime"], now),
        time => age::since(time, now),
    };
    let series = &event["series"];
    let last = match (series, either(event, "lastTimestamp", "deprecatedLastTimestamp")) {
        (Value::Object(_), _) => age::since(&series["lastObservedTime"], now),
        (_, Value::Null) => first.clone(),
        (_, time) => age::since(time, now),
    };
    let count = match number(either(event, "count", "deprecatedCount")) {
        _ if series.is_object() => number(&series["count"]),
        0 => 1,
        count => count,
    };
    let object = either(event, "involvedObject", "regarding");
    vec![
        last.into(),
        string(&event["type"]),
        string(&event["reason"]),
        target(object).into(),
        string(&object["fieldPath"]),
        source(event).into(),
        plain(either(event, "message", "note")).trim().into(),
        first.into(),
        count.into(),
        name(event),
    ]
}

/// `pod/web-1`.
fn target(object: &Value) -> String {
    let kind = plain(&object["kind"]).to_lowercase();
    match plain(&object["name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

/// `flynn-operator, host-1`.
fn source(event: &Value) -> String {
    let source = either(event, "source", "deprecatedSource");
    let reporter = either(event, "reportingComponent", "reportingController");
    let component = first_of([&source["component"], reporter]);
    match first_of([&source["host"], &event["reportingInstance"]]) {
        "" => component.to_owned(),
        instance => format!("{component}, {instance}"),
    }
}

fn first_of(values: [&Value; 2]) -> &str {
    values.into_iter().map(plain).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The field by its name in the core group, or by the one in `events.k8s.io`.
fn either<'a>(event: &'a Value, core: &str, other: &str) -> &'a Value {
    if event[core].is_null() { &event[other] } else { &event[core] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(event: Value) -> Value {
        cells(&event, "2026-01-01T01:00:00Z".parse().unwrap()).into()
    }

    #[test]
    fn an_event_of_the_core_group_tells_when_what_and_who() {
        let event = json!({
            "metadata": {"name": "web.1"},
            "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{a}"},
            "firstTimestamp": "2026-01-01T00:00:00Z",
            "lastTimestamp": "2026-01-01T00:59:50Z",
            "count": 4,
            "type": "Warning",
            "reason": "BackOff",
            "message": " it failed\n",
            "source": {"component": "kubelet", "host": "here"},
        });
        let expected = json!([
            "10s",
            "Warning",
            "BackOff",
            "pod/web",
            "spec.containers{a}",
            "kubelet, here",
            "it failed",
            "60m",
            4,
            "web.1"
        ]);
        assert_eq!(row(event), expected);
    }

    #[test]
    fn an_event_of_the_other_group_is_shown_alike() {
        let event = json!({
            "metadata": {"name": "site.1"},
            "regarding": {"kind": "Cluster", "name": "site"},
            "eventTime": "2026-01-01T00:59:00.000000Z",
            "type": "Normal",
            "reason": "Ok",
            "note": "ResolvedRefs",
            "reportingController": "flynn-operator",
            "reportingInstance": "vm",
        });
        let expected = json!([
            "60s",
            "Normal",
            "Ok",
            "cluster/site",
            "",
            "flynn-operator, vm",
            "ResolvedRefs",
            "60s",
            1,
            "site.1"
        ]);
        assert_eq!(row(event), expected);
    }

    #[test]
    fn a_series_tells_when_it_happened_last_and_how_often() {
        let event = json!({
            "eventTime": "2026-01-01T00:00:00Z",
            "series": {"count": 7, "lastObservedTime": "2026-01-01T00:59:59Z"},
            "involvedObject": {"kind": "Node"},
        });
        let row = row(event);
        assert_eq!(
            (&row[0], &row[3], &row[7], &row[8]),
            (&json!("1s"), &json!("node"), &json!("60m"), &json!(7))
        );
    }
}

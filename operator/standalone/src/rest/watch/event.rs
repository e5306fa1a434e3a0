//! The lines of a watch: which changes its selector makes of those in the store, and how they are written.

use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use jiff::Timestamp;
use schema::Resource;
use serde_json::{Value, json};
use store::{Event, EventKind, Object};

use crate::negotiate::Format;
use crate::selector::Selector;
use crate::status::Failure;
use crate::table::{self, Include, Printer};
use crate::wire;

/// Writes the events of one watch.
pub(super) struct Events {
    pub(super) resource: Arc<Resource>,
    selector: Selector,
    format: Format,
    include: Include,
    /// The columns of a table are told once.
    told_columns: bool,
}

impl Events {
    pub(super) fn new(resource: Arc<Resource>, selector: Selector, format: Format, include: Include) -> Self {
        Self { resource, selector, format, include, told_columns: false }
    }

    /// An object that was there before the watch.
    pub(super) fn present(&mut self, object: &Object, to: &mut BytesMut) {
        if self.selector.matches(object) {
            self.line("ADDED", object, to);
        }
    }

    /// A change. One that moves an object into the selection is an addition to it, one that moves it out a deletion.
    pub(super) fn change(&mut self, event: &Event, to: &mut BytesMut) {
        let before = event.previous.as_deref();
        let was_selected = before.is_some_and(|before| self.selector.matches(before));
        let is_selected = event.kind != EventKind::Deleted && self.selector.matches(&event.object);
        match (was_selected, is_selected) {
            (false, false) => {}
            (false, true) => self.line("ADDED", &event.object, to),
            (true, true) => self.line("MODIFIED", &event.object, to),
            (true, false) if event.kind == EventKind::Deleted => self.line("DELETED", &event.object, to),
            (true, false) => {
                let before = before.expect("what was selected was there");
                let left =
                    Object { key: before.key.clone(), revision: event.revision, json: before.json.clone() };
                self.line("DELETED", &left, to);
            }
        }
    }

    /// How far the watch has come. `is_start`: what was there before the watch has all been sent.
    pub(super) fn bookmark(&mut self, revision: u64, is_start: bool, to: &mut BytesMut) {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if is_start {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, version) = (self.resource.kind.as_str(), self.resource.api_version());
        let object = json!({"kind": kind, "apiVersion": version, "metadata": metadata});
        let object = self.form(object);
        value_line("BOOKMARK", &object, to);
    }

    fn line(&mut self, kind: &str, object: &Object, to: &mut BytesMut) {
        if self.format != Format::Object {
            let value = self.form(wire::value(&self.resource, object));
            return value_line(kind, &value, to);
        }
        to.put_slice(format!(r#"{{"type":"{kind}","object":"#).as_bytes());
        wire::write(&self.resource, object, to);
        to.put_slice(b"}\n");
    }

    fn form(&mut self, object: Value) -> Value {
        match self.format {
            Format::Object => object,
            Format::Metadata => table::partial(object),
            Format::Table => {
                let with_columns = !std::mem::replace(&mut self.told_columns, true);
                Printer::new(&self.resource, self.include, Timestamp::now()).object(object, with_columns)
            }
        }
    }
}

/// Why a watch cannot go on.
pub(super) fn error(failure: &Failure, to: &mut BytesMut) {
    value_line("ERROR", &failure.to_status(), to);
}

fn value_line(kind: &str, object: &Value, to: &mut BytesMut) {
    to.put_slice(format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use schema::Catalog;

    use super::*;
    use crate::query::Query;

    fn object(revision: u64, label: &str) -> Arc<Object> {
        let catalog = Catalog::new();
        let pods = catalog.by_path("", "v1", "pods").expect("served");
        let pod = json!({"metadata": {"name": "p", "labels": {"app": label}}});
        Arc::new(Object { key: wire::key(pods, "n", "p"), revision, json: wire::stored(pods, &pod) })
    }

    fn told(kind: EventKind, before: Option<&str>, after: &str) -> Option<(String, String, String)> {
        let catalog = Catalog::new();
        let pods = catalog.by_path("", "v1", "pods").expect("served");
        let selector = Selector::parse(pods, &Query::parse("labelSelector=app%3Dx")).expect("a selector");
        let event = Event {
            kind,
            object: object(7, after),
            previous: before.map(|label| object(6, label)),
            revision: 7,
        };
        let mut bytes = BytesMut::new();
        Events::new(Arc::clone(pods), selector, Format::Object, Include::Metadata).change(&event, &mut bytes);
        let line: Value = serde_json::from_slice(bytes.strip_suffix(b"\n")?).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &line["object"]["metadata"];
        Some((text(&line["type"]), text(&metadata["labels"]["app"]), text(&metadata["resourceVersion"])))
    }

    #[test]
    fn a_selector_makes_changes_into_additions_and_deletions() {
        let line = |kind: &str, label: &str| Some((kind.to_owned(), label.to_owned(), "7".to_owned()));
        assert_eq!(told(EventKind::Added, None, "x"), line("ADDED", "x"));
        assert_eq!(told(EventKind::Added, None, "y"), None);
        assert_eq!(told(EventKind::Modified, Some("x"), "x"), line("MODIFIED", "x"));
        assert_eq!(told(EventKind::Modified, Some("y"), "x"), line("ADDED", "x"));
        assert_eq!(told(EventKind::Modified, Some("x"), "y"), line("DELETED", "x"));
        assert_eq!(told(EventKind::Modified, Some("y"), "y"), None);
        assert_eq!(told(EventKind::Deleted, Some("x"), "x"), line("DELETED", "x"));
        assert_eq!(told(EventKind::Deleted, Some("y"), "y"), None);
    }
}

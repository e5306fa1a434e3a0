//! Volumes of Pods and where containers mount them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{entries, names, text};
use crate::field_error::Faults;

/// What a volume of this kind must name.
const REQUIRED: [(&str, &str); 4] = [
    ("configMap", "name"),
    ("hostPath", "path"),
    ("persistentVolumeClaim", "claimName"),
    ("secret", "secretName"),
];

/// The volumes; gives the names of those that are right, which are the only ones that others may refer to.
pub(super) fn volumes<'a>(path: &str, volumes: &'a Value, faults: &mut Faults) -> BTreeSet<&'a str> {
    let mut known = BTreeSet::new();
    for (path, volume) in entries(volumes, path) {
        let before = faults.0.len();
        source(&path, volume, faults);
        let name = text(&volume["name"]);
        if name.is_empty() {
            faults.required(format!("{path}.name"));
        } else {
            faults.invalid_text(format!("{path}.name"), name, names::label(name));
        }
        if known.contains(name) {
            faults.duplicate(format!("{path}.name"), &volume["name"]);
        }
        if faults.0.len() == before {
            known.insert(name);
        }
    }
    known
}

/// What a container mounts.
pub(super) fn mounts(path: &str, mounts: &Value, known: &BTreeSet<&str>, faults: &mut Faults) {
    let mut places = BTreeSet::new();
    for (path, mount) in entries(mounts, path) {
        let name = text(&mount["name"]);
        if name.is_empty() {
            faults.required(format!("{path}.name"));
        }
        if !known.contains(name) {
            faults.not_found(format!("{path}.name"), &Value::from(name));
        }
        let place = text(&mount["mountPath"]);
        if place.is_empty() {
            faults.required(format!("{path}.mountPath"));
        }
        if !places.insert(place) {
            faults.invalid(format!("{path}.mountPath"), &mount["mountPath"], "must be unique");
        }
    }
}

fn source(path: &str, volume: &Value, faults: &mut Faults) {
    // In the order of the Go type, as far as these kinds meet.
    let kinds =
        ["emptyDir", "hostPath", "secret", "persistentVolumeClaim", "configMap", "projected", "downwardAPI"];
    let mut given = kinds.iter().filter(|kind| !volume[**kind].is_null());
    if let Some(kind) = given.next()
        && let Some((_, field)) = REQUIRED.iter().find(|(name, _)| name == kind)
        && text(&volume[*kind][*field]).is_empty()
    {
        faults.required(format!("{path}.{kind}.{field}"));
    }
    for kind in given {
        faults.forbidden(format!("{path}.{kind}"), "may not specify more than 1 volume type");
    }
}

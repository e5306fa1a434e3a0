//! Secrets and ConfigMaps: keys, sizes, what each type of Secret must hold, and immutability.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::{immutable, names, text};
use crate::field_error::Faults;

/// The most bytes of all values.
const SIZE: usize = 1024 * 1024;

const SEALED: &str = "field is immutable when `immutable` is set";

/// What each type must hold, though it may be empty.
const REQUIRED: [(&str, &[&str]); 4] = [
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
];

pub(super) fn secret(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let size = keys("data", &new["data"], faults).map(|(_, value)| decoded(value).len()).sum::<usize>();
    if size > SIZE {
        faults.too_long("data", SIZE);
    }
    contents(new, faults);
    if let Some(old) = old {
        immutable("type", &new["type"], &old["type"], faults);
        sealed(new, old, &["data"], faults);
    }
}

pub(super) fn config_map(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let mut size = 0;
    for (key, value) in keys("data", &new["data"], faults) {
        if !new["binaryData"][key].is_null() {
            let why = "duplicate of key present in binaryData";
            faults.invalid(format!("data[{key}]"), &Value::from(key.as_str()), why);
        }
        size += text(value).len();
    }
    size +=
        keys("binaryData", &new["binaryData"], faults).map(|(_, value)| decoded(value).len()).sum::<usize>();
    if size > SIZE {
        faults.too_long("[]", SIZE);
    }
    if let Some(old) = old {
        sealed(new, old, &["data", "binaryData"], faults);
    }
}

/// The entries, once their keys are told of.
fn keys<'a>(
    path: &str,
    data: &'a Value,
    faults: &mut Faults,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    let entries = data.as_object().into_iter().flat_map(Map::iter);
    for (key, _) in entries.clone() {
        faults.invalid_text(format!("{path}[{key}]"), key, names::data_key(key));
    }
    entries
}

fn contents(secret: &Value, faults: &mut Faults) {
    let has = |key: &str| !secret["data"][key].is_null();
    let type_ = text(&secret["type"]);
    match type_ {
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            faults.required("data[username]");
            faults.required("data[password]");
        }
        "kubernetes.io/service-account-token" => {
            const OWNER: &str = "kubernetes.io/service-account.name";
            if text(&secret["metadata"]["annotations"][OWNER]).is_empty() {
                faults.required(format!("metadata.annotations[{OWNER}]"));
            }
        }
        _ => {}
    }
    for key in REQUIRED.iter().filter(|(name, _)| *name == type_).flat_map(|(_, keys)| *keys) {
        if !has(key) {
            faults.required(format!("data[{key}]"));
        } else if key.starts_with(".docker")
            && serde_json::from_slice::<Map<String, Value>>(&decoded(&secret["data"][key])).is_err()
        {
            let why = not_json(&decoded(&secret["data"][key]));
            faults.invalid(format!("data[{key}]"), &Value::from("<secret contents redacted>"), &why);
        }
    }
}

fn not_json(bytes: &[u8]) -> String {
    match bytes.first() {
        None => "unexpected end of JSON input".to_owned(),
        Some(byte) => format!("invalid character {:?} looking for beginning of value", char::from(*byte)),
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(text(value)).unwrap_or_default()
}

fn sealed(new: &Value, old: &Value, fields: &[&str], faults: &mut Faults) {
    if old["immutable"] != true {
        return;
    }
    if new["immutable"] != true {
        faults.forbidden("immutable", SEALED);
    }
    for field in fields.iter().filter(|field| new[**field] != old[**field]) {
        faults.forbidden(*field, SEALED);
    }
}

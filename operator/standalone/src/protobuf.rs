//! Protobuf bodies, turned into the JSON that they stand for.
//!
//! kubectl's typed commands (`create namespace`, `create secret`, `auth can-i`, ...) and every Go client send protobuf
//! to built-in kinds and take no refusal for an answer. They do take JSON answers, so decoding is all that is needed.
//! How fields are numbered is in `fields.txt`, generated from Kubernetes' types by `fields.go`.

mod fields;
mod reader;
mod scalar;

use serde_json::{Map, Value};
use thiserror::Error;

use self::fields::{Field, Form, Messages, Zero};
use self::reader::{Content, Reader};

/// The media type of these bodies.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How deep messages may be in each other; real ones stay under 20.
const DEEPEST: usize = 64;

/// Why a body cannot be decoded.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// It does not begin as such a body does.
    #[error("provided data does not appear to be a protobuf message, expected prefix 6b 38 73 00")]
    Foreign,
    /// Its bytes are no protobuf, or not of this kind.
    #[error("the protobuf message is malformed: {0}")]
    Malformed(&'static str),
    /// Its kind is not one that is served.
    #[error("no kind {kind:?} is registered for version {api_version:?}")]
    UnknownKind {
        /// Its `apiVersion`.
        api_version: String,
        /// Its `kind`.
        kind: String,
    },
}

/// The object in a body, with its `apiVersion` and `kind`.
pub(crate) fn decode(body: &[u8]) -> Result<Value, Error> {
    let envelope = body.strip_prefix(MAGIC).ok_or(Error::Foreign)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for entry in Reader::new(envelope) {
        match entry? {
            (1, content) => {
                for entry in Reader::new(content.bytes()?) {
                    match entry? {
                        (1, content) => api_version = scalar::text(&content)?.to_owned(),
                        (2, content) => kind = scalar::text(&content)?.to_owned(),
                        _ => {}
                    }
                }
            }
            (2, content) => raw = content.bytes()?,
            _ => {}
        }
    }
    let messages = Messages::get();
    let Some(message) = messages.of_kind(&api_version, &kind) else {
        return Err(Error::UnknownKind { api_version, kind });
    };
    let mut object =
        Map::from_iter([("apiVersion".to_owned(), api_version.into()), ("kind".to_owned(), kind.into())]);
    decode_into(&mut object, messages, message, raw, DEEPEST)?;
    Ok(Value::Object(object))
}

/// Reads the fields of a message; those that are not known are left out, as every protobuf reader does.
fn decode_into(
    object: &mut Map<String, Value>,
    messages: &Messages,
    message: &str,
    bytes: &[u8],
    depth: usize,
) -> Result<(), Error> {
    let depth = depth.checked_sub(1).ok_or(Error::Malformed("messages are too deep in each other"))?;
    for entry in Reader::new(bytes) {
        let (number, content) = entry?;
        if let Some(field) = messages.field(message, number) {
            decode_field(object, messages, field, &content, depth)?;
        }
    }
    Ok(())
}

fn decode_field(
    object: &mut Map<String, Value>,
    messages: &Messages,
    field: &Field,
    content: &Content,
    depth: usize,
) -> Result<(), Error> {
    let name = field.name;
    match &field.form {
        Form::One(type_) if field.zero == Zero::InParent => {
            decode_into(object, messages, type_, content.bytes()?, depth)?;
        }
        Form::One(type_) => {
            let value = value(messages, type_, content, depth)?;
            if !value.is_null() && (field.zero == Zero::Kept || !scalar::is_zero(&value)) {
                object.insert(name.to_owned(), value);
            }
        }
        Form::List(type_) => {
            let list = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            let list = list.as_array_mut().expect("a field has one form");
            match (content, *type_) {
                // Numbers may come packed.
                (Content::Bytes(packed), "int" | "bool") => {
                    for number in reader::varints(packed) {
                        list.push(value(messages, type_, &Content::Number(number?), depth)?);
                    }
                }
                _ => list.push(value(messages, type_, content, depth)?),
            }
        }
        Form::Map(type_) => {
            let map = object.entry(name).or_insert_with(|| Map::new().into());
            let (key, value) = entry(messages, type_, content, depth)?;
            map.as_object_mut().expect("a field has one form").insert(key, value);
        }
    }
    Ok(())
}

/// An entry of a map, which is a message of its key and its value.
fn entry(
    messages: &Messages,
    type_: &str,
    content: &Content,
    depth: usize,
) -> Result<(String, Value), Error> {
    let (mut key, mut found) = (String::new(), None);
    for entry in Reader::new(content.bytes()?) {
        match entry? {
            (1, content) => key = scalar::text(&content)?.to_owned(),
            (2, content) => found = Some(value(messages, type_, &content, depth)?),
            _ => {}
        }
    }
    let found = match found {
        Some(found) => found,
        // An empty value may be left out.
        None => value(messages, type_, &Content::Bytes(&[]), depth)?,
    };
    Ok((key, found))
}

fn value(messages: &Messages, type_: &str, content: &Content, depth: usize) -> Result<Value, Error> {
    if let Some(value) = scalar::value(type_, content) {
        return value;
    }
    let mut object = Map::new();
    decode_into(&mut object, messages, type_, content.bytes()?, depth)?;
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests;

//! Values that are not messages in JSON, some of which are in protobuf: times, quantities, numbers or texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::Error;
use super::reader::{Content, Reader};

/// The value; none where the type is a message's name.
pub(super) fn value(type_: &str, content: &Content) -> Option<Result<Value, Error>> {
    Some(match type_ {
        "string" => text(content).map(Value::from),
        "int" => integer(content).map(Value::from),
        "bool" => content_number(content).map(|number| (number != 0).into()),
        "bytes" => content.bytes().map(|bytes| STANDARD.encode(bytes).into()),
        "time" => time(content, "%Y-%m-%dT%H:%M:%SZ"),
        "microtime" => time(content, "%Y-%m-%dT%H:%M:%S.%6fZ"),
        "quantity" => first(content, 1).and_then(|content| match content {
            Some(content) => text(&content).map(Value::from),
            None => Ok("0".into()),
        }),
        "intorstring" => int_or_string(content),
        "json" => json(content),
        _ => return None,
    })
}

/// Whether Go would leave the value out.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Array(_) => false,
    }
}

pub(super) fn text<'a>(content: &Content<'a>) -> Result<&'a str, Error> {
    std::str::from_utf8(content.bytes()?).map_err(|_| Error::Malformed("a text that is not UTF-8"))
}

/// Bytes that are empty stand for a value that was left out.
fn content_number(content: &Content) -> Result<u64, Error> {
    match content {
        Content::Bytes([]) => Ok(0),
        content => content.number(),
    }
}

fn integer(content: &Content) -> Result<i64, Error> {
    content_number(content).map(u64::cast_signed)
}

/// Seconds and nanoseconds; no time at all is an empty message.
fn time(content: &Content, format: &str) -> Result<Value, Error> {
    if content.bytes()?.is_empty() {
        return Ok(Value::Null);
    }
    let part = |number| match first(content, number)? {
        Some(content) => integer(&content),
        None => Ok(0),
    };
    let nanoseconds = i32::try_from(part(2)?).unwrap_or_default();
    let time = Timestamp::new(part(1)?, nanoseconds);
    let time = time.map_err(|_| Error::Malformed("a time out of range"))?;
    Ok(time.strftime(format).to_string().into())
}

fn int_or_string(content: &Content) -> Result<Value, Error> {
    let is_text = first(content, 1)?.is_some_and(|kind| kind != Content::Number(0));
    Ok(match (is_text, first(content, 2)?, first(content, 3)?) {
        (true, _, Some(content)) => text(&content)?.into(),
        (true, _, None) => "".into(),
        (false, Some(content), _) => integer(&content)?.into(),
        (false, None, _) => 0.into(),
    })
}

fn json(content: &Content) -> Result<Value, Error> {
    match first(content, 1)? {
        Some(content) => {
            serde_json::from_slice(content.bytes()?).map_err(|_| Error::Malformed("a part that is not JSON"))
        }
        None => Ok(Value::Null),
    }
}

/// A field of a message.
fn first<'a>(message: &Content<'a>, wanted: u64) -> Result<Option<Content<'a>>, Error> {
    for field in Reader::new(message.bytes()?) {
        let (number, content) = field?;
        if number == wanted {
            return Ok(Some(content));
        }
    }
    Ok(None)
}

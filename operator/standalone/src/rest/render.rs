//! An object in the form that the client wants.

use http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::Call;
use crate::answer::{self, Body};
use crate::negotiate::{self, Format};
use crate::status::Result;
use crate::table::{self, Include, Printer};

pub(super) fn render(call: &Call, code: StatusCode, object: &Value) -> Result<Response<Body>> {
    let value = match negotiate::format(&call.headers)? {
        Format::Object => return Ok(answer::value(code, object)),
        Format::Table => printer(call)?.object(object.clone(), true),
        Format::Metadata => table::partial(object.clone()),
    };
    Ok(answer::value(code, &value))
}

/// Makes tables of the kind that the request is about.
pub(super) fn printer(call: &Call) -> Result<Printer<'_>> {
    let include = Include::parse(call.request.query.text("includeObject"))?;
    Ok(Printer::new(&call.request.resource, include, Timestamp::now()))
}

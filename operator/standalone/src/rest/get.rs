//! GET of one object.

use bytes::BytesMut;
use http::{Response, StatusCode};

use super::Call;
use super::render::render;
use crate::answer::{self, Body};
use crate::negotiate::{self, Format};
use crate::status::Result;
use crate::wire;

pub(super) fn get(call: &Call) -> Result<Response<Body>> {
    let object = call.live()?;
    if negotiate::format(&call.headers)? == Format::Object {
        let mut bytes = BytesMut::with_capacity(object.json.len() + 128);
        wire::write(&call.request.resource, &object, &mut bytes);
        return Ok(answer::json(StatusCode::OK, bytes));
    }
    render(call, StatusCode::OK, &call.value(&object))
}

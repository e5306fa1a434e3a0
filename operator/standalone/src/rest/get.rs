//! GET of one object.

use bytes::BytesMut;
use http::{Response, StatusCode};

use super::Call;
use super::render::render;
use crate::answer::{self, Body};
use crate::negotiate::{self, Format};
use crate::query::{not_a_revision, revision};
use crate::status::{Failure, Result};
use crate::wire;

pub(super) fn get(call: &Call) -> Result<Response<Body>> {
    check_version(call)?;
    let object = call.live()?;
    if negotiate::format(&call.headers)? == Format::Object {
        let mut bytes = BytesMut::with_capacity(object.json.len() + 128);
        wire::write(&call.request.resource, &object, &mut bytes);
        return Ok(answer::json(StatusCode::OK, bytes));
    }
    render(call, StatusCode::OK, &call.value(&object))
}

/// What there is now is as new as any revision that there was.
pub(super) fn check_version(call: &Call) -> Result<()> {
    let Some(version) = call.request.query.text("resourceVersion") else { return Ok(()) };
    let wanted = revision(version).map_err(|why| not_a_revision(version, &why))?;
    let current = call.api.store.revision();
    if wanted > current { Err(Failure::too_new(wanted, current)) } else { Ok(()) }
}

//! PUT: an object in the place of another.

use http::{Response, StatusCode};
use serde_json::Value;

use super::Call;
use super::commit::Outcome;
use super::render::render;
use crate::answer::Body;
use crate::query;
use crate::status::{Cause, Failure, Result};
use crate::{admission, body, meta, strategy};

const OPTIONS: &str = "UpdateOptions";

/// An update that does not say what it was made from is done again when somebody was quicker.
pub(super) const ATTEMPTS: usize = 32;

pub(super) async fn update(call: &mut Call) -> Result<Response<Body>> {
    let dry_run = call.request.query.dry_run(OPTIONS)?;
    let validation = call.request.query.field_validation(OPTIONS)?;
    let manager = call.manager(OPTIONS)?;
    let resource = &call.request.resource;
    let mut object = body::object(resource, &call.content_type, &call.body, validation, &mut call.warnings)?;
    admission::place(&mut object, call.request.namespace())?;
    admission::named(&object, call.request.name())?;
    let stored = store(call, &object, &manager, dry_run).await?;
    call.warnings.extend(call.request.resource.warnings(&object));
    render(call, StatusCode::OK, &stored)
}

async fn store(call: &Call, object: &Value, manager: &str, dry_run: bool) -> Result<Value> {
    for _ in 0..ATTEMPTS {
        let before = call.live()?;
        let live = call.value(&before);
        call.check_version(object, &live)?;
        call.check_uid(object, &live)?;
        let Some(new) = call.write(manager).update(&live, object.clone())? else { return Ok(live) };
        match call.commit(&before, &live, new, dry_run).await? {
            Outcome::Done(object) => return Ok(object),
            Outcome::Raced => {}
        }
    }
    Err(Failure::modified(&call.request.resource, call.request.name()))
}

impl Call {
    /// Refuses what was made from another revision than the live one.
    pub(super) fn check_version(&self, new: &Value, live: &Value) -> Result<()> {
        let wanted = meta::resource_version(new);
        let revision =
            if wanted.is_empty() { 0 } else { query::revision(wanted).map_err(Failure::internal)? };
        if revision == 0 {
            return self.check_unconditional(meta::name(new));
        }
        if wanted == meta::resource_version(live) {
            return Ok(());
        }
        Err(Failure::modified(&self.request.resource, self.request.name()))
    }

    /// Some kinds are only updated by who says from what.
    fn check_unconditional(&self, name: &str) -> Result<()> {
        let resource = &self.request.resource;
        if !resource.is_custom && !strategy::is(resource, "coordination.k8s.io", "leases") {
            return Ok(());
        }
        let why = "Invalid value: 0: must be specified for an update";
        let cause = Cause::new("FieldValueInvalid", "metadata.resourceVersion", why);
        Err(Failure::invalid(&resource.group, &resource.plural, name, &[cause]))
    }

    fn check_uid(&self, new: &Value, live: &Value) -> Result<()> {
        let (wanted, uid) = (meta::uid(new), meta::uid(live));
        if wanted.is_empty() || wanted == uid {
            return Ok(());
        }
        let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}");
        Err(Failure::conflict(&self.request.resource, self.request.name(), &why))
    }
}

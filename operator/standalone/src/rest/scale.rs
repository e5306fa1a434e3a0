//! The `scale` subresource: the number of replicas of an object, as an `autoscaling/v1` Scale.

mod form;

use http::{Response, StatusCode};
use patch::{Apply, SCALE_API_VERSION, ScalePath, Update};
use schema::Scale;
use serde_json::Value;

use self::form::{replicas, scale_of, schema_of, set_replicas};
use super::Call;
use super::commit::Outcome;
use super::get;
use super::patched::Patch;
use super::update::ATTEMPTS;
use crate::answer::{self, Body};
use crate::status::{Cause, Failure, Result};
use crate::{admission, body, meta};

pub(super) fn get(call: &Call) -> Result<Response<Body>> {
    get::check_version(call)?;
    let live = call.value(&*call.live()?);
    Ok(answer::value(StatusCode::OK, &scale_of(&live, scale(call))))
}

pub(super) async fn update(call: &Call) -> Result<Response<Body>> {
    let new = body::read("Scale", &call.content_type, &call.body)?.value;
    admission::named(&new, call.request.name())?;
    write(call, "UpdateOptions", |_| Ok(Wish::Scale(new.clone()))).await
}

pub(super) async fn patch(call: &Call) -> Result<Response<Body>> {
    let media_type = body::media_type(&call.content_type);
    if media_type == Patch::APPLY {
        let applied = body::yaml(&call.body)
            .map_err(|why| Failure::bad_request(format!("error decoding YAML: {why}")))?;
        return write(call, "PatchOptions", |_| Ok(Wish::Apply(applied.value.clone()))).await;
    }
    let patch = Patch::parse(&call.request.resource, media_type, &call.body)?;
    write(call, "PatchOptions", |scale| patch.apply(&call.request.resource, scale).map(Wish::Scale)).await
}

/// What a client wants of a Scale.
enum Wish {
    /// To be this.
    Scale(Value),
    /// To have this applied to it.
    Apply(Value),
}

async fn write(call: &Call, options: &str, wish: impl Fn(&Value) -> Result<Wish>) -> Result<Response<Body>> {
    let dry_run = call.request.query.dry_run(options)?;
    let manager = call.manager(options)?;
    for _ in 0..ATTEMPTS {
        let before = call.live()?;
        let live = call.value(&before);
        let new = scaled(call, &live, &manager, &wish)?;
        let Some(new) = call.write(&manager).update_applied(&live, new)? else {
            return Ok(answer::value(StatusCode::OK, &scale_of(&live, scale(call))));
        };
        if let Outcome::Done(object) = call.commit(&before, &live, new, dry_run).await? {
            return Ok(answer::value(StatusCode::OK, &scale_of(&object, scale(call))));
        }
    }
    Err(Failure::modified(&call.request.resource, call.request.name()))
}

/// The object with the wanted number of replicas, and with who manages it.
fn scaled(call: &Call, live: &Value, manager: &str, wish: &impl Fn(&Value) -> Result<Wish>) -> Result<Value> {
    let scale = scale(call);
    let path =
        ScalePath { api_version: &call.request.resource.api_version(), replicas: &scale.spec_replicas };
    let mut before = scale_of(live, scale);
    meta::set(&mut before, "managedFields", path.managed_fields_of_scale(&live["metadata"]["managedFields"]));
    let wished = match wish(&before)? {
        Wish::Scale(mut new) => {
            check_version(call, &new, live)?;
            // As everywhere in a Scale, none is not written down, and so nobody manages it.
            if new["spec"]["replicas"] == 0 {
                meta::set_field(&mut new["spec"], "replicas", Value::Null);
            }
            managed(call, &before, &new, manager)
        }
        Wish::Apply(applied) => applied_to(call, &before, &applied, manager)?,
    };
    let wanted = wished["spec"]["replicas"].as_i64().unwrap_or(0);
    if wanted < 0 && !call.request.resource.is_custom {
        let message = format!("Invalid value: {wanted}: must be greater than or equal to 0");
        let cause = Cause::new("FieldValueInvalid", "spec.replicas", message);
        return Err(Failure::invalid("autoscaling", "Scale", call.request.name(), &[cause]));
    }
    let mut new = live.clone();
    if replicas(live, &scale.spec_replicas) != Some(wanted) {
        set_replicas(&mut new, &scale.spec_replicas, wanted);
    }
    let managed = path
        .managed_fields_of_parent(&live["metadata"]["managedFields"], &wished["metadata"]["managedFields"]);
    meta::set(&mut new, "managedFields", managed);
    Ok(new)
}

fn managed(call: &Call, before: &Value, new: &Value, manager: &str) -> Value {
    patch::update(&Update {
        schema: &schema_of(&call.request.resource.schema),
        live: Some(before),
        new,
        manager,
        subresource: "scale",
        api_version: SCALE_API_VERSION,
        time: &call.write(manager).time(),
        ignored: &[],
    })
}

fn applied_to(call: &Call, before: &Value, applied: &Value, manager: &str) -> Result<Value> {
    let merged = patch::apply(&Apply {
        schema: &schema_of(&call.request.resource.schema),
        live: Some(before),
        applied,
        manager,
        force: call.request.query.flag("force"),
        subresource: "scale",
        api_version: SCALE_API_VERSION,
        kind: "Scale",
        time: &call.write(manager).time(),
        ignored: &[],
    });
    merged.map_err(|error| super::patch::refusal(&error))
}

fn check_version(call: &Call, new: &Value, live: &Value) -> Result<()> {
    match meta::resource_version(new) {
        "" | "0" => Ok(()),
        wanted if wanted == meta::resource_version(live) => Ok(()),
        _ => Err(Failure::modified(&call.request.resource, call.request.name())),
    }
}

fn scale(call: &Call) -> &Scale {
    call.request
        .resource
        .subresources
        .scale
        .as_ref()
        .expect("a request for a scale is about a kind that has one")
}

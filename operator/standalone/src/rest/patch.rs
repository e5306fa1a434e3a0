//! PATCH: JSON patch, merge patch, strategic merge patch and server-side apply.

use http::{Response, StatusCode};
use patch::{Apply, ApplyError};
use serde_json::Value;
use uuid::Uuid;

use super::Call;
use super::commit::Outcome;
use super::patched::{Patch, check};
use super::render::render;
use super::update::ATTEMPTS;
use crate::answer::Body;
use crate::body::{self, Parsed};
use crate::query::FieldValidation;
use crate::status::{Cause, Failure, Result};
use crate::{admission, meta};

const OPTIONS: &str = "PatchOptions";

/// What every kind of patch is told of the request.
#[derive(Debug)]
struct Options {
    dry_run: bool,
    validation: FieldValidation,
    manager: String,
    force: bool,
}

pub(super) async fn patch(call: &mut Call) -> Result<Response<Body>> {
    let media_type = body::media_type(&call.content_type).to_owned();
    let is_apply = media_type == Patch::APPLY;
    if !is_apply && !Patch::is_known(&media_type) {
        return Err(Failure::unknown_patch_type());
    }
    let options = options(call, is_apply)?;
    let (object, is_new) = if is_apply {
        let applied = configuration(call, options.validation)?.value;
        let outcome = apply(call, &applied, &options).await?;
        call.warnings.extend(call.request.resource.warnings(&applied));
        outcome
    } else {
        (change(call, &media_type, &options).await?, false)
    };
    render(call, if is_new { StatusCode::CREATED } else { StatusCode::OK }, &object)
}

fn options(call: &Call, is_apply: bool) -> Result<Options> {
    let query = &call.request.query;
    let (dry_run, validation) = (query.dry_run(OPTIONS)?, query.field_validation(OPTIONS)?);
    let refused = |reason: &str, field: &str, why: &str| {
        Err(Failure::invalid_options(OPTIONS, &[Cause::new(reason, field, why)]))
    };
    if is_apply && query.text("fieldManager").is_none() {
        return refused("FieldValueRequired", "fieldManager", "Required value: is required for apply patch");
    }
    if !is_apply && query.text("force").is_some() {
        return refused(
            "FieldValueForbidden",
            "force",
            "Forbidden: may not be specified for non-apply patch",
        );
    }
    Ok(Options { dry_run, validation, manager: call.manager(OPTIONS)?, force: query.flag("force") })
}

/// Changes an object that is there. Where the patch does not say of which revision, it is made again when somebody was
/// quicker.
async fn change(call: &mut Call, media_type: &str, options: &Options) -> Result<Value> {
    let patch = Patch::parse(&call.request.resource, media_type, &call.body)?;
    for attempt in 0..ATTEMPTS {
        let before = call.live()?;
        let live = call.value(&before);
        let new = patch.apply(&call.request.resource, &live)?;
        let warnings = check(&call.request.resource, &patch, &new, options.validation)?;
        if attempt == 0 {
            call.warnings.extend(warnings);
        }
        admission::named(&new, call.request.name())?;
        let mut new = new;
        admission::place(&mut new, call.request.namespace())?;
        call.check_version(&new, &live)?;
        let Some(new) = call.write(&options.manager).update(&live, new)? else { return Ok(live) };
        if let Outcome::Done(object) = call.commit(&before, &live, new, options.dry_run).await? {
            return Ok(object);
        }
    }
    Err(Failure::modified(&call.request.resource, call.request.name()))
}

/// Applies a configuration; tells whether this created the object.
async fn apply(call: &Call, applied: &Value, options: &Options) -> Result<(Value, bool)> {
    for _ in 0..ATTEMPTS {
        let Ok(before) = call.live() else {
            if let Some(object) = create(call, applied, options).await? {
                return Ok((object, true));
            }
            continue;
        };
        let live = call.value(&before);
        let merged = merge(call, applied, Some(&live), options)?;
        call.check_version(&merged, &live)?;
        let Some(new) = call.write(&options.manager).update_applied(&live, merged)? else {
            return Ok((live, false));
        };
        if let Outcome::Done(object) = call.commit(&before, &live, new, options.dry_run).await? {
            return Ok((object, false));
        }
    }
    Err(Failure::modified(&call.request.resource, call.request.name()))
}

/// The configuration, which is YAML, or JSON, which is YAML too.
fn configuration(call: &mut Call, validation: FieldValidation) -> Result<Parsed> {
    let parsed = body::parse_json(&call.body).or_else(|_| body::yaml(&call.body));
    let parsed = parsed.map_err(|why| Failure::bad_request(format!("error decoding YAML: {why}")))?;
    if !parsed.value.is_object() {
        let found = body::type_name(&parsed.value);
        let why = format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
        return Err(Failure::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}"
        )));
    }
    let findings =
        parsed.duplicates.iter().map(|field| format!("duplicate field {field:?}")).collect::<Vec<_>>();
    match validation {
        FieldValidation::Strict if !findings.is_empty() => {
            return Err(Failure::bad_request(format!("error strict decoding YAML: {}", findings.join(", "))));
        }
        FieldValidation::Warn => call.warnings.extend(findings),
        FieldValidation::Strict | FieldValidation::Ignore => {}
    }
    Ok(parsed)
}

/// Creates what is applied and not there; none if somebody else just did.
async fn create(call: &Call, applied: &Value, options: &Options) -> Result<Option<Value>> {
    if !matches!(call.request.part, crate::request::Part::Object) {
        return Err(Failure::not_found(&call.request.resource, call.request.name()));
    }
    let merged = merge(call, applied, None, options)?;
    let uid = meta::uid(applied);
    if !uid.is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        return Err(Failure::conflict(&call.request.resource, call.request.name(), &why));
    }
    call.may_create()?;
    call.check_namespace(call.request.name())?;
    let new = call.write(&options.manager).create_applied(merged, &Uuid::new_v4().to_string())?;
    match call.commit_new(new, options.dry_run).await? {
        Outcome::Done(object) => Ok(Some(object)),
        Outcome::Raced => Ok(None),
    }
}

fn merge(call: &Call, applied: &Value, live: Option<&Value>, options: &Options) -> Result<Value> {
    let resource = &call.request.resource;
    let write = call.write(&options.manager);
    let merged = patch::apply(&Apply {
        schema: &resource.schema,
        live,
        applied,
        manager: &options.manager,
        force: options.force,
        subresource: call.request.part.as_str(),
        api_version: &resource.api_version(),
        kind: &resource.kind,
        time: &write.time(),
        ignored: patch::reset_fields(resource, call.request.part.as_str()),
    });
    let mut merged = merged.map_err(|error| refusal(&error))?;
    admission::named(&merged, call.request.name())?;
    admission::place(&mut merged, call.request.namespace())?;
    Ok(merged)
}

pub(super) fn refusal(error: &ApplyError) -> Failure {
    let message = error.to_string();
    match error {
        ApplyError::Conflicts(conflicts) => {
            let causes = conflicts
                .0
                .iter()
                .map(|conflict| Cause::new("FieldManagerConflict", &conflict.field(), conflict.message()));
            Failure::apply_conflict(message, &causes.collect::<Vec<_>>())
        }
        ApplyError::BadRequest(_) => Failure::bad_request(message),
        ApplyError::Internal(_) => Failure::internal(message),
    }
}

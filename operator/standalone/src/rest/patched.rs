//! A patch of an object that is there, read and laid over it.

use schema::Resource;
use serde_json::Value;

use crate::body::{self, Parsed};
use crate::meta;
use crate::query::FieldValidation;
use crate::status::{Cause, Failure, Result};

/// A patch that is not an apply.
#[derive(Debug)]
pub(super) struct Patch {
    kind: Kind,
    patch: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Merge,
    Strategic,
}

impl Patch {
    /// The media type of server-side apply.
    pub(super) const APPLY: &str = "application/apply-patch+yaml";

    const KINDS: [(&str, Kind); 3] = [
        ("application/json-patch+json", Kind::Json),
        ("application/merge-patch+json", Kind::Merge),
        ("application/strategic-merge-patch+json", Kind::Strategic),
    ];

    /// Whether a patch of this media type exists.
    pub(super) fn is_known(media_type: &str) -> bool {
        Self::KINDS.iter().any(|(known, _)| *known == media_type)
    }

    /// Reads a patch. Custom kinds have no strategic merge patch.
    pub(super) fn parse(resource: &Resource, media_type: &str, bytes: &[u8]) -> Result<Self> {
        let known = Self::KINDS.iter().find(|(known, _)| *known == media_type).map(|(_, kind)| *kind);
        let kind = known.ok_or_else(Failure::unknown_patch_type)?;
        if kind == Kind::Strategic && resource.is_custom {
            let accepted =
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            return Err(Failure::unsupported_media_type(accepted));
        }
        let prefix = if kind == Kind::Strategic { "" } else { "error decoding patch: " };
        let parsed = body::parse_json(bytes).map_err(|why| Failure::bad_request(format!("{prefix}{why}")))?;
        Ok(Self { kind, patch: parsed.value })
    }

    /// The object with the patch laid over it.
    pub(super) fn apply(&self, resource: &Resource, live: &Value) -> Result<Value> {
        let patched = match self.kind {
            Kind::Json => patch::json_patch(live, &self.patch),
            Kind::Merge => patch::merge_patch(live, &self.patch),
            Kind::Strategic => patch::strategic_merge_patch(&resource.schema, live, &self.patch),
        };
        patched.map_err(|error| Failure::patch(error.code(), error.to_string()))
    }
}

/// Refuses a patched object that is none of its kind any more; tells what is to be warned of.
pub(super) fn check(
    resource: &Resource,
    patch: &Patch,
    new: &Value,
    validation: FieldValidation,
) -> Result<Vec<String>> {
    let refused = |why: &str| {
        let shown = if patch.kind == Kind::Strategic { plain(&patch.patch) } else { new.to_string() };
        let message = format!("Invalid value: {shown:?}: {why}");
        Failure::invalid("", "", "", &[Cause::new("FieldValueInvalid", "patch", message)])
    };
    if resource.is_custom {
        same_kind(resource, new)?;
    } else {
        let said = [("apiVersion", resource.api_version()), ("kind", resource.kind.clone())];
        if let Some((field, wanted)) = said.iter().find(|(field, wanted)| new[*field] != wanted.as_str()) {
            return Err(refused(&format!("{field} has to stay {wanted}")));
        }
        if let Some(why) = resource.decode_errors(new) {
            return Err(refused(&why));
        }
    }
    if validation == FieldValidation::Ignore {
        return Ok(Vec::new());
    }
    let findings = body::findings(resource, &Parsed { value: new.clone(), duplicates: Vec::new() });
    if validation == FieldValidation::Strict && !findings.is_empty() {
        return Err(refused(&format!("strict decoding error: {}", findings.join(", "))));
    }
    Ok(findings)
}

/// A custom object cannot become another kind.
fn same_kind(resource: &Resource, new: &Value) -> Result<()> {
    let text = |field: &str| new[field].as_str().unwrap_or_default();
    let said = [("apiVersion", resource.api_version()), ("kind", resource.kind.clone())];
    let wrong = said.iter().filter(|(field, wanted)| text(field) != wanted);
    let causes = wrong.map(|(field, wanted)| {
        Cause::new("FieldValueInvalid", field, format!("Invalid value: {:?}: must be {wanted}", text(field)))
    });
    let causes = causes.collect::<Vec<_>>();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    if causes.is_empty() {
        Ok(())
    } else {
        Err(Failure::invalid(group, text("kind"), meta::name(new), &causes))
    }
}

/// A value as a Go program prints it.
fn plain(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}:{}", plain(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

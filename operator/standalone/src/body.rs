//! The body of a write, decoded: the content type, the JSON or YAML, the kind that the path asks for, and fields that
//! the kind does not have. What is refused is refused with a kube-apiserver's words.

mod json;

use schema::Resource;
use serde_json::{Map, Value};

use crate::query::FieldValidation;
use crate::status::{Cause, Failure, Result};
use crate::{meta, protobuf};

use json::laid_over;
pub(crate) use json::{Parsed, parse as parse_json, type_name};

/// What is read.
const READ: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// Decodes the object of a create or an update. Fields that the kind does not have are warned of or refused.
pub(crate) fn object(
    resource: &Resource,
    content_type: &str,
    bytes: &[u8],
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> Result<Value> {
    let mut parsed = read(&resource.kind, content_type, bytes)?;
    if let Some(version) = other_version(resource, &parsed.value) {
        tell(resource, &version, findings_without_schema(resource, &parsed), validation, warnings)?;
    }
    if !parsed.duplicates.is_empty() && !resource.is_custom {
        parsed.value = laid_over(&resource.schema, bytes).unwrap_or(parsed.value);
    }
    check_kind(resource, &mut parsed.value, bytes)?;
    if let Some(why) = resource.decode_errors(&parsed.value) {
        return Err(not_handled(resource, &resource.version, &why));
    }
    // Only the bytes of JSON have the findings in the order of the document.
    let findings = match media_type(content_type) {
        "application/json" | "" => resource.strict_findings(bytes),
        _ => findings(resource, &parsed),
    };
    tell(resource, &resource.version, findings, validation, warnings)?;
    Ok(parsed.value)
}

/// Warns of what strict validation found, or refuses it.
fn tell(
    resource: &Resource,
    version: &str,
    findings: Vec<String>,
    validation: FieldValidation,
    warnings: &mut Vec<String>,
) -> Result<()> {
    match validation {
        FieldValidation::Strict if !findings.is_empty() => {
            let why = format!("strict decoding error: {}", findings.join(", "));
            return Err(not_handled(resource, version, &why));
        }
        FieldValidation::Warn => warnings.extend(findings),
        FieldValidation::Strict | FieldValidation::Ignore => {}
    }
    Ok(())
}

/// Decodes a body that must be a map or null, of whatever kind; `kind` is named in errors.
pub(crate) fn read(kind: &str, content_type: &str, bytes: &[u8]) -> Result<Parsed> {
    let unrecognized = |why: String| {
        let why = format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; {why}"
        );
        Failure::bad_request(why)
    };
    let start = summary(bytes);
    let mut parsed = match media_type(content_type) {
        "application/json" | "" => {
            parse_json(bytes).map_err(|why| unrecognized(format!("json parse error: {why} ({start})")))?
        }
        "application/yaml" => yaml(bytes).map_err(unrecognized)?,
        protobuf::MEDIA_TYPE => protobuf(bytes).map_err(|error| {
            Failure::bad_request(format!(
                "the object provided is unrecognized (must be of type {kind}): {error}"
            ))
        })?,
        _ => return Err(Failure::unsupported_media_type(READ)),
    };
    if parsed.value.is_null() {
        // A Go program that reads this has read nothing into its object.
        parsed.value = Map::new().into();
    }
    if parsed.value.is_object() {
        return Ok(parsed);
    }
    let wanted = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
    let found = type_name(&parsed.value);
    Err(unrecognized(format!(
        "json parse error: json: cannot unmarshal {found} into Go value of type {wanted} ({start})"
    )))
}

fn protobuf(bytes: &[u8]) -> std::result::Result<Parsed, protobuf::Error> {
    protobuf::decode(bytes).map(|value| Parsed { value, duplicates: Vec::new() })
}

/// A YAML document as JSON.
pub(crate) fn yaml(bytes: &[u8]) -> std::result::Result<Parsed, String> {
    let value = serde_saphyr::from_slice(bytes).map_err(|error| format!("yaml parse error: {error}"))?;
    Ok(Parsed { value, duplicates: Vec::new() })
}

/// What is to be told about an object's fields, in the words of warnings and of strict decoding.
pub(crate) fn findings(resource: &Resource, parsed: &Parsed) -> Vec<String> {
    let unknown = resource.unknown_fields(&parsed.value).into_iter();
    let unknown = unknown.map(|field| format!("unknown field {field:?}"));
    unknown.chain(parsed.duplicates.iter().map(|field| format!("duplicate field {field:?}"))).collect()
}

/// The version of an object of a custom kind in a version that there is not.
fn other_version(resource: &Resource, object: &Value) -> Option<String> {
    let (group, version) = object["apiVersion"].as_str()?.split_once('/')?;
    let is_other = resource.is_custom
        && object["kind"] == resource.kind.as_str()
        && group == resource.group
        && version != resource.version;
    is_other.then(|| version.to_owned())
}

/// Where there is no schema, only the metadata is known.
fn findings_without_schema(resource: &Resource, parsed: &Parsed) -> Vec<String> {
    let top = parsed.value.as_object().cloned().unwrap_or_default();
    let (known, unknown): (Map<_, _>, Map<_, _>) =
        top.into_iter().partition(|(name, _)| ["apiVersion", "kind", "metadata"].contains(&name.as_str()));
    let parsed = Parsed { value: known.into(), duplicates: parsed.duplicates.clone() };
    let mut findings = findings(resource, &parsed);
    findings.extend(unknown.into_iter().map(|(name, _)| format!("unknown field {name:?}")));
    findings
}

/// `application/json` of `application/json; charset=utf-8`.
pub(crate) fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// An object may leave out what it is, and may not be something else.
fn check_kind(resource: &Resource, object: &mut Value, bytes: &[u8]) -> Result<()> {
    let wanted = [("apiVersion", resource.api_version()), ("kind", resource.kind.clone())];
    let [version, kind] =
        ["apiVersion", "kind"].map(|field| object[field].as_str().unwrap_or_default().to_owned());
    if resource.is_custom {
        custom_kind(resource, object, bytes)?;
    } else if !kind.is_empty() && kind != resource.kind {
        let version = if version.is_empty() { resource.api_version() } else { version };
        let why = format!(
            "converting ({}.{kind}) to ({}.{}): unknown conversion",
            version.rsplit('/').next().unwrap_or_default(),
            if resource.group.is_empty() { "core" } else { &resource.group },
            resource.kind
        );
        let message =
            format!("{kind} in version {version:?} cannot be handled as a {}: {why}", resource.kind);
        return Err(Failure::bad_request(message));
    } else if !version.is_empty() && version != resource.api_version() {
        let why = format!(
            "no kind {:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\"",
            resource.kind
        );
        let message = format!("{0} in version {version:?} cannot be handled as a {0}: {why}", resource.kind);
        return Err(Failure::bad_request(message));
    }
    for (field, value) in wanted {
        object[field] = value.into();
    }
    Ok(())
}

fn custom_kind(resource: &Resource, object: &Value, bytes: &[u8]) -> Result<()> {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if kind.is_empty() {
        let body = String::from_utf8_lossy(bytes);
        let why = format!("Object 'Kind' is missing in '{body}' ({})", summary(bytes));
        let why = format!("the object provided is unrecognized (must be of type {}): {why}", resource.kind);
        return Err(Failure::bad_request(why));
    }
    if version != resource.api_version() {
        let expected = resource.api_version();
        let why = format!(
            "the API version in the data ({version}) does not match the expected API version ({expected})"
        );
        return Err(Failure::bad_request(why));
    }
    if kind != resource.kind {
        let message = format!("Invalid value: {kind:?}: must be {}", resource.kind);
        let cause = Cause::new("FieldValueInvalid", "kind", message);
        return Err(Failure::invalid(&resource.group, kind, meta::name(object), &[cause]));
    }
    Ok(())
}

/// An object that does not fit the kind.
fn not_handled(resource: &Resource, version: &str, why: &str) -> Failure {
    let kind = &resource.kind;
    Failure::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

/// How a body begins: as it is where it may be JSON, else in hexadecimal digits.
fn summary(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(30)];
    let dots = if start.len() < bytes.len() { " ..." } else { "" };
    match start {
        [] => "<empty>".to_owned(),
        [b'{', ..] => format!("{}{dots}", String::from_utf8_lossy(start)),
        _ => format!("{}{dots}", start.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use schema::Catalog;

    use super::*;

    fn config_map(content_type: &str, body: &str) -> std::result::Result<Value, (u16, String)> {
        let catalog = Catalog::new();
        let resource = catalog.by_path("", "v1", "configmaps").expect("served");
        object(resource, content_type, body.as_bytes(), FieldValidation::Strict, &mut Vec::new()).map_err(
            |failure| {
                (failure.code().as_u16(), failure.to_status()["message"].as_str().expect("text").to_owned())
            },
        )
    }

    #[test]
    fn what_an_object_is_may_be_left_out() {
        let object = config_map("application/json", r#"{"metadata":{"name":"a"}}"#).expect("decoded");
        assert_eq!((&object["kind"], &object["apiVersion"]), (&"ConfigMap".into(), &"v1".into()));
    }

    #[test]
    fn yaml_is_read_too() {
        let object = config_map("application/yaml", "metadata: {name: a}\ndata: {k: v}").expect("decoded");
        assert_eq!(object["data"]["k"], "v");
    }

    #[test]
    fn another_kind_is_refused() {
        let (code, message) =
            config_map("application/json", r#"{"apiVersion":"v1","kind":"Secret"}"#).expect_err("another");
        let expected = "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion";
        assert_eq!((code, message.as_str()), (400, expected));
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_first_bytes() {
        let (code, message) = config_map("application/json", "jjj").expect_err("no JSON");
        let expected = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: \
                        invalid character 'j' looking for beginning of value (6a6a6a)";
        assert_eq!((code, message.as_str()), (400, expected));
        let (_, message) = config_map("application/json", "[]").expect_err("a list");
        assert!(message.contains("json: cannot unmarshal array into Go value of type struct"), "{message}");
    }

    #[test]
    fn null_is_an_object_that_says_nothing() {
        let object = config_map("application/json", "null").expect("decoded");
        assert_eq!(object, serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap"}));
        let catalog = Catalog::new();
        let apps = catalog.by_path("flynn.io", "v1alpha1", "apps").expect("served");
        let refused =
            super::object(apps, "", b"null", FieldValidation::Strict, &mut Vec::new()).expect_err("no kind");
        let expected = "the object provided is unrecognized (must be of type App): Object 'Kind' is missing in 'null' (6e756c6c)";
        assert_eq!(refused.to_status()["message"], expected);
    }

    #[test]
    fn repeated_maps_of_a_built_in_kind_are_one() {
        let catalog = Catalog::new();
        let maps = catalog.by_path("", "v1", "configmaps").expect("served");
        let body = br#"{"data":{"a":"1","b":"1"},"data":{"a":"2"}}"#;
        let object = object(maps, "", body, FieldValidation::Ignore, &mut Vec::new()).expect("decoded");
        assert_eq!(object["data"], serde_json::json!({"a": "2", "b": "1"}));
    }

    #[test]
    fn a_repeated_field_of_a_custom_kind_is_the_last_one() {
        let catalog = Catalog::new();
        let apps = catalog.by_path("flynn.io", "v1alpha1", "apps").expect("served");
        let body =
            br#"{"apiVersion":"flynn.io/v1alpha1","kind":"App","spec":{"image":"a"},"spec":{"env":{}}}"#;
        let object = object(apps, "", body, FieldValidation::Ignore, &mut Vec::new()).expect("decoded");
        assert_eq!(object["spec"], serde_json::json!({"env": {}}));
    }

    #[test]
    fn unknown_fields_are_told_in_the_order_of_the_document() {
        let (_, message) =
            config_map("application/json", r#"{"Metadata":{},"DATA":{}}"#).expect_err("strict");
        assert!(message.ends_with(r#"unknown field "Metadata", unknown field "DATA""#), "{message}");
    }

    #[test]
    fn of_an_object_of_a_version_that_is_not_only_the_metadata_is_known() {
        let catalog = Catalog::new();
        let apps = catalog.by_path("flynn.io", "v1alpha1", "apps").expect("served");
        let body = br#"{"apiVersion":"flynn.io/v1","kind":"App","spec":{},"metadata":{"foo":1},"abc":1}"#;
        let mut warnings = Vec::new();
        object(apps, "application/json", body, FieldValidation::Warn, &mut warnings).expect_err("not served");
        let expected =
            [r#"unknown field "metadata.foo""#, r#"unknown field "abc""#, r#"unknown field "spec""#];
        assert_eq!(warnings, expected);
    }

    #[test]
    fn other_content_types_are_not_supported() {
        assert_eq!(config_map("text/plain", "{}").expect_err("refused").0, 415);
        assert_eq!(config_map("application/vnd.kubernetes.protobuf", "{}").expect_err("refused").0, 400);
    }

    #[test]
    fn repeated_fields_are_refused_where_the_client_is_strict() {
        let (code, message) =
            config_map("application/json", r#"{"data":{"a":"b","a":"c"}}"#).expect_err("strict");
        let expected = "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.a\"";
        assert_eq!((code, message.as_str()), (400, expected));
    }
}

//! Wrong JSON types, told as the Go decoder of a kube-apiserver tells them.
//!
//! Built-in kinds are decoded into types; of custom kinds only `metadata` is, the rest is the schema's to refuse.

use base64::prelude::BASE64_STANDARD;
use base64::{DecodeError, Engine as _};
use serde_json::{Number, Value};

use crate::Resource;
use crate::encoding::{plain, precision};
use crate::quantity::{self, WRONG_FORMAT};
use crate::structural::{Format, Scalar, Schema, Shape};
use crate::time;

/// Fields that lie in a Go struct within the struct, and that struct's name.
const EMBEDDED: &[(&str, &[&str], &str)] = &[
    ("Probe", &["exec", "grpc", "httpGet", "tcpSocket"], "ProbeHandler"),
    ("ConfigMapEnvSource", &["name"], "LocalObjectReference"),
    ("ConfigMapKeySelector", &["name"], "LocalObjectReference"),
    ("ConfigMapProjection", &["name"], "LocalObjectReference"),
    ("ConfigMapVolumeSource", &["name"], "LocalObjectReference"),
    ("SecretEnvSource", &["name"], "LocalObjectReference"),
    ("SecretKeySelector", &["name"], "LocalObjectReference"),
    ("SecretProjection", &["name"], "LocalObjectReference"),
    ("Volume", VOLUMES, "VolumeSource"),
];

/// The kinds of volumes that are met.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "hostPath",
    "image",
    "nfs",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Texts that have a Go type of their own.
const NAMED_TEXTS: &[(&str, &str, &str)] = &[
    ("Container", "imagePullPolicy", "v1.PullPolicy"),
    ("Container", "terminationMessagePolicy", "v1.TerminationMessagePolicy"),
    ("ContainerPort", "protocol", "v1.Protocol"),
    ("DeploymentStrategy", "type", "v1.DeploymentStrategyType"),
    ("EndpointPort", "protocol", "v1.Protocol"),
    ("EndpointSlice", "addressType", "v1.AddressType"),
    ("HTTPGetAction", "scheme", "v1.URIScheme"),
    ("ObjectMeta", "uid", "types.UID"),
    ("OwnerReference", "uid", "types.UID"),
    ("PodSpec", "dnsPolicy", "v1.DNSPolicy"),
    ("PodSpec", "restartPolicy", "v1.RestartPolicy"),
    ("Secret", "type", "v1.SecretType"),
    ("ServicePort", "protocol", "v1.Protocol"),
    ("ServiceSpec", "sessionAffinity", "v1.ServiceAffinity"),
    ("ServiceSpec", "type", "v1.ServiceType"),
];

impl Resource {
    /// The first wrong type, such as
    /// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
    #[must_use]
    pub fn decode_errors(&self, object: &Value) -> Option<String> {
        let Shape::Struct { fields, .. } = &self.schema.shape else { return None };
        if !self.is_custom {
            return Decoder::default().value(&self.schema, object).err();
        }
        let schema = fields.get("metadata")?;
        match object.get("metadata")? {
            metadata @ (Value::Object(_) | Value::Null) => Decoder::default().value(schema, metadata).err(),
            other => {
                Some(format!("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", name_of(other)))
            }
        }
    }
}

/// Where the decoder is: the struct that it fills, the field in it, and the path from the top.
#[derive(Default)]
struct Decoder {
    definition: String,
    field: String,
    path: Vec<String>,
}

impl Decoder {
    fn value(&mut self, schema: &Schema, value: &Value) -> Result<(), String> {
        if value.is_null() {
            return Ok(());
        }
        match (&schema.shape, value) {
            (Shape::Struct { fields, .. }, Value::Object(object)) => {
                for (name, value) in object {
                    if let Some(field) = fields.get(name) {
                        self.field(schema, name, field, value)?;
                    }
                }
                Ok(())
            }
            (Shape::Map { values, .. }, Value::Object(object)) => {
                object.values().try_for_each(|value| self.value(values, value))
            }
            (Shape::List { items, .. }, Value::Array(list)) => {
                list.iter().try_for_each(|value| self.value(items, value))
            }
            (Shape::Scalar(scalar), _) => self.scalar(*scalar, schema, value),
            (Shape::Any, _) => Ok(()),
            _ => Err(self.mismatch(schema, value)),
        }
    }

    fn field(&mut self, schema: &Schema, name: &str, field: &Schema, value: &Value) -> Result<(), String> {
        let definition = schema.definition.as_deref().unwrap_or_default();
        let embedded =
            EMBEDDED.iter().find(|(owner, fields, _)| *owner == definition && fields.contains(&name));
        let before = (std::mem::replace(&mut self.definition, definition.to_owned()), self.path.len());
        let field_before = std::mem::replace(&mut self.field, name.to_owned());
        self.path.extend(embedded.map(|(.., within)| (*within).to_owned()));
        self.path.push(name.to_owned());
        self.value(field, value)?;
        self.path.truncate(before.1);
        self.definition = before.0;
        self.field = field_before;
        Ok(())
    }

    fn scalar(&self, scalar: Scalar, schema: &Schema, value: &Value) -> Result<(), String> {
        match (scalar, schema.format, value) {
            (_, Some(Format::Quantity), Value::String(_) | Value::Number(_)) => {
                quantity::canonical(&plain(value)).map(drop).map_err(str::to_owned)
            }
            (_, Some(Format::Quantity), _) => Err(WRONG_FORMAT.to_owned()),
            (_, Some(Format::DateTime), Value::String(text)) => {
                time::canonical(text, precision(schema)).map(drop)
            }
            (_, Some(Format::Byte), Value::String(text)) => bytes(text),
            (Scalar::String | Scalar::IntOrString, _, Value::String(_)) => Ok(()),
            (Scalar::Boolean, _, Value::Bool(_)) | (Scalar::Number, _, Value::Number(_)) => Ok(()),
            (Scalar::Integer | Scalar::IntOrString, _, Value::Number(number))
                if fits(number, scalar, schema) =>
            {
                Ok(())
            }
            _ => Err(self.mismatch(schema, value)),
        }
    }

    fn mismatch(&self, schema: &Schema, value: &Value) -> String {
        let found = match (value, &schema.shape) {
            (Value::Number(number), Shape::Scalar(Scalar::Integer | Scalar::IntOrString)) => {
                format!("number {number}")
            }
            _ => name_of(value).to_owned(),
        };
        let named =
            NAMED_TEXTS.iter().find(|(owner, field, _)| *owner == self.definition && *field == self.field);
        let type_ = match (&schema.shape, named) {
            (Shape::Scalar(Scalar::String), Some((.., name))) => (*name).to_owned(),
            _ => go_type(schema),
        };
        let path = self.path.join(".");
        format!(
            "json: cannot unmarshal {found} into Go struct field {}.{path} of type {type_}",
            self.definition
        )
    }
}

fn fits(number: &Number, scalar: Scalar, schema: &Schema) -> bool {
    let is_narrow = scalar == Scalar::IntOrString || schema.format == Some(Format::Int32);
    number.as_i64().is_some_and(|number| !is_narrow || i32::try_from(number).is_ok())
}

fn bytes(text: &str) -> Result<(), String> {
    let Err(error) = BASE64_STANDARD.decode(text.replace(['\n', '\r'], "")) else { return Ok(()) };
    let at = match error {
        DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
        _ if text.ends_with('=') => text.len(),
        _ => text.len() / 4 * 4,
    };
    Err(format!("illegal base64 data at input byte {at}"))
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn go_type(schema: &Schema) -> String {
    match &schema.shape {
        Shape::Struct { .. } | Shape::Any => {
            format!("v1.{}", schema.definition.as_deref().unwrap_or_default())
        }
        Shape::Map { values, .. } => format!("map[string]{}", go_type(values)),
        Shape::List { items, .. } => format!("[]{}", go_type(items)),
        Shape::Scalar(Scalar::Boolean) => "bool".to_owned(),
        Shape::Scalar(Scalar::Number) => "float64".to_owned(),
        Shape::Scalar(Scalar::String) if schema.format == Some(Format::Byte) => "[]uint8".to_owned(),
        Shape::Scalar(Scalar::String) => "string".to_owned(),
        Shape::Scalar(Scalar::Integer) if schema.format == Some(Format::Int64) => "int64".to_owned(),
        Shape::Scalar(Scalar::Integer | Scalar::IntOrString) => "int32".to_owned(),
    }
}

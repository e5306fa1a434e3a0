//! What is wrong with a field, in the words of a kube-apiserver's `StatusCause`.

use std::fmt;

use serde_json::Value;

/// One cause of a 422.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The kind of fault, for programs.
    pub reason: Reason,
    /// Where, such as `spec.template.spec.containers[0].name`.
    pub field: String,
    /// The fault for people: the message of a StatusCause.
    pub detail: String,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The field is missing.
    Required,
    /// The value is taken.
    Duplicate,
    /// The value is not well formed.
    Invalid,
    /// The value is of another type.
    TypeInvalid,
    /// The value is none of those there are.
    NotSupported,
    /// The field may not be set, or not like this.
    Forbidden,
    /// There are too many bytes.
    TooLong,
    /// There are too many entries.
    TooMany,
    /// The value is not one that exists.
    NotFound,
}

impl Reason {
    /// As a `StatusCause` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::NotFound => "FieldValueNotFound",
        }
    }
}

/// The faults of one object, gathered in order.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<FieldError>);

impl Faults {
    fn add(&mut self, reason: Reason, field: impl Into<String>, detail: String) {
        self.0.push(FieldError { reason, field: field.into(), detail });
    }

    pub(crate) fn required(&mut self, field: impl Into<String>) {
        self.add(Reason::Required, field, "Required value".to_owned());
    }

    pub(crate) fn required_because(&mut self, field: impl Into<String>, why: &str) {
        self.add(Reason::Required, field, format!("Required value: {why}"));
    }

    pub(crate) fn invalid(&mut self, field: impl Into<String>, value: &Value, why: &str) {
        self.add(Reason::Invalid, field, format!("Invalid value: {value}: {why}"));
    }

    /// Of a value in the words of a Go program, which have their own order.
    pub(crate) fn invalid_shown(&mut self, field: impl Into<String>, shown: &str, why: &str) {
        self.add(Reason::Invalid, field, format!("Invalid value: {shown}: {why}"));
    }

    /// Of a text; several faults of one value are several entries.
    pub(crate) fn invalid_text(&mut self, field: impl Into<String>, text: &str, whys: Vec<String>) {
        let field = field.into();
        for why in whys {
            self.invalid(field.clone(), &Value::from(text), &why);
        }
    }

    /// Of a value that is too long to be shown.
    pub(crate) fn invalid_unshown(&mut self, field: impl Into<String>, why: &str) {
        self.add(Reason::Invalid, field, format!("Invalid value: {why}"));
    }

    pub(crate) fn type_invalid(&mut self, field: impl Into<String>, value: &str, why: &str) {
        self.add(Reason::TypeInvalid, field, format!("Invalid value: {value:?}: {why}"));
    }

    pub(crate) fn not_supported(&mut self, field: impl Into<String>, value: &Value, supported: &[&str]) {
        self.not_supported_shown(field, &value.to_string(), supported);
    }

    /// Of a value in the words of a Go program, which have their own order.
    pub(crate) fn not_supported_shown(&mut self, field: impl Into<String>, shown: &str, supported: &[&str]) {
        let supported: Vec<_> = supported.iter().map(|value| format!("{value:?}")).collect();
        let detail = format!("Unsupported value: {shown}: supported values: {}", supported.join(", "));
        self.add(Reason::NotSupported, field, detail);
    }

    pub(crate) fn duplicate(&mut self, field: impl Into<String>, value: &Value) {
        self.add(Reason::Duplicate, field, format!("Duplicate value: {value}"));
    }

    /// Of a value in the words of a Go program, which have their own order.
    pub(crate) fn duplicate_shown(&mut self, field: impl Into<String>, shown: &str) {
        self.add(Reason::Duplicate, field, format!("Duplicate value: {shown}"));
    }

    pub(crate) fn forbidden(&mut self, field: impl Into<String>, why: &str) {
        self.add(Reason::Forbidden, field, format!("Forbidden: {why}"));
    }

    pub(crate) fn not_found(&mut self, field: impl Into<String>, value: &Value) {
        self.add(Reason::NotFound, field, format!("Not found: {value}"));
    }

    pub(crate) fn too_long(&mut self, field: impl Into<String>, most: usize) {
        self.add(Reason::TooLong, field, format!("Too long: may not be more than {most} bytes"));
    }

    pub(crate) fn too_many(&mut self, field: impl Into<String>, found: usize, most: usize) {
        self.add(Reason::TooMany, field, format!("Too many: {found}: must have at most {most} items"));
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

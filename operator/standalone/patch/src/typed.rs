//! Values seen through their schema: what appliers share, and what one of them owns as a whole.
//!
//! [`Type`] is what is known of a value beforehand, [`Atom`] what it then turns out to be. Below are the walks over values: their
//! fields (`of_value`), the difference of two (`compare`), one laid over another (`merge`), without some fields (`remove`), and what
//! is wrong with one (`validate`).

mod compare;
mod key;
mod merge;
mod of_value;
mod reconcile;
mod remove;
mod validate;

use std::collections::BTreeMap;

use schema::{Format, ListType, Scalar, Schema, Shape};
use serde_json::Value;

pub(crate) use compare::{Comparison, compare};
pub(crate) use merge::merge;
pub(crate) use of_value::fields_of;
pub(crate) use reconcile::reconcile;
pub(crate) use remove::remove;
pub(crate) use validate::{go_text, go_type, validate};

use crate::fields::{FieldSet, PathElement};

/// What is known of a value beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type<'a> {
    /// Its schema.
    Known(&'a Schema),
    /// Nothing, and maps in it are shared field by field.
    Deduced,
    /// Nothing, and it is owned as a whole.
    Untyped,
    /// There should not be such a field.
    Undeclared,
}

/// What a value is: one of three forms.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Atom<'a> {
    Scalar(Kind),
    List(ListAtom<'a>),
    Map(MapAtom<'a>),
}

/// What scalars are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Numeric,
    String,
    Boolean,
    Any,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct ListAtom<'a> {
    pub(crate) items: Type<'a>,
    pub(crate) list_type: &'a ListType,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct MapAtom<'a> {
    fields: Option<&'a BTreeMap<String, Schema>>,
    rest: Type<'a>,
    pub(crate) atomic: bool,
}

impl<'a> MapAtom<'a> {
    /// The type of an entry.
    pub(crate) fn entry(&self, name: &str) -> Type<'a> {
        self.fields.and_then(|fields| fields.get(name)).map_or(self.rest, Type::Known)
    }

    /// Whether an entry is a field of a struct, as opposed to a key of a map.
    pub(crate) fn is_field(&self, name: &str) -> bool {
        self.fields.is_some_and(|fields| fields.contains_key(name))
    }
}

impl ListAtom<'_> {
    pub(crate) fn is_atomic(&self) -> bool {
        *self.list_type == ListType::Atomic
    }
}

impl<'a> Type<'a> {
    /// What a value of this type is. Null, or a value that does not fit, is what the schema says; where the schema says nothing,
    /// a map.
    pub(crate) fn atom(self, value: &Value) -> Atom<'a> {
        match (self, value) {
            (Self::Known(schema), _) => Self::known_atom(schema, value),
            (_, Value::Array(_)) => {
                Atom::List(ListAtom { items: Self::Untyped, list_type: &ListType::Atomic })
            }
            (Self::Deduced, Value::Object(_) | Value::Null) => Atom::Map(MapAtom::of(Self::Deduced, false)),
            (_, Value::Object(_) | Value::Null) => Atom::Map(MapAtom::of(Self::Untyped, true)),
            (_, Value::Bool(_) | Value::Number(_) | Value::String(_)) => Atom::Scalar(Kind::Any),
        }
    }

    fn known_atom(schema: &'a Schema, value: &Value) -> Atom<'a> {
        match &schema.shape {
            Shape::Struct { fields, atomic, preserves_unknown, .. } => {
                let is_free = *preserves_unknown || fields.is_empty();
                let rest = if is_free { Self::Deduced } else { Self::Undeclared };
                Atom::Map(MapAtom { fields: Some(fields), rest, atomic: *atomic })
            }
            Shape::Map { values, atomic } => Atom::Map(MapAtom::of(Self::Known(values), *atomic)),
            Shape::List { items, list_type } => Atom::List(ListAtom { items: Self::Known(items), list_type }),
            Shape::Scalar(scalar) => Atom::Scalar(kind(*scalar, schema.format)),
            Shape::Any => Self::Untyped.atom(value),
        }
    }

    /// The type of a part of a value of this type.
    pub(crate) fn part(self, element: &PathElement) -> Self {
        match (self, element) {
            (Self::Known(schema), PathElement::Field(name)) => match Self::known_atom(schema, &Value::Null) {
                Atom::Map(map) => map.entry(name),
                Atom::List(_) | Atom::Scalar(_) => Self::Undeclared,
            },
            (Self::Known(Schema { shape: Shape::List { items, .. }, .. }), _) => Self::Known(items),
            (Self::Deduced, PathElement::Field(_)) => Self::Deduced,
            (Self::Deduced | Self::Untyped, _) => Self::Untyped,
            (Self::Known(_) | Self::Undeclared, _) => Self::Undeclared,
        }
    }

    fn is_field(self, element: &PathElement) -> bool {
        let (Self::Known(Schema { shape: Shape::Struct { fields, .. }, .. }), PathElement::Field(name)) =
            (self, element)
        else {
            return false;
        };
        fields.contains_key(name)
    }
}

impl<'a> MapAtom<'a> {
    fn of(rest: Type<'a>, atomic: bool) -> Self {
        Self { fields: None, rest, atomic }
    }
}

fn kind(scalar: Scalar, format: Option<Format>) -> Kind {
    match (scalar, format) {
        (Scalar::Integer | Scalar::Number, _) => Kind::Numeric,
        (Scalar::Boolean, _) => Kind::Boolean,
        (Scalar::String, None | Some(Format::Byte)) => Kind::String,
        (Scalar::String | Scalar::IntOrString, _) => Kind::Any,
    }
}

/// The set in which each struct field that has members below it is a member too: whoever owns a part of a struct may remove the
/// struct with it. Keys of maps and entries of lists are members only if they were before.
pub(crate) fn with_structs(set: &FieldSet, of: Type<'_>) -> FieldSet {
    FieldSet::from_level(set.level().map(|(element, member, below)| {
        let is_struct = !below.is_empty() && of.is_field(element);
        (element.clone(), member || is_struct, with_structs(below, of.part(element)))
    }))
}

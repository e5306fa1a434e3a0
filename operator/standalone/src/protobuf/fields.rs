//! The numbers of fields, read from `fields.txt` when the first body comes.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// Every message that a request may hold.
#[derive(Debug)]
pub(super) struct Messages {
    kinds: Vec<[&'static str; 3]>,
    fields: HashMap<&'static str, BTreeMap<u64, Field>>,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name in JSON.
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) zero: Zero,
}

/// How many values there are; the type is a scalar's or a message's name.
#[derive(Debug)]
pub(super) enum Form {
    One(&'static str),
    List(&'static str),
    Map(&'static str),
}

/// What becomes of a value that is zero: Go sends it in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// It was set to zero, or zero is always told.
    Kept,
    /// It stands for nothing.
    Dropped,
    /// The fields of the message are fields of its parent.
    InParent,
}

impl Messages {
    pub(super) fn get() -> &'static Self {
        static MESSAGES: OnceLock<Messages> = OnceLock::new();
        MESSAGES.get_or_init(|| {
            Self::parse(include_str!("fields.txt")).expect("the generated file is what we read")
        })
    }

    /// The message of a kind; `*` is any version.
    pub(super) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&'static str> {
        let is_it =
            |[version, name, _]: &&[&str; 3]| *name == kind && (*version == api_version || *version == "*");
        self.kinds.iter().find(is_it).map(|[_, _, message]| *message)
    }

    pub(super) fn field(&self, message: &str, number: u64) -> Option<&Field> {
        self.fields.get(message)?.get(&number)
    }

    fn parse(text: &'static str) -> Option<Self> {
        let mut messages = Self { kinds: Vec::new(), fields: HashMap::new() };
        let mut message = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["kind", version, kind, name] => messages.kinds.push([version, kind, name]),
                ["message", name] => message = name,
                [number, zero, type_, name] => {
                    let zero = match *zero {
                        "*" => Zero::Kept,
                        "-" => Zero::Dropped,
                        "=" => Zero::InParent,
                        _ => return None,
                    };
                    let field = Field { name, form: Form::of(type_), zero };
                    messages.fields.entry(message).or_default().insert(number.parse().ok()?, field);
                }
                _ => return None,
            }
        }
        Some(messages)
    }
}

impl Form {
    fn of(type_: &'static str) -> Self {
        if let Some(type_) = type_.strip_prefix("[]") {
            return Self::List(type_);
        }
        match type_.strip_prefix("{}") {
            Some(type_) => Self::Map(type_),
            None => Self::One(type_),
        }
    }
}

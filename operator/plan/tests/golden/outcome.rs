//! What comes of a stage, in the form in which people read it.
//!
//! The router's table, what is written, the wishes that were asked for, and the statuses: of a later stage only what it
//! changed, with null for what is gone. A condition is one line, `Type=Status/Reason: message`, without the reason where
//! it repeats the type and with `...` for what a message repeats from a line before it. Times of transition are left out, and so
//! is generation 1.

use std::collections::BTreeMap;
use std::fs;

use plan::{Kind, ObjectKey, Simulation};
use router_config::{Config, KeyPair};
use serde::Serialize;
use serde_json::{Value, json};
use serde_saphyr::FoldString;

use crate::CASES;
use crate::given::Shown;

/// What comes of a stage.
#[derive(Serialize)]
pub(crate) struct Outcome {
    #[serde(skip_serializing_if = "is_empty")]
    router: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    writes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    statuses: BTreeMap<String, Status>,
}

/// The status of an object.
#[derive(Clone, PartialEq, Serialize)]
pub(crate) struct Status {
    conditions: Vec<FoldString>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

impl Outcome {
    /// What differs from the table and the statuses before.
    pub(crate) fn of(
        simulation: &Simulation,
        table: &Config,
        statuses: &BTreeMap<String, Status>,
        shown: &Shown,
    ) -> Self {
        let is_shown = |kind: Kind, kinds: &Option<Vec<String>>, otherwise| {
            kinds.as_ref().map_or(otherwise, |kinds| kinds.contains(&kind.to_string()))
        };
        let wishes = simulation.wishes().filter(|wish| is_shown(wish.key().0, &shown.objects, false));
        let now = simulation.statuses().filter(|(kind, ..)| is_shown(*kind, &shown.statuses, true));
        let now = now.map(|(kind, key, status)| (name_of(kind, key), Status::of(status)));
        let writes = simulation.writes().map(|(kind, key, write)| {
            let verb = serde_json::to_value(write).unwrap();
            format!("{} {}", verb.as_str().unwrap(), name_of(kind, key))
        });
        Self {
            router: router(table, simulation.table()),
            writes: writes.collect(),
            objects: wishes.map(|wish| serde_json::to_value(wish).unwrap()).collect(),
            statuses: now.filter(|(name, value)| statuses.get(name) != Some(value)).collect(),
        }
    }

    /// The text of `out.yaml`.
    pub(crate) fn to_yaml(&self) -> String {
        let options = serde_saphyr::ser_options! { folded_wrap_chars: 110, min_fold_chars: 100 };
        serde_saphyr::to_string_with_options(self, options).unwrap()
    }
}

/// A kind with a namespace and a name: `Route shop/www`.
pub(crate) fn name_of(kind: Kind, key: &ObjectKey) -> String {
    format!("{kind} {key}")
}

impl Status {
    /// A status as people read it.
    pub(crate) fn of(status: &Value) -> Self {
        let mut others: BTreeMap<_, _> = status.as_object().unwrap().clone().into_iter().collect();
        others.retain(|name, value| name != "observedGeneration" || *value != 1);
        let conditions = others.remove("conditions").unwrap();
        let mut told = Vec::new();
        let conditions = conditions.as_array().unwrap().iter().map(|condition| line(condition, &mut told));
        Self { conditions: conditions.map(FoldString).collect(), others }
    }
}

/// A condition in one line; of its message no more than was not told before.
fn line(condition: &Value, told: &mut Vec<String>) -> String {
    let text = |name: &str| condition[name].as_str().unwrap_or_default();
    let mut line = format!("{}={}", text("type"), text("status"));
    if text("reason") != text("type") {
        line = format!("{line}/{}", text("reason"));
    }
    let message = text("message");
    match told.iter().find_map(|told| message.strip_suffix(told.as_str())) {
        _ if message.is_empty() => {}
        Some("") => {}
        Some(new) => line = format!("{line}: {new}..."),
        None => line = format!("{line}: {message}"),
    }
    told.extend(Some(message.to_owned()).filter(|message| !message.is_empty()));
    line
}

/// The change of the table; a certificate is told by the fixture that it is, or by its first line.
fn router(from: &Config, to: &Config) -> Value {
    let delta = from.diff(to);
    let mut change = serde_json::to_value(&delta).unwrap();
    for (name, pair) in &delta.certificates {
        change["certificates"][name] = pair.as_ref().map_or(Value::Null, |pair| json!(fixture(pair)));
    }
    change
}

fn fixture(pair: &KeyPair) -> String {
    let files = fs::read_dir(format!("{CASES}/fixtures")).unwrap().map(|file| file.unwrap());
    let same = |file: &fs::DirEntry| fs::read_to_string(file.path()).is_ok_and(|chain| chain == pair.chain);
    let name = files.into_iter().find(same).map(|file| file.file_name().into_string().unwrap());
    name.unwrap_or_else(|| pair.chain.lines().next().unwrap_or_default().to_owned())
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

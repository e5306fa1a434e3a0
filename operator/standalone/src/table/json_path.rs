//! The part of JSONPath that printer columns may use: fields, indexes, `[*]` and one comparison, as in
//! `.status.conditions[?(@.type=="Ready")].status`.

use serde_json::Value;

/// A path that was understood.
#[derive(Debug, PartialEq)]
pub(super) struct JsonPath(Vec<Step>);

#[derive(Debug, PartialEq)]
enum Step {
    Field(String),
    /// From the end where it is negative.
    Index(i64),
    Every,
    Where(Filter),
}

/// `?(@.type=="Ready")`; without a comparison, `?(@.type)`.
#[derive(Debug, PartialEq)]
struct Filter {
    path: JsonPath,
    equals: Option<(bool, Value)>,
}

impl JsonPath {
    /// None where the path uses what is not known here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().trim_start_matches('$');
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('[') {
                Some(inside) => {
                    let end = closing(inside)?;
                    (bracket(&inside[..end])?, &inside[end + 1..])
                }
                None => field(rest.strip_prefix('.')?)?,
            };
            steps.push(step);
            rest = after;
        }
        Some(Self(steps))
    }

    /// The first value that the path leads to.
    pub(super) fn first<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        follow(&self.0, value)
    }
}

impl Filter {
    fn accepts(&self, value: &Value) -> bool {
        let found = self.path.first(value);
        match &self.equals {
            None => found.is_some(),
            Some((is_equal, wanted)) => found.is_some_and(|found| (found == wanted) == *is_equal),
        }
    }
}

fn follow<'a>(steps: &[Step], value: &'a Value) -> Option<&'a Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(value) };
    match step {
        Step::Field(name) => follow(rest, value.get(name)?),
        Step::Index(index) => {
            let items = value.as_array()?;
            let from_end = || usize::try_from(index + i64::try_from(items.len()).ok()?).ok();
            let index = usize::try_from(*index).ok().or_else(from_end)?;
            follow(rest, items.get(index)?)
        }
        Step::Every => parts(value).find_map(|part| follow(rest, part)),
        Step::Where(filter) => {
            parts(value).filter(|part| filter.accepts(part)).find_map(|part| follow(rest, part))
        }
    }
}

/// The entries of a list, or the values of a map.
fn parts(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// A field up to the next dot or bracket; a backslash takes the dot's meaning away.
fn field(text: &str) -> Option<(Step, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    let mut end = text.len();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.push(characters.next()?.1),
            '.' | '[' => {
                end = at;
                break;
            }
            _ => name.push(character),
        }
    }
    let step = match name.as_str() {
        "" => return None,
        "*" => Step::Every,
        _ => Step::Field(name),
    };
    Some((step, &text[end..]))
}

/// What stands between brackets.
fn bracket(text: &str) -> Option<Step> {
    let text = text.trim();
    if let Some(filter) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        return Some(Step::Where(filter_of(filter)?));
    }
    match (text, quoted(text)) {
        ("*", _) => Some(Step::Every),
        (_, Some(name)) => Some(Step::Field(name.to_owned())),
        _ => Some(Step::Index(text.parse().ok()?)),
    }
}

fn filter_of(text: &str) -> Option<Filter> {
    let compare = |operator: &str| text.split_once(operator);
    let (path, equals) = match (compare("=="), compare("!=")) {
        (Some((path, wanted)), _) => (path, Some((true, literal(wanted)?))),
        (None, Some((path, wanted))) => (path, Some((false, literal(wanted)?))),
        (None, None) => (text, None),
    };
    Some(Filter { path: JsonPath::parse(path.trim().strip_prefix('@')?)?, equals })
}

fn literal(text: &str) -> Option<Value> {
    let text = text.trim();
    match quoted(text) {
        Some(text) => Some(text.into()),
        None => serde_json::from_str(text).ok(),
    }
}

fn quoted(text: &str) -> Option<&str> {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\''))
}

/// Where the bracket closes that was open before the text; brackets in quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "metadata": {"annotations": {"flynn.io/app": "shop"}},
            "spec": {"list": [1, 2, 3], "map": {"a": {"x": 5}}},
            "status": {"conditions": [
                {"type": "Accepted", "status": "True"},
                {"type": "Ready", "status": "False", "count": 2},
            ]},
        })
    }

    fn first(path: &str) -> Option<Value> {
        JsonPath::parse(path).and_then(|path| path.first(&object()).cloned())
    }

    #[test]
    fn a_path_leads_through_fields_indexes_and_filters() {
        for (path, expected) in [
            (".spec.map.a.x", json!(5)),
            ("$.spec.map.a.x", json!(5)),
            (".spec.list[1]", json!(2)),
            (".spec.list[-1]", json!(3)),
            (".spec.list[*]", json!(1)),
            (".spec.map.*.x", json!(5)),
            (r".metadata.annotations.flynn\.io/app", json!("shop")),
            (".metadata.annotations['flynn.io/app']", json!("shop")),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!("False")),
            (".status.conditions[?(@.type == 'Ready')].status", json!("False")),
            (r#".status.conditions[?(@.type!="Ready")].status"#, json!("True")),
            (".status.conditions[?(@.count==2)].type", json!("Ready")),
            (".status.conditions[?(@.count)].type", json!("Ready")),
        ] {
            assert_eq!(first(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_path_to_nothing_finds_nothing() {
        for path in [
            ".spec.absent",
            ".spec.list[9]",
            ".spec.list[-9]",
            ".spec.map[0]",
            r#".status.conditions[?(@.type=="X")].status"#,
        ] {
            assert_eq!(first(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_not_understood_is_no_path() {
        for path in ["spec", ".a..b", ".a[", ".a[?(x==1)]", ".a[?(@.x==)]", ".a[b]"] {
            assert_eq!(JsonPath::parse(path), None, "{path}");
        }
    }
}

//! What differs between two runs of one server and means nothing: an output comes in, its lines without uids, times,
//! resource versions, addresses and generated names go out.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// What stands for what, in this order.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4}( UTC)?( m=\S+)?", "<time>"),
        (
            r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[,]? \w+ \w+ (\d{4} )?\d\d:\d\d:\d\d (\d{4}|GMT|[+-]\d{4})",
            "<time>",
        ),
        (r#"(resourceVersion\\*"?: ?\\*"?|Resource Version: +|version: \d+, current: )\d+"#, "$1<version>"),
        (r"(ResourceVersion in record \()\d+", "$1<version>"),
        (r"\?hash=[0-9A-Fa-f]+", "?hash=<hash>"),
        (r#"("continue": )"[^"]+""#, r#"$1"<continue>""#),
        (r"\b10\.77\.0\.1:\d+\b", "<server>"),
        (r"\b10\.(77|96|244)\.\d+\.\d+\b", "<address>"),
        (r"\b127\.0\.0\.1:\d+\b", "<server>"),
        (r"\bnode-[abc]\b", "<node>"),
        (r"\bus-east-1[abc]\b", "<zone>"),
        (r#"(pod-template-hash"?[:=] ?"?)[a-z0-9]+"#, "$1<hash>"),
        (r"-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-<hash>-<suffix>"),
        (r"([a-z0-9])-[bcdfghjklmnpqrstvwxz2456789]{5,10}\b", "$1-<suffix>"),
        (r"\.[0-9a-f]{14,16}\b", ".<event>"),
        (r"\bkubectl-edit-\d+", "kubectl-edit-<suffix>"),
        (r"\b(\d+m)?\d+(\.\d+)?m?s\b", "<age>"),
        (r"(\S)[ \t]{2,}", "$1  "),
    ];
    rules.map(|(pattern, with)| (compiled(pattern), with)).into()
});
static UID: LazyLock<Regex> =
    LazyLock::new(|| compiled("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));

/// The lines of an output.
pub(crate) fn lines(text: &str, own: &[(String, &str)]) -> Vec<String> {
    let mut text = json(text).unwrap_or_else(|| text.to_owned());
    for (value, with) in own {
        text = text.replace(value, with);
    }
    let mut uids = HashMap::new();
    text = UID
        .replace_all(&text, |uid: &Captures<'_>| {
            let next = uids.len() + 1;
            format!("<uid {}>", uids.entry(uid[0].to_owned()).or_insert(next))
        })
        .into_owned();
    for (pattern, with) in RULES.iter() {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// JSON, or lines of it, in a form of its own: fields by name, managed fields, causes and the kinds of a group
/// in an order that neither a clock nor a hash decides.
fn json(text: &str) -> Option<String> {
    let texts = if serde_json::from_str::<Value>(text).is_ok() { vec![text] } else { text.lines().collect() };
    let values: Result<Vec<Value>, _> = texts.into_iter().map(serde_json::from_str).collect();
    let values =
        values.ok().filter(|values| values.iter().any(|value| value.is_object() || value.is_array()))?;
    let texts = values.into_iter().map(|value| format!("{:#}\n", in_order(value)));
    Some(texts.collect())
}

fn in_order(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.into_iter().map(|(name, value)| (name, in_order(value))).collect();
            fields.sort_by(|(left, _), (right, _)| left.cmp(right));
            let mut fields = Map::from_iter(fields);
            if let Some(Value::Array(managers)) = fields.get_mut("managedFields") {
                managers.sort_by_cached_key(manager);
            }
            if let Some(Value::Array(resources)) = fields.get_mut("resources") {
                resources.sort_by_cached_key(|kind| [&kind["name"], &kind["resource"]].map(Value::to_string));
            }
            if several_causes(&mut fields) {
                shorten(&mut fields["message"]);
            }
            Value::Object(fields)
        }
        Value::Array(items) => items.into_iter().map(in_order).collect(),
        value => value,
    }
}

/// Whether it is a `Status` with several causes, which are in order then.
fn several_causes(status: &mut Map<String, Value>) -> bool {
    let causes =
        status.get_mut("details").and_then(|details| details.get_mut("causes")).and_then(Value::as_array_mut);
    causes.is_some_and(|causes| {
        causes.sort_by_cached_key(Value::to_string);
        causes.len() > 1
    })
}

/// The message of a `Status` repeats its causes in brackets, for a custom kind in any order.
fn shorten(message: &mut Value) {
    if let Some((what, _)) = message.as_str().and_then(|message| message.split_once('[')) {
        *message = format!("{what}[its causes]").into();
    }
}

fn manager(entry: &Value) -> [String; 4] {
    ["operation", "manager", "subresource", "apiVersion"].map(|field| entry[field].to_string())
}

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        lines(text, &[]).join("\n")
    }

    #[test]
    fn what_changes_from_run_to_run_is_replaced() {
        assert_eq!(
            normal("web-7d4b9c6f5d-x2k8p   1/1    Running   0   2m13s"),
            "web-<hash>-<suffix>  1/1  Running  0  <age>"
        );
        assert_eq!(
            normal("  resourceVersion: \"42\"\n  time: 2026-01-02T03:04:05Z"),
            "  resourceVersion: \"<version>\"\n  time: <time>"
        );
        let (a, b) = ("5c1d8ed2-0000-4000-8000-000000000000", "5c1d8ed2-0000-4000-8000-000000000001");
        assert_eq!(normal(&format!("{a} {b} {a}")), "<uid 1> <uid 2> <uid 1>");
    }

    #[test]
    fn what_is_said_stays() {
        for text in
            ["route.flynn.io/www created", "port 8080, replicas: 3, a: 10.9.8.7", "my-settings-here   x: 1"]
        {
            assert_eq!(
                normal(text).split_whitespace().collect::<Vec<_>>(),
                text.split_whitespace().collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn fields_have_no_order_and_lists_have_one() {
        assert_eq!(normal(r#"{"b": [2, 1], "a": 1}"#), normal(r#"{"a":1,"b":[2,1]}"#));
        assert_ne!(normal(r#"{"b": [1, 2]}"#), normal(r#"{"b": [2, 1]}"#));
    }
}

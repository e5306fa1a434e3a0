//! Strict field validation: fields that no schema knows, and fields that are given twice.
//!
//! Duplicates are only in the bytes of a request, so the scanner reads these; a real server's messages come in the order of
//! the document for built-in kinds, and for custom ones first the duplicates, then the unknown fields sorted by path.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::{Resource, Schema, Shape};

impl Resource {
    /// Everything that strict validation finds in the JSON of a request: `unknown field "spec.foo"`,
    /// `duplicate field "spec.bar"`. Bytes that are no JSON have no findings.
    #[must_use]
    pub fn strict_findings(&self, json: &[u8]) -> Vec<String> {
        let schema = (!self.is_custom).then_some(&self.schema);
        let mut findings = Vec::new();
        let scan = Scan { schema, path: String::new(), findings: &mut findings };
        if scan.deserialize(&mut serde_json::Deserializer::from_slice(json)).is_err() {
            return Vec::new();
        }
        if self.is_custom {
            let object = serde_json::from_slice(json).unwrap_or_default();
            let unknown = self.unknown_fields(&object).into_iter();
            findings.extend(unknown.map(|path| format!("unknown field {path:?}")));
        }
        findings
    }

    /// The paths of the fields that no schema knows, such as `spec.containers[0].foo`.
    #[must_use]
    pub fn unknown_fields(&self, object: &Value) -> Vec<String> {
        let mut unknown = Vec::new();
        find_unknown(&self.schema, object, String::new(), &mut unknown);
        if self.is_custom {
            unknown.sort_by_key(|path| (!path.starts_with("metadata."), path.clone()));
        }
        unknown
    }
}

fn find_unknown(schema: &Schema, value: &Value, path: String, unknown: &mut Vec<String>) {
    match (&schema.shape, value) {
        (Shape::Struct { fields, preserves_unknown, .. }, Value::Object(object)) => {
            for (name, value) in object {
                match fields.get(name) {
                    Some(field) => find_unknown(field, value, child(&path, name), unknown),
                    None if !preserves_unknown => unknown.push(child(&path, name)),
                    None => {}
                }
            }
        }
        (Shape::Map { values, .. }, Value::Object(object)) => {
            for (name, value) in object {
                find_unknown(values, value, child(&path, name), unknown);
            }
        }
        (Shape::List { items, .. }, Value::Array(list)) => {
            for (index, value) in list.iter().enumerate() {
                find_unknown(items, value, format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Reads one value of the document; without a schema it looks for duplicates only.
struct Scan<'a> {
    schema: Option<&'a Schema>,
    path: String,
    findings: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        let mut told = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = child(&self.path, &name);
            let field = match self.schema.map(|schema| &schema.shape) {
                Some(Shape::Struct { fields, preserves_unknown, .. }) => match fields.get(&name) {
                    None if !preserves_unknown => {
                        if told.insert(name) {
                            self.findings.push(format!("unknown field {path:?}"));
                        }
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    field => field,
                },
                Some(Shape::Map { values, .. }) => Some(&**values),
                _ => None,
            };
            if !seen.insert(name.clone()) && told.insert(name) {
                self.findings.push(format!("duplicate field {path:?}"));
            }
            map.next_value_seed(Scan { schema: field, path, findings: self.findings })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let items = match self.schema.map(|schema| &schema.shape) {
            Some(Shape::List { items, .. }) => Some(&**items),
            _ => None,
        };
        for index in 0.. {
            let path = format!("{}[{index}]", self.path);
            if list.next_element_seed(Scan { schema: items, path, findings: self.findings })?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Catalog;

    fn findings(group: &str, version: &str, plural: &str, json: &str) -> Vec<String> {
        let catalog = Catalog::new();
        let resource = catalog.by_path(group, version, plural).expect("it is served");
        resource.strict_findings(json.as_bytes())
    }

    #[test]
    fn built_in_kinds_tell_findings_in_the_order_of_the_document() {
        let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","zz":1,"aa":2,"ownerReferences":[{"q":1}]},
            "spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":1,"cpu":2,"cpu":3},"foo":{"x":1,"x":2}},
            "env":[{"name":"a","valueFrom":{"x":{"y":1}}}]}],"foo":1,"foo":2},"kind":"Pod"}"#;
        let expected = [
            r#"unknown field "metadata.zz""#,
            r#"unknown field "metadata.aa""#,
            r#"unknown field "metadata.ownerReferences[0].q""#,
            r#"duplicate field "spec.containers[0].resources.limits.cpu""#,
            r#"unknown field "spec.containers[0].resources.foo""#,
            r#"unknown field "spec.containers[0].env[0].valueFrom.x""#,
            r#"unknown field "spec.foo""#,
            r#"duplicate field "kind""#,
        ];
        assert_eq!(findings("", "v1", "pods", pod), expected);
    }

    #[test]
    fn custom_kinds_tell_duplicates_then_metadata_then_the_rest_sorted() {
        let app = r#"{"apiVersion":"flynn.io/v1alpha1","kind":"App","zzz":1,"metadata":{"name":"a","zz":1,"aa":2,"labels":{"a":"b","a":"c"}},
            "spec":{"zzz":[{"a":1,"a":2}],"envFrom":[{},{},{"x":1},{},{},{},{},{},{},{},{"x":1}],"processes":{"web":{"bar":1}}},"aaa":2}"#;
        let expected = [
            r#"duplicate field "metadata.labels.a""#,
            r#"duplicate field "spec.zzz[0].a""#,
            r#"unknown field "metadata.aa""#,
            r#"unknown field "metadata.zz""#,
            r#"unknown field "aaa""#,
            r#"unknown field "spec.envFrom[10].x""#,
            r#"unknown field "spec.envFrom[2].x""#,
            r#"unknown field "spec.processes.web.bar""#,
            r#"unknown field "spec.zzz""#,
            r#"unknown field "zzz""#,
        ];
        assert_eq!(findings("flynn.io", "v1alpha1", "apps", app), expected);
    }

    #[test]
    fn what_is_no_json_has_no_findings() {
        assert_eq!(findings("", "v1", "pods", "{\"a\":"), [""; 0]);
    }
}

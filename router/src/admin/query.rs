//! The query of a URL, decoded (application/x-www-form-urlencoded of the URL standard).

use std::collections::HashMap;

use crate::table::paths::hex;

/// Values by name; of several with one name the first.
pub(super) struct Query(HashMap<String, String>);

impl Query {
    pub(super) fn of(text: &str) -> Self {
        let mut values = HashMap::new();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            values.entry(decoded(name)).or_insert_with(|| decoded(value));
        }
        Self(values)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if let (Some(high), Some(low)) = (hex(*high), hex(*low)) => {
                bytes.push(high << 4 | low);
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_of_a_name_counts() {
        let query = Query::of("url=https%3A%2F%2Fa.com%2F%3Fx%3D1%26y&a+b=c%2&url=no&empty");
        assert_eq!(query.value("url"), Some("https://a.com/?x=1&y"));
        assert_eq!(query.value("a b"), Some("c%2"));
        assert_eq!(query.value("empty"), Some(""));
        assert_eq!(query.value("none"), None);
    }
}

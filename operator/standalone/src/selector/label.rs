//! Label selectors: `a=b,c!=d,e in (f,g),!h,i>5`, with the words for what is wrong in one.

use serde_json::Value;

use crate::status::{Failure, Result};

/// Requirements that all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    /// Also true where the label is absent.
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    pub(super) fn parse(text: &str) -> Result<Self> {
        Parser::new(text).requirements().map(Self).map_err(Failure::bad_request)
    }

    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, labels: &Value) -> bool {
        self.0.iter().all(|requirement| requirement.test.holds(labels[&requirement.key].as_str()))
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(values) => value.is_some_and(|value| values.iter().any(|known| known == value)),
            Self::NotIn(values) => value.is_none_or(|value| values.iter().all(|known| known != value)),
            Self::Greater(bound) => number().is_some_and(|number| number > *bound),
            Self::Less(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

/// The words of a selector; the empty word is its end.
struct Parser<'a> {
    words: Vec<&'a str>,
    at: usize,
}

/// What a requirement that is not one is told.
type Parsed<T> = std::result::Result<T, String>;

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";
const SYMBOLS: &str = "=!(),<>";

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let end = if SYMBOLS.contains(first) {
                if rest.starts_with("==") || rest.starts_with("!=") { 2 } else { 1 }
            } else {
                rest.find(|next: char| next.is_whitespace() || SYMBOLS.contains(next)).unwrap_or(rest.len())
            };
            words.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
        Self { words, at: 0 }
    }

    fn peek(&self) -> &'a str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'a str {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn requirements(mut self) -> Parsed<Vec<Requirement>> {
        let mut requirements = Vec::new();
        if self.peek().is_empty() {
            return Ok(requirements);
        }
        loop {
            let word = self.peek();
            if !is_identifier(word) && word != "!" {
                return Err(format!("found '{word}', expected: !, identifier, or 'end of string'"));
            }
            let requirement =
                self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
            requirements.push(requirement);
            match self.next() {
                "" => return Ok(requirements),
                "," if is_identifier(self.peek()) || self.peek() == "!" => {}
                "," => return Err(format!("found '{}', expected: identifier after ','", self.peek())),
                word => return Err(format!("found '{word}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Parsed<Requirement> {
        let absent = self.peek() == "!";
        if absent {
            self.next();
        }
        let key = self.next();
        if !is_identifier(key) {
            return Err(format!("found '{key}', expected: identifier"));
        }
        valid_key(key)?;
        let test = if absent { Test::Absent } else { self.test(key)? };
        Ok(Requirement { key: key.to_owned(), test })
    }

    fn test(&mut self, key: &str) -> Parsed<Test> {
        if matches!(self.peek(), "" | ",") {
            return Ok(Test::Exists);
        }
        match self.next() {
            "in" => self.values(key).map(Test::In),
            "notin" => self.values(key).map(Test::NotIn),
            "=" | "==" => self.exact(key).map(|value| Test::In(vec![value])),
            "!=" => self.exact(key).map(|value| Test::NotIn(vec![value])),
            ">" => self.bound().map(Test::Greater),
            "<" => self.bound().map(Test::Less),
            word => Err(format!("found '{word}', expected: {OPERATORS}")),
        }
    }

    fn exact(&mut self, key: &str) -> Parsed<String> {
        match self.peek() {
            "" | "," => Ok(String::new()),
            word if is_identifier(word) => valid_value(key, 0, self.next()),
            word => Err(format!("found '{word}', expected: identifier")),
        }
    }

    fn bound(&mut self) -> Parsed<i64> {
        let word = self.next();
        let why = "for 'Gt', 'Lt' operators, the value must be an integer";
        word.parse().map_err(|_| format!("values[0]: Invalid value: {word:?}: {why}"))
    }

    fn values(&mut self, key: &str) -> Parsed<Vec<String>> {
        let open = self.next();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        let mut values = Vec::new();
        loop {
            // An empty value is one, as in `(a,)`.
            let value = if is_identifier(self.peek()) { self.next() } else { "" };
            values.push(valid_value(key, values.len(), value)?);
            match self.next() {
                "," => {}
                ")" => return Ok(values),
                word => return Err(format!("found '{word}', expected: ',' or ')'")),
            }
        }
    }
}

fn is_identifier(word: &str) -> bool {
    !word.is_empty() && !word.starts_with(|first| SYMBOLS.contains(first))
}

const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
                    (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end \
                     with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn valid_key(key: &str) -> Parsed<()> {
    let refusal = |why: &str| Err(format!("<nil>: Invalid value: {key:?}: {why}"));
    match key.split('/').collect::<Vec<_>>().as_slice() {
        [name] | [_, name] if name.len() > 63 => refusal("name part must be no more than 63 bytes"),
        [name] | [_, name] if !is_name(name) => refusal(&format!("name part {NAME}")),
        ["", _] => refusal("prefix part must be non-empty"),
        [_] | [_, _] => Ok(()),
        _ => refusal(&format!(
            "a valid label key {NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        )),
    }
}

fn valid_value(key: &str, at: usize, value: &str) -> Parsed<String> {
    let refusal = |why: &str| Err(format!("values[{at}][{key}]: Invalid value: {value:?}: {why}"));
    match value {
        "" => Ok(String::new()),
        _ if value.len() > 63 => refusal("must be no more than 63 bytes"),
        _ if !is_name(value) => refusal(VALUE),
        _ => Ok(value.to_owned()),
    }
}

fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = [text.bytes().next(), text.bytes().next_back()];
    ends.iter().all(|end| end.is_some_and(|byte| byte.is_ascii_alphanumeric())) && text.bytes().all(is_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(selector: &str) -> bool {
        let labels = json!({"a": "b", "n": "5", "empty": ""});
        LabelSelector::parse(selector).expect(selector).matches(&labels)
    }

    #[test]
    fn every_operator_selects() {
        let yes =
            "a|a=b|a==b,n=5|a!=c|x!=c|a in (b,c)|a notin (c)|x notin (c)|!x|n>4|n<6|empty=|empty in (,x)|";
        for selector in yes.split('|') {
            assert!(matches(selector), "{selector}");
        }
        for selector in "x|a=c|a!=b|a in (c)|x in (c)|a notin (b)|!a|n>5|n<5|a>1|x=|a=b,x".split('|') {
            assert!(!matches(selector), "{selector}");
        }
    }

    #[test]
    fn mistakes_are_told_with_the_real_words() {
        for (selector, expected) in [
            ("foo===y", "unable to parse requirement: found '=', expected: identifier"),
            ("foo inx", "unable to parse requirement: found 'inx', expected: in, notin, =, ==, !=, gt, lt"),
            (",", "found ',', expected: !, identifier, or 'end of string'"),
            ("=b", "found '=', expected: !, identifier, or 'end of string'"),
            ("a in x", "unable to parse requirement: found 'x' expected: '('"),
            ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("a=b,", "found '', expected: identifier after ','"),
            ("!", "unable to parse requirement: found '', expected: identifier"),
            ("!a=b", "found '=', expected: ',' or 'end of string'"),
            (
                "a>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ] {
            let failure = LabelSelector::parse(selector).expect_err(selector);
            assert_eq!(failure.to_status()["message"], expected, "{selector}");
        }
    }
}

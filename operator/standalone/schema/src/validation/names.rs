//! What names may look like, and what is said of those that do not. Every function gives the faults of one text.

use std::sync::LazyLock;

use regex::Regex;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

/// A pattern that a whole text has to match.
struct Whole(LazyLock<Regex>);

static IS_LABEL: Whole = Whole(LazyLock::new(|| whole(LABEL)));
static IS_SUBDOMAIN: Whole = Whole(LazyLock::new(|| whole(SUBDOMAIN)));
static IS_QUALIFIED: Whole = Whole(LazyLock::new(|| whole(QUALIFIED)));
static IS_LABEL_VALUE: Whole = Whole(LazyLock::new(|| whole(LABEL_VALUE)));

impl Whole {
    fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!(r"\A(?:{pattern})\z")).expect("the pattern is a constant")
}

fn mismatch(rule: &str, examples: &[&str], pattern: &str) -> String {
    let examples: Vec<_> = examples.iter().map(|example| format!("'{example}'")).collect();
    let examples = examples.join(",  or ");
    format!("{rule} (e.g. {examples}, regex used for validation is '{pattern}')")
}

/// A host name: names of most objects.
pub(super) fn subdomain(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.len() > 253 {
        faults.push("must be no more than 253 characters".to_owned());
    }
    if !IS_SUBDOMAIN.is_match(text) {
        faults.push(mismatch(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            &["example.com"],
            SUBDOMAIN,
        ));
    }
    faults
}

/// One label of a host name: names of Services, Namespaces, containers, ports.
pub(super) fn label(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.len() > 63 {
        faults.push("must be no more than 63 characters".to_owned());
    }
    if !IS_LABEL.is_match(text) {
        faults.push(if IS_SUBDOMAIN.is_match(text) {
            "must not contain dots".to_owned()
        } else {
            mismatch(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                &["my-name", "123-abc"],
                LABEL,
            )
        });
    }
    faults
}

/// The key of a label, with or without a host name before a slash.
pub(super) fn qualified(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let name = match text.split('/').collect::<Vec<_>>()[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                faults.push("prefix part must be non-empty".to_owned());
            } else {
                faults.extend(subdomain(prefix).into_iter().map(|fault| format!("prefix part {fault}")));
            }
            name
        }
        _ => {
            let rule = mismatch(
                "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
                &["MyName", "my.name", "123-abc"],
                QUALIFIED,
            );
            return vec![format!(
                "{rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        faults.push("name part must be no more than 63 bytes".to_owned());
    }
    if !IS_QUALIFIED.is_match(name) {
        faults.push(mismatch(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            &["MyName", "my.name", "123-abc"],
            QUALIFIED,
        ));
    }
    faults
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.len() > 63 {
        faults.push("must be no more than 63 bytes".to_owned());
    }
    if !IS_LABEL_VALUE.is_match(text) {
        faults.push(mismatch(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            &["MyValue", "my_value", "12345"],
            LABEL_VALUE,
        ));
    }
    faults
}

/// The name of a port.
pub(super) fn port(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.len() > 15 {
        faults.push("must be no more than 15 characters".to_owned());
    }
    if text.is_empty() || !text.chars().all(is_allowed) {
        faults.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.contains(|c: char| c.is_ascii_lowercase()) {
        faults.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        faults.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        faults.push("must not begin or end with a hyphen".to_owned());
    }
    faults
}

/// The name of an environment variable.
pub(super) fn variable(text: &str) -> Vec<String> {
    let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=');
    if is_printable && !text.is_empty() {
        return Vec::new();
    }
    vec![
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
            .to_owned(),
    ]
}

/// A key of a Secret or a ConfigMap.
pub(super) fn data_key(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if text.len() > 253 {
        faults.push("must be no more than 253 characters".to_owned());
    }
    if text.is_empty() || !text.chars().all(is_allowed) {
        faults.push(mismatch(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            &["key.name", "KEY_NAME", "key-name"],
            "[-._a-zA-Z0-9]+",
        ));
    }
    match text {
        "." => faults.push("must not be '.'".to_owned()),
        ".." => faults.push("must not be '..'".to_owned()),
        _ if text.starts_with("..") => faults.push("must not start with '..'".to_owned()),
        _ => {}
    }
    faults
}

/// The name of an HTTP header.
pub(super) fn header(text: &str) -> Vec<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !text.is_empty() && text.chars().all(is_allowed) {
        return Vec::new();
    }
    let rule = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![mismatch(rule, &["X-Header-Name"], "[-A-Za-z0-9]+")]
}

/// A share such as `25%`.
pub(super) fn percent(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let rule = "a valid percent string must be a numeric string followed by an ending '%'";
    vec![mismatch(rule, &["1%", "93%"], "[0-9]+%")]
}

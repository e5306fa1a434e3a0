//! Domain names, as Route 53 reads, sorts and prints them.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>: case does not matter, a
//! trailing dot may be left out, labels are 1 to 63 octets, names at most 255; a character other than `a-z`, `0-9`,
//! `-` and `_` may be given as an escape in octal and is always printed so (`*` is `\052`). From
//! <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>: names sort by their
//! labels, the last label first.

use std::fmt;

/// An absolute name in lower case. Its order is that of lists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// From the top-level domain down, so that the derived order is the wanted one.
    labels: Vec<String>,
}

/// A text that is no domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("FATAL problem: {problem} encountered with '{text}'")]
pub struct InvalidName {
    problem: &'static str,
    text: String,
}

impl Name {
    /// Reads a name, with or without trailing dot.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = |problem| InvalidName { problem, text: text.to_owned() };
        let relative = text.strip_suffix('.').unwrap_or(text);
        let labels: Vec<_> = relative.rsplit('.').map(|label| unescape(label).to_ascii_lowercase()).collect();
        if labels.iter().any(String::is_empty) {
            return Err(invalid("DomainLabelEmpty (Domain label is empty)"));
        }
        if labels.iter().any(|label| label.len() > 63) {
            return Err(invalid("DomainLabelTooLong (Domain label is too long)"));
        }
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() > 254 {
            return Err(invalid("DomainNameTooLong (Domain name is too long)"));
        }
        if !labels.iter().all(|label| label.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(invalid("UnsupportedCharacter (Value contains unsupported characters)"));
        }
        Ok(Self { labels })
    }

    /// Whether this is `ancestor` or a name below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.labels.starts_with(&ancestor.labels)
    }

    /// The name without its leftmost label; none for a top-level domain.
    pub fn parent(&self) -> Option<Self> {
        let (_, labels) = self.labels.split_last()?;
        (!labels.is_empty()).then(|| Self { labels: labels.to_vec() })
    }

    /// `*.` and this name.
    pub fn wildcard(&self) -> Self {
        let mut labels = self.labels.clone();
        labels.push("*".to_owned());
        Self { labels }
    }

    /// Whether the leftmost label is `*`.
    pub fn is_wildcard(&self) -> bool {
        self.labels.last().is_some_and(|label| label == "*")
    }

    /// Whether the leftmost label holds a `*` among other characters, which Route 53 refuses.
    pub fn is_partial_wildcard(&self) -> bool {
        self.labels.last().is_some_and(|label| label != "*" && label.contains('*'))
    }

    /// How many labels it has.
    pub fn depth(&self) -> usize {
        self.labels.len()
    }

    /// The labels from the leftmost on, unescaped.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().rev().map(String::as_str)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in self.labels() {
            for char in label.chars() {
                match char {
                    'a'..='z' | '0'..='9' | '-' | '_' => write!(f, "{char}")?,
                    other => write!(f, "\\{:03o}", u32::from(other))?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Replaces `\ooo` by the character of that octal code.
fn unescape(label: &str) -> String {
    let mut plain = String::new();
    let mut rest = label;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.map_or('\\', char::from));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn a_name_is_printed_in_lower_case_with_a_dot_and_escapes() {
        assert_eq!(name("*.Site.test").to_string(), "\\052.site.test.");
        assert_eq!(name("\\052.site.test."), name("*.site.test"));
    }

    #[test]
    fn a_name_that_only_ends_alike_is_not_within() {
        assert!(name("a.site.test").is_within(&name("site.test")));
        assert!(!name("asite.test").is_within(&name("site.test")));
    }

    #[test]
    fn names_sort_by_their_last_label_first() {
        let mut names = [name("b.test"), name("z.a.test"), name("a.test")];
        names.sort();
        assert_eq!(names, [name("a.test"), name("z.a.test"), name("b.test")]);
    }

    #[test]
    fn an_empty_or_overlong_label_is_refused() {
        assert!(Name::parse("a..test").is_err());
        assert!(Name::parse(&format!("{}.test", "a".repeat(64))).is_err());
        assert!(Name::parse("a b.test").is_err());
    }
}

//! The query of a request's URL, decoded, and the options in it that every verb reads the same way.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::status::{Cause, Failure, Result};

/// The parameters of a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

/// What a client wants done about fields that the kind does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum FieldValidation {
    /// They are dropped.
    Ignore,
    /// They are dropped, and told of in `Warning` headers.
    #[default]
    Warn,
    /// The request is refused.
    Strict,
}

/// How a list's `resourceVersion` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// The state at that revision.
    Exact,
    /// The state at that revision or a later one.
    NotOlderThan,
}

impl Query {
    /// Decodes what is after the question mark.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Self(pairs.collect())
    }

    /// The parameter, unless it is left out or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A yes or no. As a Go program decodes it: there without a value is a yes, nonsense too.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .is_some_and(|(_, value)| !matches!(value.as_str(), "0" | "false"))
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Failure::bad_request(not_a_number("ParseInt", text)))
    }

    /// `timeoutSeconds`.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>> {
        let seconds = self.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok());
        Ok(seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs))
    }

    /// Whether nothing is to be stored (`dryRun=All`). `options` names the kind of options in an error.
    pub(crate) fn dry_run(&self, options: &str) -> Result<bool> {
        dry_run(options, &self.all("dryRun").collect::<Vec<_>>())
    }

    /// `fieldValidation`.
    pub(crate) fn field_validation(&self, options: &str) -> Result<FieldValidation> {
        match self.text("fieldValidation") {
            None => Ok(FieldValidation::default()),
            Some("Ignore") => Ok(FieldValidation::Ignore),
            Some("Warn") => Ok(FieldValidation::Warn),
            Some("Strict") => Ok(FieldValidation::Strict),
            Some(other) => {
                let supported = r#""", "Ignore", "Strict", "Warn""#;
                let message = format!("Unsupported value: {other:?}: supported values: {supported}");
                let cause = Cause::new("FieldValueNotSupported", "fieldValidation", message);
                Err(Failure::invalid_options(options, &[cause]))
            }
        }
    }
}

/// Whether nothing is to be stored; `All` is the only way there is.
pub(crate) fn dry_run(options: &str, wanted: &[&str]) -> Result<bool> {
    if wanted.iter().any(|wanted| *wanted != "All") {
        let message = format!("Unsupported value: {}: supported values: \"All\"", list(wanted));
        let cause = Cause::new("FieldValueNotSupported", "dryRun", message);
        return Err(Failure::invalid_options(options, &[cause]));
    }
    Ok(!wanted.is_empty())
}

/// A revision in a request; empty and `0` mean any.
pub(crate) fn revision(text: &str) -> std::result::Result<u64, String> {
    text.parse().map_err(|_| not_a_number("ParseUint", text))
}

/// What a request is told whose `resourceVersion` is none.
pub(crate) fn not_a_revision(version: &str, why: &str) -> Failure {
    Failure::internal(format!("resourceVersion: Invalid value: {version:?}: {why}"))
}

fn not_a_number(parser: &str, text: &str) -> String {
    format!("strconv.{parser}: parsing {text:?}: invalid syntax")
}

fn list(values: &[&str]) -> String {
    format!("[{}]", values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(","))
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&watch&limit=5&x=");
        assert_eq!(query.text("labelSelector"), Some("a=b,c in (d)"));
        assert!(query.flag("watch"));
        assert!(!query.flag("other"));
        assert!(!Query::parse("watch=false").flag("watch"));
        assert_eq!(query.text("x"), None);
        assert_eq!(query.number("limit").expect("a number"), Some(5));
    }

    #[test]
    fn what_is_no_number_is_refused_with_the_real_words() {
        let failure = Query::parse("limit=x").number("limit").expect_err("no number");
        assert_eq!(failure.to_status()["message"], "strconv.ParseInt: parsing \"x\": invalid syntax");
    }

    #[test]
    fn a_dry_run_is_all_or_nothing() {
        assert!(Query::parse("dryRun=All").dry_run("CreateOptions").expect("known"));
        let failure = Query::parse("dryRun=Bad").dry_run("CreateOptions").expect_err("unknown");
        let expected = "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Bad\"]: supported values: \"All\"";
        assert_eq!(failure.to_status()["message"], expected);
    }
}

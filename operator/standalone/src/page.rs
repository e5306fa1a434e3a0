//! Continue tokens of lists in pages. A token names the revision that the list shows and the object to go on after, in
//! the encoding that a kube-apiserver uses; to a client it is opaque.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::body::parse_json;
use crate::status::{Failure, Result};

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The revision of the list; none: whatever is there now, after the revision was lost.
    pub(crate) revision: Option<u64>,
    pub(crate) after_namespace: String,
    pub(crate) after_name: String,
}

#[derive(Serialize, Deserialize)]
struct Token {
    v: String,
    rv: i64,
    start: String,
}

const VERSION: &str = "meta.k8s.io/v1";

impl Page {
    /// Reads a token.
    ///
    /// # Errors
    /// A 400 for what is not one of ours.
    pub(crate) fn parse(token: &str) -> Result<Self> {
        let refused = |why: &str| {
            Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let json = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|error| {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => 0,
            };
            refused(&format!("illegal base64 data at input byte {at}"))
        })?;
        let token = parse_json(&json).map_err(|why| refused(&why))?.value;
        let token = serde_json::from_value::<Token>(token).map_err(|error| refused(&error.to_string()))?;
        let start = token.start.strip_suffix('\0').and_then(|start| start.split_once('/'));
        let (namespace, name) =
            start.filter(|_| token.v == VERSION).ok_or_else(|| refused("server does not recognize it"))?;
        Ok(Self {
            revision: u64::try_from(token.rv).ok().filter(|revision| *revision > 0),
            after_namespace: namespace.to_owned(),
            after_name: name.to_owned(),
        })
    }

    /// The token.
    pub(crate) fn token(&self) -> String {
        let rv = self.revision.and_then(|revision| i64::try_from(revision).ok()).unwrap_or(-1);
        let start = format!("{}/{}\0", self.after_namespace, self.after_name);
        let token = Token { v: VERSION.to_owned(), rv, start };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("a token is JSON"))
    }

    /// The same place in the list as it is now.
    pub(crate) fn in_what_there_is(&self) -> Self {
        Self { revision: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for revision in [Some(7), None] {
            let page = Page { revision, after_namespace: "a".to_owned(), after_name: "b".to_owned() };
            assert_eq!(Page::parse(&page.token()).expect("ours"), page);
        }
    }

    #[test]
    fn other_text_is_refused() {
        for token in ["x", "e30", "eyJ2IjoieCIsInJ2IjoxLCJzdGFydCI6ImEvYlx1MDAwMCJ9", "%"] {
            assert_eq!(Page::parse(token).expect_err(token).code().as_u16(), 400, "{token}");
        }
    }
}

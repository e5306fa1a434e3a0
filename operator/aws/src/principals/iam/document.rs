//! Policies as IAM gives them back: JSON, percent-encoded as in an address (RFC 3986).

use percent_encoding::percent_decode_str;
use plan::aws::Failure;
use serde_json::Value;

use crate::failure::incomplete;

/// Decodes a policy that came with this call.
pub(super) fn decoded(call: &'static str, document: &str) -> Result<Value, Failure> {
    let text = percent_decode_str(document).decode_utf8().map_err(|_| incomplete(call))?;
    serde_json::from_str(&text).map_err(|_| incomplete(call))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_read_as_it_was_written_also_with_a_plus_and_beyond_ascii() {
        let encoded = "%7B%22Sid%22%3A%20%22a+b%20%C3%A4%22%7D";
        assert_eq!(decoded("iam:GetUserPolicy", encoded).unwrap(), json!({ "Sid": "a+b ä" }));
    }

    #[test]
    fn what_is_no_policy_is_no_answer() {
        for text in ["", "%7B", "%FF"] {
            assert_eq!(decoded("iam:GetUserPolicy", text), Err(incomplete("iam:GetUserPolicy")), "{text}");
        }
    }
}

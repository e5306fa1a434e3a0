//! An answer that was cut off is no answer.
//!
//! The SDK reads XML up to where it ends, and takes what is missing for empty: a list of groups, keys or tags would be believed that is only its beginning. So the last
//! thing of an answer has to be the end of its first element. What is no XML is left to the SDK, which reads it whole or not at all; a refusal is one by its status.

use aws_sdk_ec2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;

/// Refuses what was cut off.
#[derive(Debug)]
pub(crate) struct Whole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        match response.body().bytes() {
            Some(body) if response.status().is_success() && !is_whole(body) => {
                Err("the answer was cut off".into())
            }
            _ => Ok(()),
        }
    }
}

fn is_whole(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    let body = body.trim();
    if !body.starts_with('<') {
        return true;
    }
    let Some(root) = root(body) else { return false };
    let name = root.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    let is_its_own_end = root.ends_with('/') && body.ends_with(&format!("<{root}>"));
    is_its_own_end || body.ends_with(&format!("</{name}>"))
}

/// What stands between the angle brackets of the first element, after the declarations before it.
fn root(body: &str) -> Option<&str> {
    let tags = body.split('<').skip(1).map(|rest| rest.split_once('>').map(|(tag, _)| tag));
    tags.take_while(Option::is_some).flatten().find(|tag| !tag.starts_with(['?', '!']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_first_element_ends_last() {
        let whole = [
            "",
            r#"{"Statement": []}"#,
            "<a></a>",
            "<?xml version=\"1.0\"?>\n<a xmlns=\"u\"><b/><a></a></a>\n",
            "<?xml version=\"1.0\"?><LocationConstraint xmlns=\"http://s3\"/>",
            "<a/>",
        ];
        for body in whole {
            assert!(is_whole(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn what_ends_before_its_first_element_is_not() {
        let cut =
            ["<", "<a", "<a>", "<a><b></b>", "<a><b/>", "<?xml version=\"1.0\"?>", "<a><b></a", "<ab></b>"];
        for body in cut {
            assert!(!is_whole(body.as_bytes()), "{body}");
        }
    }
}

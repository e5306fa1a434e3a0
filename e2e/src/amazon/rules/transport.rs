//! A bucket that takes TLS only.
//!
//! | rule | page |
//! |---|---|
//! | a statement says nothing about a request that its condition does not hold for | `IAM/latest/UserGuide/reference_policies_elements_condition.html` |
//!
//! moto heeds no condition in a bucket's policy, and takes the refusal of what comes without TLS for a refusal of everything. The doubles pass for TLS, so
//! that such a statement has to say nothing: its actions go to moto as `S3:*`, which is the same to S3, where actions have no case, and no action to moto.

use bytes::Bytes;

use crate::amazon::refusal::Reply;

const CONDITION: &str = "aws:SecureTransport";
const ACTIONS: &str = r#""s3:*""#;
const UNKNOWN: &str = r#""S3:*""#;

/// A policy as moto gets it. It is as long as before.
pub(super) fn to_moto(policy: &Bytes) -> Bytes {
    translated(policy, ACTIONS, UNKNOWN)
}

/// The policy as it was put.
pub(super) fn from_moto(mut reply: Reply) -> Reply {
    reply.body = translated(&reply.body, UNKNOWN, ACTIONS);
    reply
}

fn translated(policy: &Bytes, from: &str, to: &str) -> Bytes {
    match std::str::from_utf8(policy) {
        Ok(text) if text.contains(CONDITION) => text.replace(from, to).into(),
        _ => policy.clone(),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[test]
    fn only_a_policy_about_tls_goes_to_moto_in_other_words_and_comes_back_in_its_own() {
        let other = Bytes::from_static(br#"{"Action":"s3:*"}"#);
        assert_eq!(to_moto(&other), other);
        let policy =
            Bytes::from_static(br#"{"Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#);
        let translated = to_moto(&policy);
        assert!(translated != policy && translated.len() == policy.len());
        let reply = Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: translated };
        assert_eq!(from_moto(reply).body, policy);
    }
}

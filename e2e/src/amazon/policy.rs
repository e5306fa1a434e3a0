//! Policies as moto can judge them: a policy comes in, the same with fewer limits goes out.
//!
//! moto knows the resource of a call to S3 only. To it, every other call is on `*`, which no statement about one resource
//! allows; and it heeds no condition. So what remains of a statement outside of S3 is which actions it allows.

use anyhow::Result;
use serde_json::{Value, json};

/// The name of the policy that a user has beside the one that moto can judge: the same without any change.
pub(super) const EXACT: &str = "exact";

/// The policy, whose statements about other services than S3 are about everything.
pub(super) fn widened(policy: &str) -> Result<String> {
    let mut policy: Value = serde_json::from_str(policy)?;
    let statements = match &mut policy["Statement"] {
        Value::Array(statements) => statements.as_mut_slice(),
        statement => std::slice::from_mut(statement),
    };
    for statement in statements.iter_mut().filter(|statement| statement["Effect"] == "Allow") {
        if !words(&statement["Action"]).any(|action| action.starts_with("s3:")) {
            statement["Resource"] = json!("*");
        }
    }
    Ok(policy.to_string())
}

/// A word, or a list of words.
pub(super) fn words(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allowed_outside_of_s3_is_widened() -> Result<()> {
        let statement = |effect: &str, action: &str, resource: &str| json!({ "Effect": effect, "Action": [action], "Resource": resource });
        let address = "arn:aws:ec2:*:*:elastic-ip/*";
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            statement("Allow", "ec2:ReleaseAddress", address),
            statement("Allow", "s3:GetObject", "arn:aws:s3:::b/*"),
            statement("Deny", "ec2:ReleaseAddress", address),
        ]});
        let got: Value = serde_json::from_str(&widened(&policy.to_string())?)?;
        let resources: Vec<_> = (0..3).map(|at| got["Statement"][at]["Resource"].as_str()).collect();
        assert_eq!(resources, [Some("*"), Some("arn:aws:s3:::b/*"), Some(address)]);
        Ok(())
    }
}

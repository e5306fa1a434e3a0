//! What a user may do at Route 53, which moto does not carry out, and at EC2, where moto takes a signed form with a blank in it for wrongly signed.
//!
//! | rule | page |
//! |---|---|
//! | an action that no policy of the user allows, or one denies, is `AccessDenied`, of EC2 `UnauthorizedOperation` | `IAM/latest/UserGuide/reference_policies_evaluation-logic.html` |
//! | a key of nobody is `InvalidClientTokenId` | `Route53/latest/APIReference/CommonErrors.html` |
//!
//! As in moto, only actions count outside of S3. The policies that stand with the user itself are read, no others.

use anyhow::Result;
use serde_json::Value;

use super::{Judged, Rules};
use crate::amazon::policy::words;
use crate::amazon::refusal::Refusal;
use crate::amazon::request::{Request, Service};

/// Whether the user who signed may do this.
pub(super) async fn check(rules: &Rules, request: &Request) -> Judged {
    let key = request.access_key.as_deref().unwrap_or_default();
    let owner = rules.account.iam.get_access_key_last_used().access_key_id(key).send().await;
    let Some(user) = owner.ok().and_then(|owner| owner.user_name) else {
        let message = "The security token included in the request is invalid.";
        return Ok(Err(Refusal::new("InvalidClientTokenId", message)));
    };
    let action = request.action();
    let effects = effects(rules, &user, &action).await?;
    let allows =
        effects.iter().any(|effect| effect == "Allow") && effects.iter().all(|effect| effect == "Allow");
    let message = || format!("User: {user} is not authorized to perform: {action}");
    let code = if request.service == Service::Ec2 { "UnauthorizedOperation" } else { "AccessDenied" };
    Ok(if allows { Ok(()) } else { Err(Refusal::new(code, message())) })
}

/// What the statements about an action say.
async fn effects(rules: &Rules, user: &str, action: &str) -> Result<Vec<String>> {
    let iam = &rules.account.iam;
    let mut effects = Vec::new();
    for name in iam.list_user_policies().user_name(user).send().await?.policy_names {
        let policy = iam.get_user_policy().user_name(user).policy_name(name).send().await?;
        let policy: Value = serde_json::from_str(&decoded(&policy.policy_document))?;
        let statements = policy["Statement"].as_array().cloned();
        for statement in statements.unwrap_or_else(|| vec![policy["Statement"].clone()]) {
            if words(&statement["Action"]).any(|pattern| fits(pattern, action)) {
                effects.push(statement["Effect"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    Ok(effects)
}

/// The document, which comes as a part of a URL (RFC 3986).
fn decoded(document: &str) -> String {
    let field = format!("document={document}");
    form_urlencoded::parse(field.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// Whether a pattern such as `route53:List*` names this action.
fn fits(pattern: &str, action: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == action };
    let left = action.strip_prefix(start);
    left.is_some_and(|left| (0..=left.len()).any(|at| left.get(at..).is_some_and(|left| fits(rest, left))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_stands_for_any_characters() {
        let action = "route53:ListHostedZones";
        for pattern in ["*", "route53:*", "route53:List*", "route53:*s", "route53:L*Hosted*", action] {
            assert!(fits(pattern, action), "{pattern}");
        }
        for pattern in ["route53:ListHostedZone", "ec2:*", "route53:*Zone", "route53:Get*"] {
            assert!(!fits(pattern, action), "{pattern}");
        }
    }
}

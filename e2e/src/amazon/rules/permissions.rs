//! What a user may do. moto is asked about it only where a test enforces IAM there: it takes a signed form with a blank in it for wrongly signed, compares
//! resources for S3 alone, and does not play Route 53.
//!
//! | rule | page |
//! |---|---|
//! | an action that no policy of the user allows, or one denies, is `AccessDenied`, of EC2 `UnauthorizedOperation` | `IAM/latest/UserGuide/reference_policies_evaluation-logic.html` |
//! | a key of nobody is `InvalidClientTokenId`, of S3 `InvalidAccessKeyId` | `Route53/latest/APIReference/CommonErrors.html` |
//!
//! Resources count for S3 and IAM (`permissions/needs.rs`), conditions nowhere. The policies that stand with the user itself are read, no others.

mod needs;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde_json::Value;

use super::{Judged, Rules};
use crate::amazon::policy::{EXACT, words};
use crate::amazon::refusal::Refusal;
use crate::amazon::request::{Request, Service};
use needs::Need;

/// The users that stand still, by their keys: an exact policy is that of a user whom only the suite makes, and it never changes.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<BTreeMap<String, Arc<Entitled>>>);

/// A user, and what the policies say.
#[derive(Debug)]
struct Entitled {
    user: String,
    statements: Vec<Value>,
}

/// Whether the user who signed may do this.
pub(super) async fn check(rules: &Rules, request: &Request) -> Judged {
    let Some(entitled) = signer(rules, request.access_key.as_deref().unwrap_or_default()).await? else {
        return Ok(Err(nobody(request.service)));
    };
    let Entitled { user, statements } = &*entitled;
    let needs = needs::of(rules, request).await?;
    let Some(need) = needs.into_iter().find(|need| !is_allowed(statements, need)) else {
        return Ok(Ok(()));
    };
    let Need { action, resource } = need;
    let on = resource.map(|resource| format!(" on resource: {resource}")).unwrap_or_default();
    let code = if request.service == Service::Ec2 { "UnauthorizedOperation" } else { "AccessDenied" };
    Ok(Err(Refusal::new(code, format!("User: {user} is not authorized to perform: {action}{on}"))))
}

/// What a key of nobody is refused.
fn nobody(service: Service) -> Refusal {
    match service {
        Service::S3 => Refusal::new(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        _ => Refusal::new("InvalidClientTokenId", "The security token included in the request is invalid."),
    }
}

/// The user of a key, with the statements of the exact policy, if there is one, else of all policies.
async fn signer(rules: &Rules, key: &str) -> Result<Option<Arc<Entitled>>> {
    let known = || rules.known.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(entitled) = known().get(key) {
        return Ok(Some(entitled.clone()));
    }
    let iam = &rules.account.iam;
    let owner = iam.get_access_key_last_used().access_key_id(key).send().await;
    let Some(user) = owner.ok().and_then(|owner| owner.user_name) else { return Ok(None) };
    let mut names = iam.list_user_policies().user_name(&user).send().await?.policy_names;
    let is_exact = names.iter().any(|name| name == EXACT);
    names.retain(|name| !is_exact || name == EXACT);
    let mut statements = Vec::new();
    for name in names {
        let policy = iam.get_user_policy().user_name(&user).policy_name(name).send().await?;
        let policy: Value = serde_json::from_str(&decoded(&policy.policy_document))?;
        let several = policy["Statement"].as_array().cloned();
        statements.extend(several.unwrap_or_else(|| vec![policy["Statement"].clone()]));
    }
    let entitled = Arc::new(Entitled { user, statements });
    if is_exact {
        known().insert(key.to_owned(), entitled.clone());
    }
    Ok(Some(entitled))
}

/// Whether one statement allows it and none denies it.
fn is_allowed(statements: &[Value], need: &Need) -> bool {
    let is_about = |statement: &&Value| {
        let resource = need.resource.as_deref();
        words(&statement["Action"]).any(|pattern| fits(pattern, &need.action))
            && resource
                .is_none_or(|resource| words(&statement["Resource"]).any(|pattern| fits(pattern, resource)))
    };
    let mut effects = statements.iter().filter(is_about).map(|statement| &statement["Effect"]).peekable();
    effects.peek().is_some() && effects.all(|effect| effect == "Allow")
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
    fn what_one_statement_allows_on_a_resource_and_none_denies_is_allowed() {
        let statement = |effect: &str, action: &str, resource: &str| serde_json::json!({ "Effect": effect, "Action": action, "Resource": resource });
        let allow = statement("Allow", "s3:*", "arn:aws:s3:::b/*");
        let deny = statement("Deny", "s3:DeleteObject", "arn:aws:s3:::b/kept/*");
        let is_allowed = |action: &str, resource: Option<&str>| {
            let need = Need { action: action.to_owned(), resource: resource.map(str::to_owned) };
            is_allowed(&[allow.clone(), deny.clone()], &need)
        };
        assert!(is_allowed("s3:DeleteObject", Some("arn:aws:s3:::b/a")));
        assert!(!is_allowed("s3:DeleteObject", Some("arn:aws:s3:::b/kept/a")));
        assert!(!is_allowed("s3:GetObject", Some("arn:aws:s3:::c/a")));
        assert!(!is_allowed("iam:GetUser", None));
        assert!(is_allowed("s3:GetObject", None), "where the action alone counts");
    }

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

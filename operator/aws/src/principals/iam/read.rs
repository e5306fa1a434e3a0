//! A user or a role as IAM has it: the thing itself, then its inline policies, then what else is attached.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use plan::aws::storage::{Principal, PrincipalKind};
use plan::aws::{Failure, Fault};
use serde_json::Value;

use super::{attached, document};
use crate::failure::incomplete;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Iam;

const GET_USER: Operation = Operation::read("iam:GetUser", &[Lane::IamRead]);
const GET_ROLE: Operation = Operation::read("iam:GetRole", &[Lane::IamRead]);
const GET_USER_POLICY: Operation = Operation::read("iam:GetUserPolicy", &[Lane::IamRead]);
const GET_ROLE_POLICY: Operation = Operation::read("iam:GetRolePolicy", &[Lane::IamRead]);

/// Reads it; nothing if it is not there, or is gone before all is read.
pub(super) async fn principal(
    iam: &Iam,
    kind: PrincipalKind,
    name: &str,
) -> Result<Option<Principal>, Failure> {
    let read = async {
        let bare = match kind {
            PrincipalKind::User => user(iam, name).await?,
            PrincipalKind::Role => role(iam, name).await?,
        };
        let policies = policies(iam, kind, name).await?;
        let attached = attached::names(iam, kind, name).await?;
        Ok(Principal { policies, attached, ..bare })
    };
    match read.await {
        Ok(principal) => Ok(Some(principal)),
        Err(failure) => if_there(Err(failure)),
    }
}

/// Takes "there is no such entity" for an answer.
fn if_there<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.fault == Fault::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn user(iam: &Iam, name: &str) -> Result<Principal, Failure> {
    let output = iam.caller.call(&GET_USER, || iam.client.get_user().user_name(name).send()).await?;
    let user = output.user.filter(|user| !user.arn.is_empty()).ok_or_else(|| incomplete(GET_USER.name))?;
    Ok(bare(user.arn, user.tags, None))
}

async fn role(iam: &Iam, name: &str) -> Result<Principal, Failure> {
    let output = iam.caller.call(&GET_ROLE, || iam.client.get_role().role_name(name).send()).await?;
    let role = output.role.filter(|role| !role.arn.is_empty()).ok_or_else(|| incomplete(GET_ROLE.name))?;
    let trust = role.assume_role_policy_document.as_deref();
    let trust = trust.map(|trust| document::decoded(GET_ROLE.name, trust)).transpose()?;
    Ok(bare(role.arn, role.tags, trust))
}

fn bare(arn: String, tags: Option<Vec<Tag>>, trust: Option<Value>) -> Principal {
    let tags = tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect();
    Principal { arn, tags, policies: BTreeMap::new(), attached: [].into(), trust }
}

async fn policies(iam: &Iam, kind: PrincipalKind, name: &str) -> Result<BTreeMap<String, Value>, Failure> {
    let mut policies = BTreeMap::new();
    for policy in attached::inline_policies(iam, kind, name).await? {
        let read = match kind {
            PrincipalKind::User => user_policy(iam, name, &policy).await,
            PrincipalKind::Role => role_policy(iam, name, &policy).await,
        };
        // One that went after it was listed is none.
        policies.extend(if_there(read)?.map(|document| (policy, document)));
    }
    Ok(policies)
}

async fn user_policy(iam: &Iam, user: &str, policy: &str) -> Result<Value, Failure> {
    let send = || iam.client.get_user_policy().user_name(user).policy_name(policy).send();
    let output = iam.caller.call(&GET_USER_POLICY, send).await?;
    document::decoded(GET_USER_POLICY.name, &output.policy_document)
}

async fn role_policy(iam: &Iam, role: &str, policy: &str) -> Result<Value, Failure> {
    let send = || iam.client.get_role_policy().role_name(role).policy_name(policy).send();
    let output = iam.caller.call(&GET_ROLE_POLICY, send).await?;
    document::decoded(GET_ROLE_POLICY.name, &output.policy_document)
}

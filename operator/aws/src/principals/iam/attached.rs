//! The names of what belongs to a user or a role: inline policies, managed policies, the groups of a user. Every list comes in pages.

use std::collections::BTreeSet;

use aws_sdk_iam::types::AttachedPolicy;
use plan::aws::Failure;
use plan::aws::storage::PrincipalKind;

use PrincipalKind::{Role, User};

use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Iam;

const LIST_USER_POLICIES: Operation = Operation::read("iam:ListUserPolicies", &[Lane::IamRead]);
const LIST_ROLE_POLICIES: Operation = Operation::read("iam:ListRolePolicies", &[Lane::IamRead]);
const LIST_OF_USER: Operation = Operation::read("iam:ListAttachedUserPolicies", &[Lane::IamRead]);
const LIST_OF_ROLE: Operation = Operation::read("iam:ListAttachedRolePolicies", &[Lane::IamRead]);
const LIST_GROUPS: Operation = Operation::read("iam:ListGroupsForUser", &[Lane::IamRead]);

/// A page of a list, and where the next one begins.
pub(super) type Page<T> = (Vec<T>, Option<String>);

/// Reads all pages of a list.
pub(super) async fn pages<T, F>(read: impl Fn(Option<String>) -> F) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<Page<T>, Failure>>,
{
    let mut all = Vec::new();
    let mut marker = None;
    loop {
        let (page, next) = read(marker).await?;
        all.extend(page);
        marker = next;
        if marker.is_none() {
            return Ok(all);
        }
    }
}

/// The names of the inline policies.
pub(super) async fn inline_policies(
    iam: &Iam,
    kind: PrincipalKind,
    name: &str,
) -> Result<Vec<String>, Failure> {
    match kind {
        User => {
            pages(|marker| async move {
                let list =
                    || iam.client.list_user_policies().user_name(name).set_marker(marker.clone()).send();
                let page = iam.caller.call(&LIST_USER_POLICIES, list).await?;
                Ok((page.policy_names, page.marker.filter(|_| page.is_truncated)))
            })
            .await
        }
        Role => {
            pages(|marker| async move {
                let list =
                    || iam.client.list_role_policies().role_name(name).set_marker(marker.clone()).send();
                let page = iam.caller.call(&LIST_ROLE_POLICIES, list).await?;
                Ok((page.policy_names, page.marker.filter(|_| page.is_truncated)))
            })
            .await
        }
    }
}

/// The names of the managed policies, and of the groups of a user.
pub(super) async fn names(iam: &Iam, kind: PrincipalKind, name: &str) -> Result<BTreeSet<String>, Failure> {
    let (managed, groups) = match kind {
        User => (of_user(iam, name).await?, groups(iam, name).await?),
        Role => (of_role(iam, name).await?, Vec::new()),
    };
    let managed = managed.into_iter().filter_map(|policy| policy.policy_name.or(policy.policy_arn));
    Ok(managed.chain(groups).collect())
}

async fn of_user(iam: &Iam, name: &str) -> Result<Vec<AttachedPolicy>, Failure> {
    pages(|marker| async move {
        let list = || {
            let request = iam.client.list_attached_user_policies().user_name(name);
            request.set_marker(marker.clone()).send()
        };
        let page = iam.caller.call(&LIST_OF_USER, list).await?;
        Ok((page.attached_policies.unwrap_or_default(), page.marker.filter(|_| page.is_truncated)))
    })
    .await
}

async fn of_role(iam: &Iam, name: &str) -> Result<Vec<AttachedPolicy>, Failure> {
    pages(|marker| async move {
        let list = || {
            let request = iam.client.list_attached_role_policies().role_name(name);
            request.set_marker(marker.clone()).send()
        };
        let page = iam.caller.call(&LIST_OF_ROLE, list).await?;
        Ok((page.attached_policies.unwrap_or_default(), page.marker.filter(|_| page.is_truncated)))
    })
    .await
}

async fn groups(iam: &Iam, user: &str) -> Result<Vec<String>, Failure> {
    pages(|marker| async move {
        let list = || iam.client.list_groups_for_user().user_name(user).set_marker(marker.clone()).send();
        let page = iam.caller.call(&LIST_GROUPS, list).await?;
        let names = page.groups.into_iter().map(|group| group.group_name).collect();
        Ok((names, page.marker.filter(|_| page.is_truncated)))
    })
    .await
}

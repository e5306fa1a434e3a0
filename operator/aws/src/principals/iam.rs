//! Users, roles and access keys on IAM.

mod attached;
mod document;
mod keys;
mod read;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::{StatusType, Tag};
use plan::aws::storage::{AccessKey, Principal, PrincipalKind};
use plan::aws::{AccessKeyId, Failure};
use serde_json::Value;

use super::{NewKey, Principals};
use crate::failure::{gone_is_done, invalid};
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Iam;

use PrincipalKind::{Role, User};

const CREATE_USER: Operation = Operation::write("iam:CreateUser", &[Lane::IamWrite]);
const CREATE_ROLE: Operation = Operation::write("iam:CreateRole", &[Lane::IamWrite]);
const TAG_USER: Operation = Operation::write("iam:TagUser", &[Lane::IamWrite]);
const TAG_ROLE: Operation = Operation::write("iam:TagRole", &[Lane::IamWrite]);
const PUT_TRUST: Operation = Operation::write("iam:UpdateAssumeRolePolicy", &[Lane::IamWrite]);
const PUT_USER_POLICY: Operation = Operation::write("iam:PutUserPolicy", &[Lane::IamWrite]);
const PUT_ROLE_POLICY: Operation = Operation::write("iam:PutRolePolicy", &[Lane::IamWrite]);
const DELETE_USER_POLICY: Operation = Operation::write("iam:DeleteUserPolicy", &[Lane::IamWrite]);
const DELETE_ROLE_POLICY: Operation = Operation::write("iam:DeleteRolePolicy", &[Lane::IamWrite]);
const DELETE_USER: Operation = Operation::write("iam:DeleteUser", &[Lane::IamWrite]);
const DELETE_ROLE: Operation = Operation::write("iam:DeleteRole", &[Lane::IamWrite]);
const UPDATE_KEY: Operation = Operation::write("iam:UpdateAccessKey", &[Lane::IamWrite]);
const DELETE_KEY: Operation = Operation::write("iam:DeleteAccessKey", &[Lane::IamWrite]);

#[async_trait]
impl Principals for Iam {
    async fn read(&self, kind: PrincipalKind, name: &str) -> Result<Option<Principal>, Failure> {
        read::principal(self, kind, name).await
    }

    async fn keys(&self, user: &str) -> Result<Vec<AccessKey>, Failure> {
        keys::list(self, user).await
    }

    async fn create(
        &self,
        kind: PrincipalKind,
        name: &str,
        tags: &BTreeMap<String, String>,
        trust: Option<&Value>,
    ) -> Result<(), Failure> {
        match kind {
            User => {
                let tags = written(&CREATE_USER, tags)?;
                let send = || self.client.create_user().user_name(name).set_tags(Some(tags.clone())).send();
                self.caller.call(&CREATE_USER, send).await.map(drop)
            }
            Role => {
                let tags = written(&CREATE_ROLE, tags)?;
                let send = || {
                    let request = self.client.create_role().role_name(name).set_tags(Some(tags.clone()));
                    request.set_assume_role_policy_document(trust.map(ToString::to_string)).send()
                };
                self.caller.call(&CREATE_ROLE, send).await.map(drop)
            }
        }
    }

    async fn tag(
        &self,
        kind: PrincipalKind,
        name: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        match kind {
            User => {
                let tags = written(&TAG_USER, tags)?;
                let send = || self.client.tag_user().user_name(name).set_tags(Some(tags.clone())).send();
                self.caller.call(&TAG_USER, send).await.map(drop)
            }
            Role => {
                let tags = written(&TAG_ROLE, tags)?;
                let send = || self.client.tag_role().role_name(name).set_tags(Some(tags.clone())).send();
                self.caller.call(&TAG_ROLE, send).await.map(drop)
            }
        }
    }

    async fn put_trust(&self, role: &str, trust: &Value) -> Result<(), Failure> {
        let send = || {
            let request = self.client.update_assume_role_policy().role_name(role);
            request.policy_document(trust.to_string()).send()
        };
        self.caller.call(&PUT_TRUST, send).await.map(drop)
    }

    async fn put_policy(
        &self,
        kind: PrincipalKind,
        name: &str,
        policy: &str,
        document: &Value,
    ) -> Result<(), Failure> {
        match kind {
            User => {
                let send = || {
                    let request = self.client.put_user_policy().user_name(name).policy_name(policy);
                    request.policy_document(document.to_string()).send()
                };
                self.caller.call(&PUT_USER_POLICY, send).await.map(drop)
            }
            Role => {
                let send = || {
                    let request = self.client.put_role_policy().role_name(name).policy_name(policy);
                    request.policy_document(document.to_string()).send()
                };
                self.caller.call(&PUT_ROLE_POLICY, send).await.map(drop)
            }
        }
    }

    async fn delete_policy(&self, kind: PrincipalKind, name: &str, policy: &str) -> Result<(), Failure> {
        gone_is_done(match kind {
            User => {
                let send = || self.client.delete_user_policy().user_name(name).policy_name(policy).send();
                self.caller.call(&DELETE_USER_POLICY, send).await.map(drop)
            }
            Role => {
                let send = || self.client.delete_role_policy().role_name(name).policy_name(policy).send();
                self.caller.call(&DELETE_ROLE_POLICY, send).await.map(drop)
            }
        })
    }

    async fn delete(&self, kind: PrincipalKind, name: &str) -> Result<(), Failure> {
        gone_is_done(match kind {
            User => {
                let send = || self.client.delete_user().user_name(name).send();
                self.caller.call(&DELETE_USER, send).await.map(drop)
            }
            Role => {
                let send = || self.client.delete_role().role_name(name).send();
                self.caller.call(&DELETE_ROLE, send).await.map(drop)
            }
        })
    }

    async fn create_key(&self, user: &str) -> Result<NewKey, Failure> {
        keys::create(self, user).await
    }

    async fn deactivate_key(&self, user: &str, key: &AccessKeyId) -> Result<(), Failure> {
        let send = || {
            let request = self.client.update_access_key().user_name(user).access_key_id(key.as_str());
            request.status(StatusType::Inactive).send()
        };
        self.caller.call(&UPDATE_KEY, send).await.map(drop)
    }

    async fn delete_key(&self, user: &str, key: &AccessKeyId) -> Result<(), Failure> {
        let send = || self.client.delete_access_key().user_name(user).access_key_id(key.as_str()).send();
        gone_is_done(self.caller.call(&DELETE_KEY, send).await.map(drop))
    }
}

fn written(operation: &Operation, tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, Failure> {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>().map_err(|error| invalid(operation.name, error.to_string()))
}

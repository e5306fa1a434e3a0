//! Users, roles and access keys.
//!
//! A user and a role have the same calls under two names; here they are one. IAM shows what was written late: what is not there may be there in a moment.

mod iam;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use plan::aws::storage::{AccessKey, Principal, PrincipalKind};
use plan::aws::{AccessKeyId, Failure};
use serde_json::Value;

/// The calls about users and roles that the operator makes.
#[async_trait]
pub trait Principals: Send + Sync {
    /// The user or the role of this name, with its tags, inline policies, and what else is attached to it.
    async fn read(&self, kind: PrincipalKind, name: &str) -> Result<Option<Principal>, Failure>;

    /// The user's access keys, each with when it was last used; none of a user that is not there.
    async fn keys(&self, user: &str) -> Result<Vec<AccessKey>, Failure>;

    /// Creates it and tags it, in one; a name that is taken is a conflict. `trust` is who may take on a role.
    async fn create(
        &self,
        kind: PrincipalKind,
        name: &str,
        tags: &BTreeMap<String, String>,
        trust: Option<&Value>,
    ) -> Result<(), Failure>;

    /// Gives it these tags, beside those of others.
    async fn tag(
        &self,
        kind: PrincipalKind,
        name: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure>;

    /// Says who may take on a role.
    async fn put_trust(&self, role: &str, trust: &Value) -> Result<(), Failure>;

    /// Puts an inline policy.
    async fn put_policy(
        &self,
        kind: PrincipalKind,
        name: &str,
        policy: &str,
        document: &Value,
    ) -> Result<(), Failure>;

    /// Deletes an inline policy; one that is gone is a success.
    async fn delete_policy(&self, kind: PrincipalKind, name: &str, policy: &str) -> Result<(), Failure>;

    /// Deletes it; one that is gone is a success, one to which something belongs a conflict.
    async fn delete(&self, kind: PrincipalKind, name: &str) -> Result<(), Failure>;

    /// Creates an access key. It is never tried again by itself: of a call without an answer nobody knows whether it made a key, and the secret key is told once.
    async fn create_key(&self, user: &str) -> Result<NewKey, Failure>;

    /// Makes a key useless, in a way that can be taken back.
    async fn deactivate_key(&self, user: &str, key: &AccessKeyId) -> Result<(), Failure>;

    /// Deletes a key; one that is gone is a success.
    async fn delete_key(&self, user: &str, key: &AccessKeyId) -> Result<(), Failure>;
}

/// An access key in the moment in which it is made.
#[derive(Debug)]
pub struct NewKey {
    /// Its id, which is no secret.
    pub id: AccessKeyId,
    /// The secret key.
    pub secret: SecretKey,
}

/// A secret key: it cannot be printed, compared, copied or written as JSON, only handed on.
pub struct SecretKey(String);

impl SecretKey {
    /// Takes a secret key.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The key itself, for the Secret and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

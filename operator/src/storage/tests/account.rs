//! A stateful fake of what a Blobstore needs of AWS and of the API server: it carries calls out as they do, can refuse them, and can be the place where a
//! process dies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use aws::{BucketRef, Buckets, NewKey, Principals, SecretKey};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, Secret};
use plan::ObjectKey;
use plan::aws::storage::{
    AccessKey, Bucket, BucketSettings, BucketState, Contents, Principal, PrincipalKind, Versioning,
};
use plan::aws::{AccessKeyId, Failure, Fault};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::storage::secret::{Stored, Written};

/// How many keys IAM allows a user.
const MOST_KEYS: usize = 2;

/// The account and the API server.
pub(super) struct Account {
    state: Mutex<State>,
    begin: (Timestamp, Instant),
    /// Told when a call never returns.
    pub(super) died: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) principals: BTreeMap<(PrincipalKind, String), Principal>,
    pub(super) keys: BTreeMap<String, Vec<AccessKey>>,
    /// The secret key of every access key that was ever made.
    pub(super) issued: BTreeMap<AccessKeyId, String>,
    pub(super) secrets: BTreeMap<ObjectKey, Secret>,
    pub(super) pods: Vec<Pod>,
    /// The calls that read, by action.
    pub(super) reads: BTreeMap<&'static str, usize>,
    /// The calls that wrote, in their order.
    pub(super) writes: Vec<&'static str>,
    /// What calls are refused for: all, or those of this name.
    pub(super) refusal: Option<(Option<&'static str>, Fault)>,
    /// What a write of entries into a Secret is refused for.
    pub(super) refused_entries: Option<Fault>,
    /// Whether a refused write is carried out all the same.
    pub(super) refuses_too_late: bool,
    /// The write that takes ten seconds.
    pub(super) slow: Option<&'static str>,
    /// The number of the write that never returns, and whether it is carried out.
    pub(super) death: Option<(usize, bool)>,
    numbers: u32,
}

impl Account {
    pub(super) fn new() -> Arc<Self> {
        let begin = ("2026-11-22T12:00:00Z".parse().unwrap(), Instant::now());
        Arc::new(Self { state: Mutex::default(), begin, died: Notify::new() })
    }

    /// Everything as it is.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn now(&self) -> Timestamp {
        let (timestamp, instant) = self.begin;
        timestamp + SignedDuration::try_from(instant.elapsed()).unwrap()
    }

    pub(super) async fn read_secret(&self, key: &ObjectKey) -> Result<Option<Stored>, Failure> {
        self.read("secrets:get", |state| state.secrets.get(key).cloned().map(Stored::of)).await
    }

    pub(super) async fn pods(&self) -> Result<Vec<Pod>, Failure> {
        self.read("pods:list", |state| state.pods.clone()).await
    }

    /// As server-side apply does: without entries, those that are there stay.
    pub(super) async fn write_secret(&self, key: &ObjectKey, written: Written) -> Result<String, Failure> {
        let (mut secret, has_entries) = written.into_object();
        let apply = |state: &mut State| {
            let before = state.secrets.get(key);
            if before.and_then(|found| found.metadata.resource_version.clone())
                != secret.metadata.resource_version
            {
                return Err(Fault::Conflict);
            }
            if has_entries && state.refused_entries.is_some() && !state.refuses_too_late {
                return Ok(String::new());
            }
            if !has_entries {
                secret.data = before.and_then(|found| found.data.clone());
            }
            let version = state.number().to_string();
            secret.metadata.resource_version = Some(version.clone());
            state.secrets.insert(key.clone(), secret);
            Ok(version)
        };
        let version = self.write("secrets:patch", apply).await?;
        let refused = self.state().refused_entries.filter(|_| has_entries);
        refused.map_or(Ok(version), |fault| Err(failure("secrets:patch", fault)))
    }

    pub(super) async fn delete_secret(&self, key: &ObjectKey, version: &str) -> Result<(), Failure> {
        let delete = |state: &mut State| {
            let found = state.secrets.get(key).and_then(|found| found.metadata.resource_version.clone());
            if found.is_some_and(|found| found != version) {
                return Err(Fault::Conflict);
            }
            state.secrets.remove(key);
            Ok(())
        };
        self.write("secrets:delete", delete).await
    }

    async fn read<T>(&self, call: &'static str, answer: impl FnOnce(&mut State) -> T) -> Result<T, Failure> {
        *self.state().reads.entry(call).or_default() += 1;
        self.refused(call).await?;
        Ok(answer(&mut self.state()))
    }

    async fn write<T>(
        &self,
        call: &'static str,
        carry_out: impl FnOnce(&mut State) -> Result<T, Fault>,
    ) -> Result<T, Failure> {
        let refused = match self.refused(call).await {
            Err(refusal) if !self.state().refuses_too_late => return Err(refusal),
            refused => refused,
        };
        let is_slow = self.state().slow == Some(call);
        if is_slow {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        let (is_last, is_carried_out) = {
            let mut state = self.state();
            let number = state.writes.len();
            state.writes.push(call);
            match state.death {
                Some((death, carried_out)) if death == number => (true, carried_out),
                _ => (false, true),
            }
        };
        let result = if is_carried_out { Some(carry_out(&mut self.state())) } else { None };
        if is_last {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        refused?;
        result.unwrap().map_err(|fault| failure(call, fault))
    }

    async fn refused(&self, call: &'static str) -> Result<(), Failure> {
        let refusal = self.state().refusal.filter(|(only, _)| only.is_none_or(|only| only == call));
        let fault = refusal.map(|(_, fault)| fault);
        if fault == Some(Fault::Unreachable) {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        fault.map_or(Ok(()), |fault| Err(failure(call, fault)))
    }

    async fn set(
        &self,
        call: &'static str,
        bucket: BucketRef<'_>,
        set: impl FnOnce(&mut Bucket) + Send,
    ) -> Result<(), Failure> {
        let set = |state: &mut State| state.bucket(bucket).map(set);
        self.write(call, set).await
    }
}

fn failure(call: &'static str, fault: Fault) -> Failure {
    Failure { call, fault, code: Some(format!("{fault:?}")), message: "the account refuses".into() }
}

impl State {
    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    fn bucket(&mut self, bucket: BucketRef<'_>) -> Result<&mut Bucket, Fault> {
        let found = self.buckets.get_mut(bucket.name).filter(|found| found.region == bucket.region);
        found.ok_or(Fault::NotFound)
    }

    fn principal(&mut self, kind: PrincipalKind, name: &str) -> Result<&mut Principal, Fault> {
        self.principals.get_mut(&(kind, name.to_owned())).ok_or(Fault::NotFound)
    }

    /// Makes a key of this user, as the operator or a person does.
    pub(super) fn make_key(&mut self, user: &str, now: Timestamp) -> Result<(AccessKeyId, String), Fault> {
        let number = self.number();
        let keys = self.keys.entry(user.to_owned()).or_default();
        if keys.len() >= MOST_KEYS {
            return Err(Fault::Quota);
        }
        let (id, secret) = (AccessKeyId::new(format!("AKIA{number:04}")), format!("sEcReT/{number:04}+kEy"));
        keys.push(AccessKey { id: id.clone(), active: true, created: now, last_used: None });
        self.issued.insert(id.clone(), secret.clone());
        Ok((id, secret))
    }

    /// All calls that read.
    pub(super) fn all_reads(&self) -> usize {
        self.reads.values().sum()
    }
}

#[async_trait]
impl Buckets for Account {
    async fn read(&self, bucket: BucketRef<'_>) -> Result<BucketState, Failure> {
        let found = |state: &mut State| state.buckets.get(bucket.name).cloned();
        let found = Account::read(self, "s3:GetBucketLocation", found).await?;
        Ok(found.map_or(BucketState::Absent, BucketState::Here))
    }

    async fn create(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let create = |state: &mut State| {
            if state.buckets.contains_key(bucket.name) {
                return Err(Fault::Conflict);
            }
            let made = Bucket {
                region: bucket.region.to_owned(),
                tags: BTreeMap::new(),
                contents: Contents::default(),
                settings: BucketSettings { owner_enforced: true, ..BucketSettings::default() },
            };
            state.buckets.insert(bucket.name.to_owned(), made);
            Ok(())
        };
        self.write("s3:CreateBucket", create).await
    }

    async fn tag(&self, bucket: BucketRef<'_>, tags: &BTreeMap<String, String>) -> Result<(), Failure> {
        self.set("s3:PutBucketTagging", bucket, |found| found.tags.extend(tags.clone())).await
    }

    async fn block_public_access(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let set = |found: &mut Bucket| found.settings.public_access_blocked = true;
        self.set("s3:PutBucketPublicAccessBlock", bucket, set).await
    }

    async fn enforce_ownership(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let set = |found: &mut Bucket| found.settings.owner_enforced = true;
        self.set("s3:PutBucketOwnershipControls", bucket, set).await
    }

    async fn encrypt(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let set = |found: &mut Bucket| found.settings.encryption = Some("AES256".into());
        self.set("s3:PutEncryptionConfiguration", bucket, set).await
    }

    async fn put_policy(&self, bucket: BucketRef<'_>, policy: &Value) -> Result<(), Failure> {
        let set = |found: &mut Bucket| found.settings.policy = Some(policy.clone());
        self.set("s3:PutBucketPolicy", bucket, set).await
    }

    async fn abort_stale_uploads(&self, bucket: BucketRef<'_>, after_days: u32) -> Result<(), Failure> {
        let set = |found: &mut Bucket| found.settings.uploads_aborted_after_days = Some(after_days);
        self.set("s3:PutLifecycleConfiguration", bucket, set).await
    }

    async fn set_versioning(&self, bucket: BucketRef<'_>, enabled: bool) -> Result<(), Failure> {
        let versioning = if enabled { Versioning::Enabled } else { Versioning::Suspended };
        self.set("s3:PutBucketVersioning", bucket, |found| found.settings.versioning = versioning).await
    }

    async fn empty(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let set = |found: &mut Bucket| {
            found.contents.objects = found.contents.objects.saturating_sub(1000);
            found.contents.more = found.contents.objects > 1000;
        };
        self.set("s3:DeleteObjectVersion", bucket, set).await
    }

    async fn delete(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let delete = |state: &mut State| {
            if state.bucket(bucket).is_ok_and(|found| found.contents != Contents::default()) {
                return Err(Fault::Conflict);
            }
            state.buckets.remove(bucket.name);
            Ok(())
        };
        self.write("s3:DeleteBucket", delete).await
    }
}

#[async_trait]
impl Principals for Account {
    async fn read(&self, kind: PrincipalKind, name: &str) -> Result<Option<Principal>, Failure> {
        let call = match kind {
            PrincipalKind::User => "iam:GetUser",
            PrincipalKind::Role => "iam:GetRole",
        };
        Account::read(self, call, |state| state.principal(kind, name).ok().cloned()).await
    }

    async fn keys(&self, user: &str) -> Result<Vec<AccessKey>, Failure> {
        let keys = |state: &mut State| state.keys.get(user).cloned().unwrap_or_default();
        Account::read(self, "iam:ListAccessKeys", keys).await
    }

    async fn create(
        &self,
        kind: PrincipalKind,
        name: &str,
        tags: &BTreeMap<String, String>,
        trust: Option<&Value>,
    ) -> Result<(), Failure> {
        let principal = Principal {
            arn: format!("arn:aws:iam::123456789012:{kind:?}/{name}"),
            tags: tags.clone(),
            policies: BTreeMap::new(),
            attached: BTreeSet::new(),
            trust: trust.cloned(),
        };
        let create = |state: &mut State| {
            if state.principal(kind, name).is_ok() {
                return Err(Fault::Conflict);
            }
            state.principals.insert((kind, name.to_owned()), principal);
            Ok(())
        };
        self.write("iam:CreateUser", create).await
    }

    async fn tag(
        &self,
        kind: PrincipalKind,
        name: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let tag =
            |state: &mut State| state.principal(kind, name).map(|found| found.tags.extend(tags.clone()));
        self.write("iam:TagUser", tag).await
    }

    async fn put_trust(&self, role: &str, trust: &Value) -> Result<(), Failure> {
        let put = |state: &mut State| {
            state.principal(PrincipalKind::Role, role).map(|found| found.trust = Some(trust.clone()))
        };
        self.write("iam:UpdateAssumeRolePolicy", put).await
    }

    async fn put_policy(
        &self,
        kind: PrincipalKind,
        name: &str,
        policy: &str,
        document: &Value,
    ) -> Result<(), Failure> {
        let put = |state: &mut State| {
            let found = state.principal(kind, name)?;
            found.policies.insert(policy.to_owned(), document.clone());
            Ok(())
        };
        self.write("iam:PutUserPolicy", put).await
    }

    async fn delete_policy(&self, kind: PrincipalKind, name: &str, policy: &str) -> Result<(), Failure> {
        let delete =
            |state: &mut State| state.principal(kind, name).map(|it| drop(it.policies.remove(policy)));
        self.write("iam:DeleteUserPolicy", delete).await
    }

    async fn delete(&self, kind: PrincipalKind, name: &str) -> Result<(), Failure> {
        let delete = |state: &mut State| {
            let has_keys = state.keys.get(name).is_some_and(|keys| !keys.is_empty());
            let has_policies = state.principal(kind, name).is_ok_and(|found| !found.policies.is_empty());
            if has_keys && kind == PrincipalKind::User || has_policies {
                return Err(Fault::Conflict);
            }
            state.principals.remove(&(kind, name.to_owned()));
            Ok(())
        };
        self.write("iam:DeleteUser", delete).await
    }

    async fn create_key(&self, user: &str) -> Result<NewKey, Failure> {
        let now = self.now();
        let (id, secret) = self.write("iam:CreateAccessKey", |state| state.make_key(user, now)).await?;
        Ok(NewKey { id, secret: SecretKey::new(secret) })
    }

    async fn deactivate_key(&self, user: &str, key: &AccessKeyId) -> Result<(), Failure> {
        let deactivate = |state: &mut State| {
            let mut keys = state.keys.get_mut(user).ok_or(Fault::NotFound)?.iter_mut();
            keys.find(|found| found.id == *key).ok_or(Fault::NotFound)?.active = false;
            Ok(())
        };
        self.write("iam:UpdateAccessKey", deactivate).await
    }

    async fn delete_key(&self, user: &str, key: &AccessKeyId) -> Result<(), Failure> {
        let delete = |state: &mut State| {
            state.keys.entry(user.to_owned()).or_default().retain(|found| found.id != *key);
            Ok(())
        };
        self.write("iam:DeleteAccessKey", delete).await
    }
}

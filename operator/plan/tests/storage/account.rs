//! A model of what a Blobstore needs of S3, IAM and Kubernetes: it refuses what they refuse, and knows which keys a person made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use plan::aws::storage::{
    AccessKey, Bucket, BucketState, Contents, Principal, PrincipalKind, SecretMarks, SecretState, SecretUser,
    StorageCall, StorageObserved, Versioning,
};
use plan::aws::{AccessKeyId, Failure, Fault};

/// The account, the Secret and the Pods.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Account {
    pub(crate) now: Timestamp,
    pub(crate) buckets: BTreeMap<String, Bucket>,
    /// Buckets of other accounts.
    pub(crate) taken: BTreeSet<String>,
    pub(crate) users: BTreeMap<String, Principal>,
    pub(crate) roles: BTreeMap<String, Principal>,
    pub(crate) keys: Vec<AccessKey>,
    pub(crate) made_by_hand: BTreeSet<AccessKeyId>,
    pub(crate) secret: Option<SecretState>,
    pub(crate) pods: Vec<SecretUser>,
    made: u32,
}

/// Where a call is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nowhere.
    Nowhere,
    /// A key is created, and its Secret not written.
    BeforeTheSecret,
}

impl Account {
    pub(crate) fn new() -> Self {
        Self {
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            buckets: BTreeMap::new(),
            taken: BTreeSet::new(),
            users: BTreeMap::new(),
            roles: BTreeMap::new(),
            keys: Vec::new(),
            made_by_hand: BTreeSet::new(),
            secret: None,
            pods: Vec::new(),
            made: 0,
        }
    }

    pub(crate) fn pass(&mut self, time: SignedDuration) {
        self.now += time;
    }

    /// What there is to see for a Blobstore with this bucket and this user.
    pub(crate) fn observe(&self, bucket: &str, principal: &str) -> StorageObserved {
        let bucket = match self.buckets.get(bucket) {
            Some(here) => BucketState::Here(here.clone()),
            None if self.taken.contains(bucket) => BucketState::Taken,
            None => BucketState::Absent,
        };
        StorageObserved {
            bucket: Ok(bucket),
            user: Ok(self.users.get(principal).cloned()),
            role: Ok(self.roles.get(principal).cloned()),
            keys: Ok(self.keys.clone()),
            secret: self.secret.clone(),
            pods: self.pods.clone(),
        }
    }

    /// A person makes a key for the user.
    pub(crate) fn key_by_hand(&mut self) -> Option<AccessKeyId> {
        let id = self.create_key().ok()?;
        self.made_by_hand.insert(id.clone());
        Some(id)
    }

    /// Every Pod starts again, with what the Secret has now.
    pub(crate) fn restart_pods(&mut self) {
        let key = self.secret.as_ref().and_then(|secret| secret.key.clone());
        self.pods.iter_mut().for_each(|pod| pod.key.clone_from(&key));
    }

    /// The Pods read an object: the key that they have is used.
    pub(crate) fn use_keys(&mut self) {
        for key in &mut self.keys {
            if key.active && self.pods.iter().any(|pod| pod.key.as_ref() == Some(&key.id)) {
                key.last_used = Some(self.now);
            }
        }
    }

    pub(crate) fn key(&self, id: &AccessKeyId) -> Option<&AccessKey> {
        self.keys.iter().find(|key| key.id == *id)
    }

    pub(crate) fn bucket(&mut self, name: &str) -> &mut Bucket {
        self.buckets.get_mut(name).unwrap()
    }

    /// Carries a call out.
    pub(crate) fn apply(&mut self, call: &StorageCall, cut: Cut) -> Result<(), Failure> {
        use StorageCall as C;
        let refuse = |fault| Err(failure(call, fault));
        match call {
            C::NoteIntent { marks, .. } => self.secret_mut().marks = marks.clone(),
            C::WriteRole { arn, marks, .. } => {
                let written =
                    SecretState { role: Some(arn.clone()), key: None, marks: marks.clone(), ..intact() };
                self.secret = Some(written);
            }
            C::DeleteSecret { .. } => self.secret = None,
            C::CreateBucket { bucket, region } => {
                if self.taken.contains(bucket) || self.buckets.contains_key(bucket) {
                    return refuse(Fault::Conflict);
                }
                self.buckets.insert(bucket.clone(), plain(region));
            }
            C::DeleteBucket { bucket } => match self.buckets.get(bucket) {
                None => return refuse(Fault::NotFound),
                Some(full) if full.contents != Contents::default() => return refuse(Fault::Conflict),
                Some(_) => drop(self.buckets.remove(bucket)),
            },
            C::CreateKey { marks, .. } => {
                let Ok(id) = self.create_key() else { return refuse(Fault::Quota) };
                if cut == Cut::Nowhere {
                    let marks = marks.clone().with_key(id.clone(), self.now);
                    self.secret = Some(SecretState { key: Some(id), marks, ..intact() });
                }
            }
            C::DeactivateKey { key, .. } => match self.keys.iter_mut().find(|known| known.id == *key) {
                Some(known) => known.active = false,
                None => return refuse(Fault::NotFound),
            },
            C::DeleteKey { key, .. } => self.keys.retain(|known| known.id != *key),
            C::TagBucket { bucket, .. }
            | C::BlockPublicAccess { bucket }
            | C::EnforceOwnership { bucket }
            | C::EncryptBucket { bucket }
            | C::PutBucketPolicy { bucket, .. }
            | C::AbortStaleUploads { bucket, .. }
            | C::SetVersioning { bucket, .. }
            | C::EmptyBucket { bucket } => match self.buckets.get_mut(bucket) {
                Some(bucket) => set(bucket, call),
                None => return refuse(Fault::NotFound),
            },
            C::CreatePrincipal { .. }
            | C::TagPrincipal { .. }
            | C::PutTrust { .. }
            | C::PutPrincipalPolicy { .. }
            | C::DeletePrincipalPolicy { .. }
            | C::DeletePrincipal { .. } => return self.identity(call),
        }
        Ok(())
    }

    fn identity(&mut self, call: &StorageCall) -> Result<(), Failure> {
        use StorageCall as C;
        let (kind, name) = match call {
            C::CreatePrincipal { kind, name, .. }
            | C::TagPrincipal { kind, name, .. }
            | C::PutPrincipalPolicy { kind, name, .. }
            | C::DeletePrincipalPolicy { kind, name, .. }
            | C::DeletePrincipal { kind, name } => (*kind, name),
            C::PutTrust { name, .. } => (PrincipalKind::Role, name),
            other => panic!("{other} is not about a principal"),
        };
        let has_keys = kind == PrincipalKind::User && !self.keys.is_empty();
        let all = match kind {
            PrincipalKind::User => &mut self.users,
            PrincipalKind::Role => &mut self.roles,
        };
        if let C::CreatePrincipal { tags, trust, .. } = call {
            let made = Principal {
                arn: format!("arn:aws:iam::123456789012:{kind:?}/{name}").to_lowercase(),
                tags: tags.clone(),
                policies: BTreeMap::new(),
                attached: BTreeSet::new(),
                trust: trust.clone(),
            };
            return match all.insert(name.clone(), made) {
                None => Ok(()),
                Some(_) => Err(failure(call, Fault::Conflict)),
            };
        }
        let Some(principal) = all.get_mut(name) else { return Err(failure(call, Fault::NotFound)) };
        match call {
            C::TagPrincipal { tags, .. } => principal.tags.extend(tags.clone()),
            C::PutTrust { trust, .. } => principal.trust = Some(trust.clone()),
            C::PutPrincipalPolicy { policy, document, .. } => {
                principal.policies.insert((*policy).to_owned(), document.clone());
            }
            C::DeletePrincipalPolicy { policy, .. } => drop(principal.policies.remove(*policy)),
            _ if has_keys || !principal.policies.is_empty() || !principal.attached.is_empty() => {
                return Err(failure(call, Fault::Conflict));
            }
            _ => drop(all.remove(name)),
        }
        Ok(())
    }

    fn create_key(&mut self) -> Result<AccessKeyId, ()> {
        if self.keys.len() >= 2 {
            return Err(());
        }
        self.made += 1;
        let id = AccessKeyId::new(format!("AKIA{}", self.made));
        self.keys.push(AccessKey { id: id.clone(), active: true, created: self.now, last_used: None });
        Ok(id)
    }

    fn secret_mut(&mut self) -> &mut SecretState {
        let bare = SecretState { ours: true, marks: SecretMarks::default(), ..SecretState::default() };
        self.secret.get_or_insert(bare)
    }
}

/// A bucket as it is when S3 has just made it: private, encrypted, owned, and without a tag.
pub(crate) fn plain(region: &str) -> Bucket {
    let mut bucket = Bucket {
        region: region.to_owned(),
        tags: BTreeMap::new(),
        contents: Contents::default(),
        settings: plan::aws::storage::BucketSettings::default(),
    };
    bucket.settings.public_access_blocked = true;
    bucket.settings.owner_enforced = true;
    bucket.settings.encryption = Some("AES256".to_owned());
    bucket
}

fn set(bucket: &mut Bucket, call: &StorageCall) {
    use StorageCall as C;
    let settings = &mut bucket.settings;
    match call {
        C::TagBucket { tags, .. } => bucket.tags.extend(tags.clone()),
        C::BlockPublicAccess { .. } => settings.public_access_blocked = true,
        C::EnforceOwnership { .. } => settings.owner_enforced = true,
        C::EncryptBucket { .. } => settings.encryption = Some("AES256".to_owned()),
        C::PutBucketPolicy { policy, .. } => settings.policy = Some(policy.clone()),
        C::AbortStaleUploads { after_days, .. } => settings.uploads_aborted_after_days = Some(*after_days),
        C::SetVersioning { enabled: true, .. } => settings.versioning = Versioning::Enabled,
        C::SetVersioning { enabled: false, .. } => settings.versioning = Versioning::Suspended,
        C::EmptyBucket { .. } => {
            let left = bucket.contents.objects.saturating_sub(1000);
            bucket.contents = Contents { objects: left, more: left > 1000 };
        }
        other => panic!("{other} is no setting of a bucket"),
    }
}

fn intact() -> SecretState {
    SecretState { ours: true, intact: true, ..SecretState::default() }
}

pub(crate) fn failure(call: &StorageCall, fault: Fault) -> Failure {
    Failure { call: call.action(), fault, code: None, message: "refused".to_owned() }
}

//! Who uses the bucket: a user with access keys, or a role without any.
//!
//! In come the two as IAM shows them; out go the calls that make the declared one what it should be, and that take the other away once no Pod needs it
//! any more. What somebody else attached to them is reported and stays.

use std::collections::BTreeSet;

use crds::Reason;
use jiff::Timestamp;
use serde_json::Value;

use super::{Inputs, Sequence, keys, policy};
use crate::aws::AccessKeyId;
use crate::aws::storage::{BlobstoreOwner, Mark, Principal, PrincipalKind, SecretMarks, StorageCall};
use crate::{Finding, Refusal};

/// What is to be done about who uses the bucket.
pub(super) struct CredentialsPlan {
    pub(super) finding: Finding,
    pub(super) warnings: Vec<Refusal>,
    pub(super) key: Option<(AccessKeyId, Option<Timestamp>)>,
}

impl CredentialsPlan {
    /// Nothing is done before the bucket is there.
    pub(super) fn after(bucket: &Finding) -> Self {
        let cause = bucket.as_ref().err().map(|fault| fault.message.as_str()).unwrap_or_default();
        let finding = Err(Refusal::new(Reason::Blocked, format!("waits until this is mended: {cause}")));
        Self { finding, warnings: Vec::new(), key: None }
    }

    pub(super) fn fault(fault: Refusal) -> Self {
        Self { finding: Err(fault), warnings: Vec::new(), key: None }
    }
}

/// Plans the credentials.
pub(super) fn plan(inputs: Inputs<'_>, sequence: &mut Sequence<'_>) -> CredentialsPlan {
    if let Some(fault) = inputs.secret_taken() {
        return CredentialsPlan::fault(fault);
    }
    let kind = inputs.order.principal();
    let principal = match inputs.principal(kind) {
        Ok(principal) => principal,
        Err(fault) => return CredentialsPlan::fault(fault),
    };
    let made = calls(inputs, kind, principal);
    let name = inputs.order.owner.principal();
    let finding =
        sequence.finding(&made, Ok(String::new()), &format!("{} is being made", words(kind, &name)));
    sequence.chain(made);
    let mut plan = match kind {
        PrincipalKind::User => keys::plan(inputs, principal.is_some(), sequence),
        PrincipalKind::Role => as_role(inputs, principal, sequence),
    };
    plan.finding = finding.and(plan.finding);
    plan.warnings.extend(principal.and_then(|principal| foreign(kind, &name, principal)));
    take_away(inputs, kind, plan.finding.is_ok(), sequence);
    plan
}

/// The calls that make the user or the role what it should be.
fn calls(inputs: Inputs<'_>, kind: PrincipalKind, observed: Option<&Principal>) -> Vec<StorageCall> {
    let name = inputs.order.owner.principal();
    let tags = inputs.order.owner.principal_tags(&inputs.keys_of_ours());
    let trust = inputs.order.spec.credentials.role.as_ref();
    let trust = trust.map(|role| policy::of_trust(role, &inputs.order.owner.namespace));
    let document = policy::of_principal(inputs.bucket());
    let put = StorageCall::PutPrincipalPolicy {
        kind,
        name: name.clone(),
        policy: policy::NAME,
        document: document.clone(),
    };
    let Some(observed) = observed else {
        return vec![StorageCall::CreatePrincipal { kind, name, tags, trust }, put];
    };
    let has_tags = tags.iter().all(|(key, value)| observed.tags.get(key) == Some(value));
    let tag = (!has_tags).then(|| StorageCall::TagPrincipal { kind, name: name.clone(), tags });
    let trusts =
        |trust: &Value| observed.trust.as_ref().is_some_and(|existing| policy::same(existing, trust));
    let trust = trust.filter(|trust| !trusts(trust)).map(|trust| StorageCall::PutTrust { name, trust });
    let may = observed.policies.get(policy::NAME).is_some_and(|existing| policy::same(existing, &document));
    trust.into_iter().chain((!may).then_some(put)).chain(tag).collect()
}

/// A role needs no key: the Secret says which role, and where the bucket is.
fn as_role(inputs: Inputs<'_>, role: Option<&Principal>, sequence: &mut Sequence<'_>) -> CredentialsPlan {
    let secret = inputs.observed.secret.as_ref();
    let Some(Principal { arn, .. }) = role else {
        let fault = Refusal::new(Reason::Pending, "the role is being made");
        return CredentialsPlan::fault(fault);
    };
    let says_so = secret.is_some_and(|secret| secret.intact && secret.role.as_ref() == Some(arn));
    let marks = SecretMarks { written_at: Some(inputs.now), ..sequence.marks.clone() };
    let write = StorageCall::WriteRole { secret: inputs.order.secret(), arn: arn.clone(), marks };
    let calls: Vec<_> = (!says_so).then_some(write).into_iter().collect();
    let finding = sequence.finding(&calls, Ok(String::new()), "the Secret is being written");
    sequence.chain(calls);
    CredentialsPlan { finding, warnings: Vec::new(), key: None }
}

/// Takes away the user when a role is declared, and the role when a user is: it must be ours, with nothing of somebody else, and no Pod may need it.
fn take_away(inputs: Inputs<'_>, kept: PrincipalKind, ready: bool, sequence: &mut Sequence<'_>) {
    let other = match kept {
        PrincipalKind::User => PrincipalKind::Role,
        PrincipalKind::Role => PrincipalKind::User,
    };
    let Ok(Some(principal)) = inputs.principal(other) else { return };
    if !ready || foreign(other, "", principal).is_some() {
        return;
    }
    if other == PrincipalKind::User && !keys::retire_all(inputs, sequence) {
        return;
    }
    let current = inputs.observed.secret.as_ref().and_then(|secret| secret.key.as_ref());
    if inputs.observed.pods.iter().all(|user| user.key.as_ref() == current) {
        sequence.chain(delete(inputs, other, principal));
    }
}

/// The calls that delete a user without keys, or a role.
pub(super) fn delete(inputs: Inputs<'_>, kind: PrincipalKind, principal: &Principal) -> Vec<StorageCall> {
    let name = inputs.order.owner.principal();
    let has_policy = principal.policies.contains_key(policy::NAME);
    let detach = has_policy.then(|| StorageCall::DeletePrincipalPolicy {
        kind,
        name: name.clone(),
        policy: policy::NAME,
    });
    detach.into_iter().chain([StorageCall::DeletePrincipal { kind, name }]).collect()
}

/// What somebody else gave to the user or the role.
pub(super) fn foreign(kind: PrincipalKind, name: &str, principal: &Principal) -> Option<Refusal> {
    let inline = principal.policies.keys().filter(|policy| *policy != policy::NAME);
    let names: Vec<_> = inline.chain(&principal.attached).map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        let message = format!(
            "{} has what somebody else gave it ({}), which stays: it may do more than a bucket needs",
            words(kind, name),
            names.join(", ")
        );
        Refusal::new(Reason::NotOwned, message)
    })
}

pub(super) fn words(kind: PrincipalKind, name: &str) -> String {
    match kind {
        PrincipalKind::User => format!("the IAM user {name}"),
        PrincipalKind::Role => format!("the IAM role {name}"),
    }
}

impl<'a> Inputs<'a> {
    /// The user or the role, if there is one; it has to be ours.
    pub(super) fn principal(self, kind: PrincipalKind) -> Result<Option<&'a Principal>, Refusal> {
        let read = match kind {
            PrincipalKind::User => &self.observed.user,
            PrincipalKind::Role => &self.observed.role,
        };
        let found = read.as_ref().map_err(|failure| failure.refusal())?.as_ref();
        let is_ours =
            |principal: &&Principal| matches!(self.order.owner.mark_of(&principal.tags), Mark::Ours { .. });
        if found.is_none_or(|principal| is_ours(&principal)) {
            return Ok(found);
        }
        let message = format!(
            "{} exists and is not this Blobstore's: delete it, or declare a Blobstore of another name",
            words(kind, &self.order.owner.principal())
        );
        Err(Refusal::new(Reason::NotOwned, message))
    }

    /// The keys of the user that the operator made, as the Secret or, if that is lost, the user's tags list them.
    pub(super) fn keys_of_ours(self) -> BTreeSet<AccessKeyId> {
        let tagged = self.observed.user.iter().flatten().map(|user| BlobstoreOwner::tagged_keys(&user.tags));
        let listed: BTreeSet<_> = tagged.flatten().chain(self.observed_marks().keys).collect();
        let present = self.observed.keys.iter().flatten().map(|key| key.id.clone());
        present.filter(|id| listed.contains(id)).collect()
    }
}

//! The copy of a pair in `flynn-system`, which is all that the nodes may read.
//!
//! In come the Certificate and its Secret; out goes the Secret to write, or nothing where the copy is already so. Copies
//! whose Certificate is gone are named for deletion. Whether a pair deserves a copy is decided by the caller.

use std::collections::BTreeMap;

use crds::{Certificate, names};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::core::ObjectMeta;

use super::parse::{CHAIN, KEY, TLS};
use crate::{ObjectKey, SelfSignedPair, Wish, subset};

/// Where the copy of a Certificate's pair is: named by the uid, so that a Certificate that is deleted and made again gets
/// another.
#[must_use]
pub fn copy_key(certificate: &Certificate) -> ObjectKey {
    let uid = certificate.uid().unwrap_or_default();
    ObjectKey::new(names::SYSTEM_NAMESPACE, format!("certificate-{uid}"))
}

/// The copies, out of these Secrets, whose Certificate is gone: `exists` is asked for the uid that each is labelled with. It
/// must know every Certificate there is, because these copies are to be deleted.
pub fn orphaned_copies<'a>(
    copies: impl Iterator<Item = &'a Secret>,
    exists: impl Fn(&str) -> bool,
) -> Vec<ObjectKey> {
    let orphaned = copies.filter(|copy| match copy.labels().get(names::CERTIFICATE_UID) {
        Some(uid) => is_ours(copy) && !exists(uid),
        None => false,
    });
    orphaned.map(ObjectKey::of).collect()
}

/// The copy of `source`, if `copy` is not that already.
pub(super) fn wish(certificate: &Certificate, source: &Secret, copy: Option<&Secret>) -> Option<Wish> {
    let wish = desired(certificate, source);
    let equal = copy.is_some_and(|copy| subset::holds(&wish, copy));
    (!equal).then(|| Wish::Secret(Box::new(wish)))
}

/// Whether both hold the same pair.
pub(super) fn is_of(copy: &Secret, source: &Secret) -> bool {
    let pair = |secret: &Secret| [CHAIN, KEY].map(|entry| secret.data.as_ref()?.get(entry).cloned());
    copy.type_ == source.type_ && pair(copy) == pair(source)
}

/// A copy that somebody deleted, to be made again as it was.
pub(crate) fn copied_again(lost: &Secret) -> Wish {
    let ObjectMeta { namespace, name, labels, annotations, .. } = lost.metadata.clone();
    let metadata = ObjectMeta { namespace, name, labels, annotations, ..ObjectMeta::default() };
    Wish::Secret(Box::new(Secret {
        metadata,
        type_: Some(TLS.to_owned()),
        data: lost.data.clone(),
        ..Secret::default()
    }))
}

/// The Secret that an order leads to, without the pair, which is not made.
pub(crate) fn unmade_copy(order: &SelfSignedPair) -> Secret {
    let ObjectKey { namespace, name } = order.secret.clone();
    Secret {
        metadata: metadata(namespace, name, &order.uid, &order.certificate),
        type_: Some(TLS.to_owned()),
        ..Secret::default()
    }
}

fn is_ours(copy: &Secret) -> bool {
    copy.namespace().as_deref() == Some(names::SYSTEM_NAMESPACE)
        && copy.labels().get(names::MANAGED_BY).is_some_and(|manager| manager == names::OPERATOR)
}

fn desired(certificate: &Certificate, source: &Secret) -> Secret {
    let ObjectKey { namespace, name } = copy_key(certificate);
    let entries = [CHAIN, KEY].into_iter().filter_map(|entry| source.data.as_ref()?.get_key_value(entry));
    Secret {
        metadata: metadata(
            namespace,
            name,
            &certificate.uid().unwrap_or_default(),
            &ObjectKey::of(certificate),
        ),
        type_: Some(TLS.to_owned()),
        data: Some(entries.map(|(name, value)| (name.clone(), value.clone())).collect()),
        ..Secret::default()
    }
}

fn metadata(namespace: String, name: String, uid: &str, certificate: &ObjectKey) -> ObjectMeta {
    let labels = [(names::MANAGED_BY, names::OPERATOR.to_owned()), (names::CERTIFICATE_UID, uid.to_owned())];
    let annotations = [(names::CERTIFICATE, certificate.to_string())];
    ObjectMeta {
        namespace: Some(namespace),
        name: Some(name),
        labels: Some(owned(labels)),
        annotations: Some(owned(annotations)),
        ..ObjectMeta::default()
    }
}

fn owned<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

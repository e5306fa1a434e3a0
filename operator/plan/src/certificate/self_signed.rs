//! A pair that the operator makes itself: when a new one is wanted, and what has to be in it.
//!
//! In come the names that the Certificate asks for and what is served; out goes an order, which an effect carries out
//! because it takes randomness and the authority's key. The pair goes straight into the Secret in `flynn-system` from
//! which the nodes read.

use std::collections::BTreeSet;

use crds::{Certificate, Reason, SelfSigned};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use router_config::{KeyPair, PrivateKey};
use serde::Serialize;

use super::Facts;
use super::copy::copy_key;
use super::parse::Pair;
use crate::{ObjectKey, Refusal, Verdict};

/// How long before its end a pair is replaced.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a new pair is valid.
const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A pair to make, sign and write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelfSignedPair {
    /// The Certificate that asks for it.
    pub certificate: ObjectKey,
    /// Its uid, with which the Secret is labelled.
    pub uid: String,
    /// The Secret to write.
    pub secret: ObjectKey,
    /// The names to cover.
    pub dns_names: Vec<String>,
    /// The start of its validity: an hour ago, for clients whose clock is late.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
}

impl SelfSignedPair {
    /// What is known of the pair before it is made: whom it is for and how long, but no key, no chain and so no digest.
    pub(super) fn foreseen(&self) -> Pair {
        // A PEM file may have text outside of its sections (RFC 7468 section 2); one with nothing else holds no certificate.
        let chain = format!("to be signed for {}\n", self.dns_names.join(", "));
        let facts = Facts {
            dns_names: self.dns_names.clone(),
            not_before: self.not_before,
            not_after: self.not_after,
            fingerprint: None,
            tls_pin: None,
        };
        Pair { pair: KeyPair { chain, key: PrivateKey::new(String::new()) }, facts }
    }
}

/// The order for a new pair, if one is wanted.
///
/// | what is served                        | order |
/// |---------------------------------------|-------|
/// | nothing, or nothing that can be       | yes   |
/// | a pair for other names                | yes   |
/// | a pair that ends within 30 days       | yes   |
/// | anything else                         | no    |
pub(super) fn order(
    certificate: &Certificate,
    asked: &SelfSigned,
    served: Option<&Facts>,
    now: Timestamp,
) -> Option<SelfSignedPair> {
    let is_right = served.is_some_and(|facts| is_for(facts, asked) && now < renewal(facts));
    (!is_right).then(|| SelfSignedPair {
        certificate: ObjectKey::of(certificate),
        uid: certificate.uid().unwrap_or_default(),
        secret: copy_key(certificate),
        dns_names: asked.dns_names.clone(),
        not_before: now.saturating_add(-SignedDuration::from_hours(1)).unwrap_or(now),
        not_after: now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX),
    })
}

/// Whether what is served is what was asked for.
pub(super) fn issued(certificate: &Certificate, asked: &SelfSigned, served: Option<&Facts>) -> Verdict {
    match served {
        Some(facts) if is_for(facts, asked) => Ok(()),
        _ => {
            let key = ObjectKey::of(certificate);
            let message = format!("the pair of Certificate {key} is being made: wait a moment");
            Err(Refusal::new(Reason::CertificateNotReady, message))
        }
    }
}

fn is_for(served: &Facts, asked: &SelfSigned) -> bool {
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    set(&served.dns_names) == set(&asked.dns_names)
}

/// When the pair that is served has to be replaced.
pub(super) fn renewal(served: &Facts) -> Timestamp {
    served.not_after.saturating_add(-RENEW_BEFORE).unwrap_or(Timestamp::MIN)
}

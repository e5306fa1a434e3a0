//! Plans one Certificate: what the nodes serve for it, what has to be copied for them, and what a person should know.
//!
//! In come the Certificate, the Secret that it names, the copy in `flynn-system`, and the time. Out goes the pair to serve,
//! which is the copy's and nothing else, so that the leader and a node, which never sees the source, always agree. A
//! source that is bad never replaces a copy that is good. A key must never be printed: only [`router_config::KeyPair`]
//! and [`Wish`] hold one, and neither shows it. Read next: `certificate/parse.rs`, which decides what is good.

mod copy;
mod names;
mod parse;
mod self_signed;

#[cfg(test)]
mod tests;

use crds::{Certificate, Reason, SelfSigned};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use serde::Serialize;

use crate::{ObjectKey, Refusal, Verdict, Wish};

pub(crate) use copy::{copied_again, unmade_copy};
pub use copy::{copy_key, orphaned_copies};
pub use names::covers;
pub use parse::{Facts, PairError, tls_pin};
pub use self_signed::SelfSignedPair;

use parse::Pair;

/// The Secret that a Certificate names, as far as the planner sees it.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// Nobody looked: a node may read Secrets in `flynn-system` only.
    Unread,
    /// There is no such Secret of type `kubernetes.io/tls`.
    Missing,
    /// This one.
    Found(&'a Secret),
    /// The Certificate names none: the operator makes the pair.
    SelfSigned(&'a SelfSigned),
}

/// Everything that the plan of one Certificate depends on.
#[derive(Debug, Clone, Copy)]
pub struct CertificateInputs<'a> {
    /// The Certificate.
    pub certificate: &'a Certificate,
    /// The Secret that it names.
    pub source: Source<'a>,
    /// The Secret in `flynn-system` that is labelled with the Certificate's uid.
    pub copy: Option<&'a Secret>,
    /// The order that the copy is the fulfilment of, where nobody made the pair itself: only a simulation does that.
    pub foreseen: Option<&'a SelfSignedPair>,
    /// The time.
    pub now: Timestamp,
}

/// What should be for one Certificate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CertificatePlan {
    /// What the nodes serve: the copy's pair, if the router can load it.
    pub pair: Option<router_config::KeyPair>,
    /// What is known of the certificate that they serve.
    pub served: Option<Facts>,
    /// Whether the source is good today. A node says whether it has a pair.
    pub issued: Verdict,
    /// The authority, as PEM, that clients have to trust beside those that they know, if the copy names one.
    pub authority: Option<String>,
    /// The copy to write, if the source is good and the copy differs.
    pub copy: Option<Wish>,
    /// The next instant at which time alone changes this plan: the source begins or ceases to be valid.
    pub recheck_at: Option<Timestamp>,
}

/// Plans one Certificate.
///
/// | source                          | copy           | pair     | issued                       | write    |
/// |---------------------------------|----------------|----------|------------------------------|----------|
/// | unread                          | good           | the copy | Ok                           | nothing  |
/// | unread                          | none or bad    | none     | `CertificateNotReady`        | nothing  |
/// | missing                         | any            | the copy | `SecretNotFound`             | nothing  |
/// | malformed, or not the key's     | any            | the copy | `SecretMalformed`, `KeyMismatch` | nothing |
/// | not valid yet, or not any more  | any            | the copy | `NotYetValid`, `Expired`     | nothing  |
/// | good                            | equal          | the copy | Ok                           | nothing  |
/// | good                            | none or other  | the copy | Ok                           | the copy |
/// | self-signed                     | for its names  | the copy | Ok                           | nothing, or in time another |
/// | self-signed                     | none or other  | the copy | `CertificateNotReady`        | a new pair |
///
/// "The copy" is none where the copy is missing or bad. A served certificate whose time ends stays served: a client
/// that is warned is better off than one that is refused.
#[must_use]
pub fn certificate(inputs: &CertificateInputs<'_>) -> CertificatePlan {
    let CertificateInputs { certificate, source, copy, foreseen, now } = *inputs;
    let made = || copy.and_then(|secret| parse::pair(secret).ok());
    let served = foreseen.map(SelfSignedPair::foreseen).or_else(made);
    let authority = copy.filter(|_| served.is_some()).and_then(parse::authority);
    if let Source::SelfSigned(asked) = source {
        return self_signed_plan(certificate, asked, served, authority, now);
    }
    let read = match source {
        Source::Unread => has_copy(certificate, served.as_ref()).map(|()| None),
        Source::Missing => Err(missing(certificate)),
        Source::Found(secret) => facts_of(secret, copy, served.as_ref()).map(Some),
        Source::SelfSigned(_) => Ok(None),
    };
    let (pair, served) = served.map(|Pair { pair, facts }| (pair, facts)).unzip();
    let (issued, recheck_at) = match &read {
        Ok(Some(source)) => (valid(certificate, source, now), next_change(source, now)),
        Ok(None) => (Ok(()), None),
        Err(refusal) => (Err(refusal.clone()), None),
    };
    let wish = match source {
        Source::Found(secret) if issued.is_ok() => copy::wish(certificate, secret, copy),
        _ => None,
    };
    CertificatePlan { pair, served, issued, authority, copy: wish, recheck_at }
}

fn self_signed_plan(
    certificate: &Certificate,
    asked: &SelfSigned,
    served: Option<Pair>,
    authority: Option<String>,
    now: Timestamp,
) -> CertificatePlan {
    let (pair, served) = served.map(|Pair { pair, facts }| (pair, facts)).unzip();
    let order = self_signed::order(certificate, asked, served.as_ref(), now);
    CertificatePlan {
        pair,
        issued: self_signed::issued(certificate, asked, served.as_ref()),
        recheck_at: served.as_ref().map(self_signed::renewal).filter(|at| now < *at),
        served,
        authority,
        copy: order.map(|order| Wish::SelfSigned(Box::new(order))),
    }
}

/// To check a key takes most of a millisecond, and nearly always the source is what the copy is.
fn facts_of(source: &Secret, copy: Option<&Secret>, served: Option<&Pair>) -> Result<Facts, Refusal> {
    match (copy, served) {
        (Some(copy), Some(served)) if copy::is_of(copy, source) => Ok(served.facts.clone()),
        _ => parse::pair(source).map(|pair| pair.facts).map_err(|error| malformed(source, &error)),
    }
}

fn has_copy(certificate: &Certificate, served: Option<&Pair>) -> Verdict {
    served.map(|_| ()).ok_or_else(|| {
        let message = format!(
            "Certificate {} has nothing to serve yet: the controller puts its pair into {} once that is good",
            ObjectKey::of(certificate),
            copy_key(certificate),
        );
        Refusal::new(Reason::CertificateNotReady, message)
    })
}

fn missing(certificate: &Certificate) -> Refusal {
    let key = source_key(certificate);
    let message =
        format!("there is no Secret {key} of type kubernetes.io/tls: make it with {}", create_command(&key));
    Refusal::new(Reason::SecretNotFound, message)
}

fn malformed(secret: &Secret, error: &PairError) -> Refusal {
    let key = ObjectKey::of(secret);
    let command = create_command(&key);
    let next = match error {
        PairError::Type(_) => format!("delete it and run {command}"),
        PairError::EncryptedKey => {
            format!(
                "take the passphrase off with openssl pkey -in FILE -out FILE, and upload it with {}",
                replace_command(&key)
            )
        }
        _ => format!("upload the chain, the leaf first, and the leaf's key with {}", replace_command(&key)),
    };
    let reason = match error {
        PairError::KeyMismatch => Reason::KeyMismatch,
        _ => Reason::SecretMalformed,
    };
    Refusal::new(reason, format!("Secret {key} cannot be served, because {error}: {next}"))
}

/// RFC 5280 section 4.1.2.5: valid from `notBefore` through `notAfter`, both included, to the second.
fn valid(certificate: &Certificate, facts: &Facts, now: Timestamp) -> Verdict {
    let key = source_key(certificate);
    if now < facts.not_before {
        let message = format!(
            "the certificate in Secret {key} is not valid before {}: wait until then, or upload one that is valid now with {}",
            facts.not_before,
            replace_command(&key)
        );
        return Err(Refusal::new(Reason::NotYetValid, message));
    }
    if now >= end(facts) {
        let message = format!(
            "the certificate in Secret {key} expired at {}: upload a renewed one with {}",
            facts.not_after,
            replace_command(&key)
        );
        return Err(Refusal::new(Reason::Expired, message));
    }
    Ok(())
}

fn next_change(facts: &Facts, now: Timestamp) -> Option<Timestamp> {
    [facts.not_before, end(facts)].into_iter().find(|instant| now < *instant)
}

/// The first instant at which a certificate is no longer valid.
fn end(facts: &Facts) -> Timestamp {
    facts.not_after.saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX)
}

fn source_key(certificate: &Certificate) -> ObjectKey {
    let name = certificate.spec.secret.as_deref().unwrap_or_default();
    ObjectKey::new(ObjectKey::of(certificate).namespace, name)
}

fn create_command(secret: &ObjectKey) -> String {
    let ObjectKey { namespace, name } = secret;
    format!("kubectl -n {namespace} create secret tls {name} --cert=FILE --key=FILE")
}

fn replace_command(secret: &ObjectKey) -> String {
    format!("{} --dry-run=client -o yaml | kubectl apply -f -", create_command(secret))
}

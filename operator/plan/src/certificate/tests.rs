//! A Certificate whose Secret can be anything, and pairs to put into it.

mod pairs;
mod rules;

use crds::CertificateSpec;
use k8s_openapi::ByteString;
use kube::core::ObjectMeta;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

struct Pem {
    chain: String,
    key: String,
}

/// A certificate for `www.site.com`, valid in the years 2020 to 2029.
fn made_with(key: &KeyPair) -> Pem {
    valid_until(2030, key)
}

fn valid_until(year: i32, key: &KeyPair) -> Pem {
    let mut params = CertificateParams::new(["www.site.com".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    Pem { chain: params.self_signed(key).unwrap().pem(), key: key.serialize_pem() }
}

fn fresh() -> Pem {
    made_with(&KeyPair::generate().unwrap())
}

fn secret(name: &str, entries: &[(&str, &str)]) -> Secret {
    let entry = |(name, text): &(&str, &str)| ((*name).to_owned(), ByteString(text.as_bytes().to_vec()));
    Secret {
        metadata: ObjectMeta {
            namespace: Some("flynn".into()),
            name: Some(name.into()),
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".into()),
        data: Some(entries.iter().map(entry).collect()),
        ..Secret::default()
    }
}

fn tls_secret(chain: &str, key: &str) -> Secret {
    secret("site-tls", &[("tls.crt", chain), ("tls.key", key)])
}

fn source(pem: &Pem) -> Secret {
    tls_secret(&pem.chain, &pem.key)
}

fn wildcard() -> Certificate {
    let mut certificate =
        Certificate::new("wildcard", CertificateSpec { secret: Some("site-tls".into()), self_signed: None });
    certificate.metadata.namespace = Some("flynn".into());
    certificate.metadata.uid = Some("7c1e".into());
    certificate
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn plan(source: Source<'_>, copy: Option<&Secret>, now: &str) -> CertificatePlan {
    certificate(&CertificateInputs { certificate: &wildcard(), source, copy, foreseen: None, now: at(now) })
}

fn plan_of(source: &Secret) -> CertificatePlan {
    plan(Source::Found(source), None, NOW)
}

const NOW: &str = "2025-01-01T00:00:00Z";

/// The copy that the controller makes of a good source.
fn copied(source: &Secret) -> Secret {
    let Some(Wish::Secret(copy)) = plan_of(source).copy else {
        panic!("the source is good and not copied yet");
    };
    *copy
}

fn refused(plan: &CertificatePlan) -> (Reason, &str) {
    let refusal = plan.issued.as_ref().unwrap_err();
    (refusal.reason, &refusal.message)
}

fn chain_of(plan: &CertificatePlan) -> Option<&str> {
    plan.pair.as_ref().map(|pair| pair.chain.as_str())
}

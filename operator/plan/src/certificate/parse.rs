//! Parses the pair in a Secret of type `kubernetes.io/tls`.
//!
//! In comes a Secret; out comes a pair that the router can load, with the facts of its leaf, or one fact about why not.
//! The key is loaded and compared by the very calls of the TLS stack that the router makes, so that a pair that passes
//! here cannot fail there. No error holds any part of a key.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use router_config::{KeyPair, PrivateKey};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use serde::Serialize;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

/// The type of a Secret with a certificate and its key.
pub(super) const TLS: &str = "kubernetes.io/tls";
/// Where such a Secret has the chain.
pub(super) const CHAIN: &str = "tls.crt";
/// Where such a Secret has the leaf's key.
pub(super) const KEY: &str = "tls.key";
/// Where it may have the authority that signed the leaf.
const AUTHORITY: &str = "ca.crt";

/// What people and pinned clients want to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Its DNS subject alternative names, in lower case and in the order of the certificate.
    pub dns_names: Vec<String>,
    /// The start of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
    /// SHA-256 of the leaf (DER) in lower-case hexadecimal digits; none of a leaf that is not made yet.
    pub fingerprint: Option<String>,
    /// SHA-256 of the leaf (DER) in base64; none of a leaf that is not made yet.
    pub tls_pin: Option<String>,
}

/// A pair that the router can load.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    /// What the router is given.
    pub(super) pair: KeyPair,
    /// What is known of the leaf.
    pub(super) facts: Facts,
}

/// Why a certificate, or a certificate with its key, cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// The Secret has another type.
    #[error("its type is {0} and not kubernetes.io/tls")]
    Type(String),
    /// The Secret has no such entry, or it is empty.
    #[error("it has no {0}")]
    Absent(&'static str),
    /// PEM is text.
    #[error("its {0} is not PEM text")]
    NotText(&'static str),
    /// The chain has no certificate.
    #[error("no CERTIFICATE section was found in tls.crt")]
    NoCertificate,
    /// A certificate of the chain cannot be parsed; the leaf is number 1.
    #[error("certificate {0} in tls.crt is not an X.509 certificate of version 3")]
    BadCertificate(usize),
    /// The key is not there, or not in a form that is understood.
    #[error("no PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY section was found in tls.key")]
    NoKey,
    /// The key cannot be read without a passphrase.
    #[error("tls.key is protected by a passphrase")]
    EncryptedKey,
    /// The TLS stack does not load such a key.
    #[error(
        "tls.key is not an RSA key of 2048 to 8192 bits, an ECDSA key (P-256, P-384, P-521) or an Ed25519 key"
    )]
    UnsupportedKey,
    /// The key is another certificate's.
    #[error("tls.key is not the key of the first certificate in tls.crt")]
    KeyMismatch,
}

/// The pin of the first certificate in `pem`, as Flynn's clients compare it (`TLSPin`): base64 of SHA-256 over its DER.
///
/// # Errors
/// If there is no certificate in `pem`, or if one cannot be parsed.
pub fn tls_pin(pem: &str) -> Result<String, PairError> {
    let chain = chain(pem.as_bytes())?;
    let leaf = chain.first().ok_or(PairError::NoCertificate)?;
    facts(leaf).map(|_| STANDARD.encode(digest(&SHA256, leaf)))
}

/// Reads the pair out of a Secret, and makes sure that the router can load it.
pub(super) fn pair(secret: &Secret) -> Result<Pair, PairError> {
    match secret.type_.as_deref() {
        Some(TLS) => {}
        other => return Err(PairError::Type(other.unwrap_or("Opaque").to_owned())),
    }
    let (chain_pem, key_pem) = (entry(secret, CHAIN)?, entry(secret, KEY)?);
    let chain = chain(chain_pem.as_bytes())?;
    let leaf = chain.first().ok_or(PairError::NoCertificate)?;
    let facts = facts(leaf)?;
    loads(&chain, key(key_pem)?)?;
    let pair =
        KeyPair { chain: chain.iter().map(to_pem).collect(), key: PrivateKey::new(key_pem.to_owned()) };
    Ok(Pair { pair, facts })
}

/// The authority that signed the pair, where the Secret names it (`ca.crt`), as PEM.
pub(super) fn authority(secret: &Secret) -> Option<String> {
    let chain = chain(entry(secret, AUTHORITY).ok()?.as_bytes()).ok()?;
    Some(chain.iter().map(to_pem).collect())
}

fn entry<'a>(secret: &'a Secret, name: &'static str) -> Result<&'a str, PairError> {
    let bytes = secret.data.as_ref().and_then(|data| data.get(name)).map_or(&[][..], |bytes| &bytes.0);
    match std::str::from_utf8(bytes) {
        Ok("") => Err(PairError::Absent(name)),
        Ok(text) => Ok(text),
        Err(_) => Err(PairError::NotText(name)),
    }
}

/// Every certificate of the chain. What stands between them is dropped: some people keep the key in the same file, and the
/// router's chain is printed.
fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PairError> {
    let mut chain = Vec::new();
    for (position, section) in (1..).zip(CertificateDer::pem_slice_iter(pem)) {
        let der = section.map_err(|_| PairError::BadCertificate(position))?;
        match X509Certificate::from_der(&der) {
            Ok(([], _)) => chain.push(der),
            _ => return Err(PairError::BadCertificate(position)),
        }
    }
    if chain.is_empty() { Err(PairError::NoCertificate) } else { Ok(chain) }
}

fn key(pem: &str) -> Result<PrivateKeyDer<'static>, PairError> {
    // PKCS #8 says so in the label (RFC 7468 section 11), the older forms in a header (RFC 1421 section 4.6.1.1).
    if pem.contains("ENCRYPTED") {
        return Err(PairError::EncryptedKey);
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| PairError::NoKey)
}

fn loads(chain: &[CertificateDer<'static>], key: PrivateKeyDer<'static>) -> Result<(), PairError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(key).map_err(|_| PairError::UnsupportedKey)?;
    match CertifiedKey::new(chain.to_vec(), key).keys_match() {
        Ok(()) => Ok(()),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(PairError::KeyMismatch),
        Err(Error::InconsistentKeys(_)) => Err(PairError::UnsupportedKey),
        Err(_) => Err(PairError::BadCertificate(1)),
    }
}

fn facts(leaf: &CertificateDer<'_>) -> Result<Facts, PairError> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| PairError::BadCertificate(1))?;
    let names = certificate.subject_alternative_name().map_err(|_| PairError::BadCertificate(1))?;
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    let dns_names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let hash = digest(&SHA256, leaf);
    Ok(Facts {
        dns_names: dns_names.collect(),
        not_before: instant(certificate.validity().not_before),
        not_after: instant(certificate.validity().not_after),
        fingerprint: Some(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()),
        tls_pin: Some(STANDARD.encode(hash)),
    })
}

/// RFC 5280 section 4.1.2.5 has 9999-12-31 for "no end", which is a day past the last instant that we can name.
fn instant(time: ASN1Time) -> Timestamp {
    Timestamp::from_second(time.timestamp()).unwrap_or(match time.timestamp() {
        ..0 => Timestamp::MIN,
        0.. => Timestamp::MAX,
    })
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

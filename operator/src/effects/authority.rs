//! The authority that signs self-signed Certificates.
//!
//! In comes an order for a pair; out goes the Secret with a fresh key, a leaf that the authority signed, and the authority
//! itself (`ca.crt`). The authority is made once, and kept in the Secret `flynn-system/flynn-operator-ca`, so that clients
//! that trust it go on trusting it after a restart. No key is logged or told.

use std::collections::BTreeMap;

use crds::names;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::core::ObjectMeta;
use kube::{Api, Client};
use plan::SelfSignedPair;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::OffsetDateTime;

/// The Secret of the authority, in the operator's own namespace.
const SECRET: &str = "flynn-operator-ca";

/// How long the authority is valid. It is what people install in browsers, so it outlives every pair.
const LIFETIME: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// Why no pair could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The API.
    #[error("the Secret {namespace}/{SECRET} of the authority cannot be read or written", namespace = names::SYSTEM_NAMESPACE)]
    Api(#[from] kube::Error),
    /// Somebody changed it.
    #[error(
        "the Secret {namespace}/{SECRET} holds no authority: delete it to have another made",
        namespace = names::SYSTEM_NAMESPACE
    )]
    Damaged,
    /// A name that no certificate can have, or no randomness.
    #[error("the pair cannot be made: {0}")]
    Pair(#[from] rcgen::Error),
}

/// The authority's certificate and the means to sign.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Makes the pair that was ordered, as the Secret to apply.
pub(crate) async fn pair(client: &Client, order: &SelfSignedPair) -> Result<Secret, Error> {
    let authority = authority(client).await?;
    let mut params = CertificateParams::new(order.dns_names.clone())?;
    params.not_before = at(order.not_before);
    params.not_after = at(order.not_after);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    if let Some(name) = order.dns_names.first() {
        params.distinguished_name.push(DnType::CommonName, name.as_str());
    }
    let key = KeyPair::generate()?;
    let leaf = params.signed_by(&key, &authority.issuer)?;
    let labels = [(names::MANAGED_BY, names::OPERATOR), (names::CERTIFICATE_UID, &order.uid)];
    let mut secret = tls_secret(
        &order.secret.name,
        &[(CHAIN, leaf.pem()), (KEY, key.serialize_pem()), (AUTHORITY, authority.pem)],
    );
    secret.metadata.labels = Some(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    secret.metadata.annotations =
        Some([(names::CERTIFICATE.to_owned(), order.certificate.to_string())].into());
    Ok(secret)
}

/// The authority; the first that asks makes it. Of two that make it at once, the API takes one.
async fn authority(client: &Client) -> Result<Authority, Error> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), names::SYSTEM_NAMESPACE);
    if let Some(secret) = secrets.get_opt(SECRET).await? {
        return read(&secret);
    }
    match secrets.create(&PostParams::default(), &new_authority(Timestamp::now())?).await {
        Ok(secret) => read(&secret),
        Err(kube::Error::Api(status)) if status.is_already_exists() => read(&secrets.get(SECRET).await?),
        Err(error) => Err(error.into()),
    }
}

fn new_authority(now: Timestamp) -> Result<Secret, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    // Each has a name of its own, so that a browser that trusts two does not take one for the other.
    let name = format!("flynn-operator {:08x}", fastrand::u32(..));
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = at(now - SignedDuration::from_hours(1));
    params.not_after = at(now + LIFETIME);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let mut secret = tls_secret(SECRET, &[(CHAIN, certificate.pem()), (KEY, key.serialize_pem())]);
    secret.metadata.labels = Some([(names::MANAGED_BY.to_owned(), names::OPERATOR.to_owned())].into());
    Ok(secret)
}

fn read(secret: &Secret) -> Result<Authority, Error> {
    let entry = |name| {
        let bytes = secret.data.as_ref()?.get(name)?;
        String::from_utf8(bytes.0.clone()).ok()
    };
    let (Some(pem), Some(key)) = (entry(CHAIN), entry(KEY)) else { return Err(Error::Damaged) };
    let key = KeyPair::from_pem(&key).map_err(|_| Error::Damaged)?;
    let issuer = Issuer::from_ca_cert_pem(&pem, key).map_err(|_| Error::Damaged)?;
    Ok(Authority { pem, issuer })
}

fn at(instant: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(instant.as_second())
        .expect("no certificate is made for the year 10000")
}

fn tls_secret(name: &str, entries: &[(&str, String)]) -> Secret {
    let data: BTreeMap<_, _> = entries
        .iter()
        .map(|(name, text)| ((*name).to_owned(), ByteString(text.clone().into_bytes())))
        .collect();
    Secret {
        metadata: ObjectMeta {
            namespace: Some(names::SYSTEM_NAMESPACE.to_owned()),
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

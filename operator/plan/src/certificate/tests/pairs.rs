//! One test for each rule about what a Secret may hold, and for the facts about it.

use rcgen::{RsaKeySize, SignatureAlgorithm};

use super::*;

const EC_CHAIN: &str = include_str!("../testdata/ec-sec1.crt");
const EC_KEY: &str = include_str!("../testdata/ec-sec1.key");
const RSA_CHAIN: &str = include_str!("../testdata/rsa-pkcs1.crt");
const RSA_KEY: &str = include_str!("../testdata/rsa-pkcs1.key");

/// What `openssl x509 -outform DER -in ec-sec1.crt | openssl dgst -sha256 -binary | base64` prints.
const EC_PIN: &str = "6ikh3g3WLaKFYAVw2G5my61z0YBsRERHjdMt5SoIvmc=";

/// Loads a pair as the router does.
fn router_loads(plan: &CertificatePlan) -> bool {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let pair = plan.pair.as_ref().unwrap();
    let chain = CertificateDer::pem_slice_iter(pair.chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.pem().as_bytes()).unwrap();
    rustls::sign::CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider()).is_ok()
}

#[test]
fn a_secret_of_another_type_is_malformed() {
    let pem = fresh();
    let opaque = Secret { type_: Some("Opaque".into()), ..source(&pem) };
    let plan = plan_of(&opaque);
    let (reason, message) = refused(&plan);
    assert_eq!(reason, Reason::SecretMalformed);
    assert!(message.contains("its type is Opaque") && message.contains("delete it"), "{message}");
}

#[test]
fn a_secret_without_an_entry_is_malformed_and_the_entry_is_named() {
    let pem = fresh();
    for (entry, entries) in [
        ("tls.key", vec![("tls.crt", pem.chain.as_str())]),
        ("tls.crt", vec![("tls.crt", ""), ("tls.key", pem.key.as_str())]),
    ] {
        let plan = plan_of(&secret("site-tls", &entries));
        let (reason, message) = refused(&plan);
        assert_eq!(reason, Reason::SecretMalformed);
        assert!(message.contains(&format!("it has no {entry}")), "{message}");
    }
}

#[test]
fn what_is_not_pem_is_malformed_and_the_part_is_named() {
    let pem = fresh();
    let broken = pem.chain.replace("MII", "M!!");
    let second = format!("{}{}", pem.chain, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (chain, key, part) in [
        ("garbage", pem.key.as_str(), "no CERTIFICATE section"),
        (pem.key.as_str(), pem.key.as_str(), "no CERTIFICATE section"),
        (broken.as_str(), pem.key.as_str(), "certificate 1 in tls.crt"),
        (second.as_str(), pem.key.as_str(), "certificate 2 in tls.crt"),
        (pem.chain.as_str(), "garbage", "PRIVATE KEY section"),
        (pem.chain.as_str(), pem.chain.as_str(), "PRIVATE KEY section"),
    ] {
        let plan = plan_of(&tls_secret(chain, key));
        let (reason, message) = refused(&plan);
        assert_eq!(reason, Reason::SecretMalformed);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn bytes_that_are_no_text_are_malformed() {
    let mut binary = source(&fresh());
    binary.data.as_mut().unwrap().insert("tls.crt".into(), ByteString(vec![0x30, 0x82, 0xff]));
    let plan = plan_of(&binary);
    assert_eq!(refused(&plan).0, Reason::SecretMalformed);
    assert!(refused(&plan).1.contains("its tls.crt is not PEM text"));
}

#[test]
fn a_key_of_another_certificate_is_a_mismatch() {
    let plan = plan_of(&tls_secret(&fresh().chain, &fresh().key));
    let (reason, message) = refused(&plan);
    assert_eq!(reason, Reason::KeyMismatch);
    assert!(message.contains("Secret flynn/site-tls") && message.contains("--cert=FILE"), "{message}");
}

#[test]
fn a_chain_whose_leaf_is_not_first_is_a_mismatch() {
    let (leaf, issuer) = (fresh(), fresh());
    let plan = plan_of(&tls_secret(&format!("{}{}", issuer.chain, leaf.chain), &leaf.key));
    let (reason, message) = refused(&plan);
    assert_eq!(reason, Reason::KeyMismatch);
    assert!(message.contains("the leaf first"), "{message}");
}

#[test]
fn every_kind_of_key_that_is_accepted_is_one_that_the_router_loads() {
    let algorithms: [&SignatureAlgorithm; 4] = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
    ];
    let mut pairs: Vec<_> =
        algorithms.into_iter().map(|alg| made_with(&KeyPair::generate_for(alg).unwrap())).collect();
    pairs.push(made_with(&KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()));
    for pem in pairs {
        let source = source(&pem);
        let plan = plan(Source::Found(&source), Some(&copied(&source)), NOW);
        assert!(router_loads(&plan));
    }
}

#[test]
fn keys_in_the_older_forms_of_openssl_are_accepted() {
    for (chain, key) in [(EC_CHAIN, EC_KEY), (RSA_CHAIN, RSA_KEY)] {
        let source = tls_secret(chain, key);
        let first = plan(Source::Found(&source), None, "2100-01-01T00:00:00Z");
        let Some(Wish::Secret(copy)) = first.copy else { panic!("{:?}", first.issued) };
        let second = plan(Source::Found(&source), Some(&copy), "2100-01-01T00:00:00Z");
        assert!(router_loads(&second));
    }
}

#[test]
fn a_key_that_the_tls_stack_refuses_is_malformed_and_what_it_takes_is_named() {
    let small =
        tls_secret(include_str!("../testdata/rsa-1024.crt"), include_str!("../testdata/rsa-1024.key"));
    let plan = plan_of(&small);
    let (reason, message) = refused(&plan);
    assert_eq!(reason, Reason::SecretMalformed);
    assert!(message.contains("RSA key of 2048 to 8192 bits"), "{message}");
}

#[test]
fn a_certificate_of_version_1_is_malformed_because_the_router_cannot_load_it() {
    let plan = plan_of(&tls_secret(include_str!("../testdata/version-1.crt"), EC_KEY));
    let (reason, message) = refused(&plan);
    assert_eq!(reason, Reason::SecretMalformed);
    assert!(message.contains("version 3"), "{message}");
}

#[test]
fn a_key_with_a_passphrase_is_told_how_to_lose_it() {
    for key in [include_str!("../testdata/encrypted.key"), include_str!("../testdata/encrypted-sec1.key")] {
        let plan = plan_of(&tls_secret(EC_CHAIN, key));
        let (reason, message) = refused(&plan);
        assert_eq!(reason, Reason::SecretMalformed);
        assert!(message.contains("passphrase") && message.contains("openssl pkey"), "{message}");
    }
}

#[test]
fn a_certificate_without_dns_names_is_served_and_covers_no_host() {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(Vec::<String>::new()).unwrap();
    let source = tls_secret(&params.self_signed(&key).unwrap().pem(), &key.serialize_pem());
    let plan = plan(Source::Found(&source), Some(&copied(&source)), NOW);
    assert_eq!(plan.issued, Ok(()));
    assert_eq!(plan.served.unwrap().dns_names, Vec::<String>::new());
}

#[test]
fn the_facts_are_those_that_openssl_prints() {
    let source = tls_secret(EC_CHAIN, EC_KEY);
    let facts = plan(Source::Unread, Some(&source), NOW).served.unwrap();
    assert_eq!(facts.tls_pin.as_deref(), Some(EC_PIN));
    let fingerprint = "ea2921de0dd62da285600570d86e66cbad73d1806c4444478dd32de52a08be67";
    assert_eq!(facts.fingerprint.as_deref(), Some(fingerprint));
    assert_eq!(facts.dns_names, ["ec.site.com", "*.ec.site.com"]);
    assert_eq!(facts.not_before, at("2026-11-22T05:28:06Z"));
    assert_eq!(facts.not_after, at("2126-10-29T05:28:06Z"));
}

#[test]
fn the_pin_is_that_of_the_first_certificate_and_equal_to_what_openssl_prints() {
    assert_eq!(tls_pin(EC_CHAIN).unwrap(), EC_PIN);
    assert_eq!(tls_pin(&format!("{EC_CHAIN}{RSA_CHAIN}")).unwrap(), EC_PIN);
    assert_eq!(tls_pin("garbage"), Err(PairError::NoCertificate));
}

#[test]
fn a_key_beside_the_chain_is_not_part_of_what_is_printed() {
    let pem = fresh();
    let source = tls_secret(&format!("{}{}", pem.key, pem.chain), &pem.key);
    let plan = plan(Source::Found(&source), Some(&copied(&source)), NOW);
    assert!(!chain_of(&plan).unwrap().contains("PRIVATE"));
    assert!(router_loads(&plan));
}

#[test]
fn printed_or_serialised_a_plan_shows_no_key() {
    let (old, new) = (fresh(), fresh());
    let copy = copied(&source(&old));
    let plan = plan(Source::Found(&source(&new)), Some(&copy), NOW);
    assert!(plan.pair.is_some() && plan.copy.is_some());
    let printed = format!("{plan:?}{}", serde_json::to_string(&plan).unwrap());
    for key in [&old.key, &new.key] {
        let line = key.lines().nth(1).unwrap();
        let encoded = serde_json::to_string(&ByteString(key.clone().into_bytes())).unwrap();
        assert!(!printed.contains(line) && !printed.contains(&encoded[1..40]));
    }
}

//! A certificate and its key, from PEM to what a handshake uses.
//!
//! In comes a key pair of the configuration; out goes a certificate whose key is proven to belong to it, or one
//! sentence that says what to upload instead. The sentence never holds a part of the key.

use router_config::KeyPair;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// # Errors
/// One sentence that says what to upload instead.
pub(crate) fn parse(pair: &KeyPair, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain = chain(&pair.chain)?;
    let key = key(pair.key.pem())?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            "the private key does not belong to the certificate: upload the key that the certificate was made with".into()
        }
        rustls::Error::InvalidCertificate(_) => {
            "the first certificate of the chain cannot be read: upload an X.509 certificate as PEM".to_owned()
        }
        _ => "the private key cannot be used: upload an RSA (2048 bits or more), ECDSA or Ed25519 key as PEM".to_owned(),
    })
}

fn chain(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>().map_err(|_| {
            "the certificate chain is not valid PEM: upload it unchanged, as it was issued".to_owned()
        })?;
    if chain.is_empty() {
        return Err(
            "the chain holds no `BEGIN CERTIFICATE` block: upload the certificate as PEM, the leaf first"
                .into(),
        );
    }
    Ok(chain)
}

fn key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            "there is no private key block: upload the key as PEM (PKCS #8, PKCS #1 or SEC 1), without a passphrase".into()
        }
        _ => "the private key is not valid PEM: upload it unchanged, as it was made".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::provider;
    use rcgen::{CertifiedKey as Generated, generate_simple_self_signed};
    use router_config::PrivateKey;

    fn generated() -> (String, String) {
        let Generated { cert, signing_key } = generate_simple_self_signed(["site.com".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn refused(chain: &str, key: &str) -> String {
        let pair = KeyPair { chain: chain.into(), key: PrivateKey::new(key.into()) };
        parse(&pair, &provider()).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_certificate_and_its_key_are_accepted() {
        let (chain, key) = generated();
        let pair = KeyPair { chain, key: PrivateKey::new(key) };
        assert_eq!(parse(&pair, &provider()).unwrap().cert.len(), 1);
    }

    #[test]
    fn each_way_to_be_bad_says_what_to_upload() {
        let (chain, key) = generated();
        let (_, other) = generated();
        assert!(refused("", &key).contains("BEGIN CERTIFICATE"));
        assert!(
            refused("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", &key)
                .contains("not valid PEM")
        );
        assert!(
            refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", &key).contains("X.509")
        );
        assert!(refused(&chain, "").contains("no private key block"));
        assert!(refused(&chain, &other).contains("does not belong"));
        let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert!(refused(&chain, garbage).contains("cannot be used"));
    }
}

//! Keys and certificates: names come in, PEM files or texts go out.
//! One authority signs the API server; [`Leaf`] makes the certificates that tests upload for hosts.

use std::fs::write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

static KEYS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these DNS names and addresses, signed by the authority.
    ///
    /// # Errors
    /// When a name is not one.
    pub fn sign(&self, names: &[&str]) -> Result<Leaf> {
        self.sign_with(names, |_| ())
    }

    /// As [`sign`](Self::sign), with a change to the certificate's fields first, such as its dates.
    ///
    /// # Errors
    /// When a name is not one.
    pub fn sign_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Result<Leaf> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names)?;
        change(&mut params);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        KEYS.lock().unwrap_or_else(PoisonError::into_inner).push(key.serialize_pem());
        Ok(Leaf { certificate: certificate.pem(), der: certificate.der().to_vec(), key: key.serialize_pem() })
    }
}

/// The keys of every certificate that was signed in this process, as PEM: to look for where none may be.
#[must_use]
pub fn keys() -> Vec<String> {
    KEYS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A server certificate and its key.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The certificate as PEM.
    pub certificate: String,
    /// The certificate as DER.
    pub der: Vec<u8>,
    /// The key as PEM.
    pub key: String,
}

impl Leaf {
    /// Writes `<name>.crt` and `<name>.key`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        write(folder.join(format!("{name}.crt")), &self.certificate)?;
        write(folder.join(format!("{name}.key")), &self.key)?;
        Ok(())
    }
}

/// Writes a new key as `<name>.key` and its public half as `<name>.pub`: ServiceAccount tokens are signed with it.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_signing_key(folder: &Path, name: &str) -> Result<()> {
    let key = KeyPair::generate()?;
    write(folder.join(format!("{name}.key")), key.serialize_pem())?;
    write(folder.join(format!("{name}.pub")), key.public_key_pem())?;
    Ok(())
}

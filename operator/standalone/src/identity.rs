//! Who the server is: a certificate authority of its own, kept in the data folder, and a certificate from it that is made
//! at every start.

use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use crate::access::write_private;

/// The authority and the server's certificate.
#[derive(Debug, Clone)]
pub struct Identity {
    ca_pem: String,
    pub(crate) tls: Arc<ServerConfig>,
}

/// Why there is no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The files cannot be read or written.
    #[error("cannot use {}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The files are not what was written to them.
    #[error("{} is damaged: remove it and ca.crt beside it for a new authority, and fetch the kubeconfig again", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        source: rcgen::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make the server's certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate does not fit its key, or a name is none.
    #[error("cannot use the server's certificate")]
    Tls(#[from] rustls::Error),
}

/// The authority's certificate outlives the data folder; the server's is made anew before it ends.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);

impl Identity {
    /// The authority of a data folder, made at the first start, and a certificate for loopback and for `names`: host
    /// names and addresses.
    ///
    /// # Errors
    /// [`IdentityError`], each says what to do.
    pub fn load_or_create(folder: &Path, names: &[String]) -> Result<Self, IdentityError> {
        let (ca_file, key_file) = (folder.join("ca.crt"), folder.join("ca.key"));
        let key = match std::fs::read_to_string(&key_file) {
            Ok(pem) => KeyPair::from_pem(&pem)
                .map_err(|source| IdentityError::Damaged { file: key_file.clone(), source })?,
            Err(error) if error.kind() == ErrorKind::NotFound => create(folder, &ca_file, &key_file)?,
            Err(source) => return Err(IdentityError::Io { file: key_file, source }),
        };
        std::fs::set_permissions(&key_file, Permissions::from_mode(0o600)).map_err(io(&key_file))?;
        let ca_pem = match std::fs::read_to_string(&ca_file) {
            Ok(pem) => pem,
            Err(error) if error.kind() == ErrorKind::NotFound => write_authority(&ca_file, &key)?,
            Err(source) => return Err(IdentityError::Io { file: ca_file, source }),
        };
        Ok(Self { tls: Arc::new(server(key, names)?), ca_pem })
    }

    /// The authority's certificate, for a kubeconfig.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

fn create(folder: &Path, ca_file: &Path, key_file: &Path) -> Result<KeyPair, IdentityError> {
    std::fs::create_dir_all(folder).map_err(io(folder))?;
    let key = KeyPair::generate()?;
    write_authority(ca_file, &key)?;
    write_private(key_file, &key.serialize_pem()).map_err(io(key_file))?;
    Ok(key)
}

fn write_authority(file: &Path, key: &KeyPair) -> Result<String, IdentityError> {
    let pem = authority().self_signed(key)?.pem();
    write_private(file, &pem).map_err(io(file))?;
    Ok(pem)
}

/// What the authority says of itself. The same at every start, so that what it signs leads to the certificate kept.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "flynn-operator standalone API");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + 20 * YEAR).into();
    params
}

fn server(ca_key: KeyPair, names: &[String]) -> Result<ServerConfig, IdentityError> {
    let loopback =
        ["127.0.0.1", "localhost", "::1", "kubernetes", "kubernetes.default.svc"].map(str::to_owned);
    let mut params = CertificateParams::new([&loopback, names].concat())?;
    params.distinguished_name.push(DnType::CommonName, "flynn-operator");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + 5 * YEAR).into();
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &Issuer::new(authority(), ca_key))?;
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn io(file: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let file = file.to_path_buf();
    move |source| IdentityError::Io { file, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_survives_restarts_and_is_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Identity::load_or_create(folder.path(), &[]).expect("made");
        let second = Identity::load_or_create(folder.path(), &["10.0.0.1".to_owned()]).expect("read");
        assert_eq!(first.ca_pem(), second.ca_pem());
        let mode = std::fs::metadata(folder.path().join("ca.key")).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_told_of_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.key"), "nonsense").expect("written");
        let error = Identity::load_or_create(folder.path(), &[]).expect_err("damaged");
        assert!(matches!(error, IdentityError::Damaged { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(folder.path().join("ca.key")).expect("kept"), "nonsense");
    }
}

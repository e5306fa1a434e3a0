//! TLS as a client: what to trust comes in, a rustls configuration goes out.

use std::sync::{Arc, LazyLock};

use anyhow::Result;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// Which server certificates a client accepts.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// Those signed by this authority (PEM) for the name that was asked for, as a browser does.
    Authority(&'a str),
    /// Any: to look at what a server presents. That it has the key is still checked.
    Anything,
}

/// A client's configuration for HTTP/1.1.
///
/// # Errors
/// When the authority is not a certificate.
pub fn client(trust: Trust<'_>) -> Result<ClientConfig> {
    let builder =
        ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions()?;
    let mut config = match trust {
        Trust::Authority(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.add(certificate?)?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Anything => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Any)).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Accepts every certificate.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls_pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::http::get_tls;
    use crate::pki::{Authority, Leaf};

    #[tokio::test]
    async fn a_certificate_is_trusted_for_its_name_only() -> Result<()> {
        let authority = Authority::new("tests")?;
        let leaf = authority.sign(&["www.site.com"])?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(serve(listener, leaf.clone()));
        let trust = Trust::Authority(authority.pem());
        let answer = get_tls(address, Some("www.site.com"), trust, "www.site.com", "/").await?;
        assert_eq!((answer.status, answer.certificate.as_ref()), (204, Some(&leaf.der)));
        assert!(get_tls(address, Some("other.com"), trust, "other.com", "/").await.is_err());
        let answer = get_tls(address, None, Trust::Anything, "other.com", "/").await?;
        assert_eq!(answer.certificate, Some(leaf.der));
        Ok(())
    }

    async fn serve(listener: TcpListener, leaf: Leaf) -> Result<()> {
        let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes())?;
        let config = ServerConfig::builder_with_provider(PROVIDER.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der.into()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let Ok(mut stream) = acceptor.accept(listener.accept().await?.0).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await?;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
            stream.shutdown().await?;
        }
    }
}

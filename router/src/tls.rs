//! TLS towards clients: versions, keys by host name, resumption.
//!
//! In comes the name in a client's hello; out goes the certificate of the host in the table that serves it. A client
//! without a name gets the default certificate; one whose name no host serves is refused. The crypto provider is
//! passed explicitly everywhere, so that no process-wide default is needed. Handshakes load the table once.

pub(crate) mod certificate;

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};

use crate::handle::Handle;

/// The cryptography that everything here uses.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// What every worker serves TLS with.
///
/// # Errors
/// If the provider cannot do TLS 1.2 and 1.3, or no ticket key can be drawn.
pub(crate) fn config(handle: Handle) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByHost { handle }));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

struct ByHost {
    handle: Handle,
}

impl ResolvesServerCert for ByHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.handle.table();
        let certificate = match hello.server_name() {
            Some(name) => table.certificate_of(table.host(name.as_bytes())?),
            None => table.default_certificate(),
        };
        certificate.cloned()
    }
}

impl fmt::Debug for ByHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByHost")
    }
}

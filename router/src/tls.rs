//! TLS towards clients: versions, keys by host name, resumption.
//!
//! In comes the name in a client's hello; out goes the certificate of the host in the table that serves it. A client
//! without a name gets the default certificate; one whose name no host serves is refused. The crypto provider is
//! passed explicitly everywhere, so that no process-wide default is needed. Handshakes load the table once.

pub(crate) mod certificate;
pub(crate) mod stranger;

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, SecureRandom, aws_lc_rs};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};

use crate::handle::Handle;

/// The cryptography that everything here uses.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Fills with bytes that nobody can guess.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    static SOURCE: LazyLock<&dyn SecureRandom> = LazyLock::new(|| provider().secure_random);
    SOURCE.fill(bytes).expect("the system gives random bytes");
}

/// HTTP/2 over TLS, as it is named in a handshake (RFC 9113 section 3.2).
pub(crate) const HTTP2: &[u8] = b"h2";

/// What every worker serves TLS with, on the listeners of this port or on the default ones.
///
/// # Errors
/// If the provider cannot do TLS 1.2 and 1.3, or no ticket key can be drawn.
pub(crate) fn config(handle: Handle, lookup_port: u16) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByHost { handle, lookup_port }));
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    // Sessions that the server would have to remember, because their client takes no tickets, would be behind one lock for all
    // workers: such a client shakes hands anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

struct ByHost {
    handle: Handle,
    lookup_port: u16,
}

impl ResolvesServerCert for ByHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.handle.table();
        let certificate = match hello.server_name() {
            Some(name) => table.certificate_of(table.host(name.as_bytes(), self.lookup_port)?),
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

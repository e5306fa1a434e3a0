//! One question to an address, as a Route 53 health checker asks it: a connection, and with HTTP and HTTPS a GET whose status is 200 to 399.
//!
//! With HTTPS any certificate will do, because Route 53 looks at none either (Route 53 Developer Guide, "How Route 53 determines whether a health
//! check is healthy"). So nothing that comes back is believed but that somebody answered: it must never be used for anything else.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crds::{DnsHealthCheck, DnsHealthCheckProtocol};
use rustix::io::Errno;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long the whole may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the nodes' logs show.
const USER_AGENT: &str = "flynn-operator-probe";

/// No status line is longer.
const LINE: usize = 64;

/// What a node lacks is told by others; these are what this machine lacks.
const OUR_OWN: [Errno; 6] =
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL, Errno::NETDOWN];

/// Makes no difference between certificates.
static ANY_CERTIFICATE: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let config = ClientConfig::builder().dangerous().with_custom_certificate_verifier(Arc::new(Unverified));
    Arc::new(config.with_no_client_auth())
});

/// Asks, and tells in a few words how that went; nothing if it is this machine that could not ask.
pub(crate) async fn ask(address: IpAddr, check: &DnsHealthCheck) -> Option<Result<String, String>> {
    let answer = async {
        let stream = TcpStream::connect(SocketAddr::new(address, check.port())).await?;
        match check.protocol {
            DnsHealthCheckProtocol::Tcp => Ok(None),
            DnsHealthCheckProtocol::Http => status(stream, address, check).await.map(Some),
            DnsHealthCheckProtocol::Https => {
                let connector = TlsConnector::from(Arc::clone(&ANY_CERTIFICATE));
                let stream = connector.connect(ServerName::from(address), stream).await?;
                status(stream, address, check).await.map(Some)
            }
        }
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {PATIENCE:?}"));
    judge(timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late())))
}

/// Of a status that was asked for, or of a connection.
fn judge(answer: io::Result<Option<u16>>) -> Option<Result<String, String>> {
    match answer {
        Ok(None) => Some(Ok("connected".to_owned())),
        Ok(Some(status)) if (200..400).contains(&status) => Some(Ok(status.to_string())),
        Ok(Some(status)) => Some(Err(status.to_string())),
        Err(error) if OUR_OWN.iter().any(|own| error.raw_os_error() == Some(own.raw_os_error())) => {
            tracing::warn!(%error, "an address could not be probed");
            None
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Some(Err("connection refused".into()))
        }
        Err(error) => Some(Err(error.to_string())),
    }
}

async fn status(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: IpAddr,
    check: &DnsHealthCheck,
) -> io::Result<u16> {
    let host = host(address, check);
    let path = check.path().unwrap_or("/");
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    let mut line = Vec::with_capacity(LINE);
    while line.len() < LINE && !line.contains(&b'\n') {
        if stream.read_buf(&mut line).await? == 0 {
            break;
        }
    }
    status_of(&line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no HTTP response"))
}

/// As Route 53 sends it when no domain is declared: the address, with the port where it is not the protocol's own.
fn host(address: IpAddr, check: &DnsHealthCheck) -> String {
    let usual = if check.protocol == DnsHealthCheckProtocol::Https { 443 } else { 80 };
    match (address, check.port()) {
        (address, port) if port != usual => SocketAddr::new(address, port).to_string(),
        (IpAddr::V6(address), _) => format!("[{address}]"),
        (IpAddr::V4(address), _) => address.to_string(),
    }
}

fn status_of(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

/// Takes any certificate.
#[derive(Debug)]
struct Unverified;

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;

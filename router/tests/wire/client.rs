//! A client that sends the bytes it is given and reads one response after the other.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, ProtocolVersion, SignatureScheme,
    StreamOwned,
};

/// No test waits longer for a byte.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Between two bytes of a client that is slow.
pub(crate) const MOMENT: Duration = Duration::from_millis(5);

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    socket: TcpStream,
    read: Vec<u8>,
    certificate: Option<CertificateDer<'static>>,
    resumed: bool,
    version: Option<ProtocolVersion>,
    protocol: Option<Vec<u8>>,
}

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(crate) whole: bool,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = connect(address);
        let stream = Box::new(socket.try_clone().unwrap());
        Self {
            stream,
            socket,
            read: Vec::new(),
            certificate: None,
            resumed: false,
            version: None,
            protocol: None,
        }
    }

    /// TLS with this name, or with none if it is an address. The certificate is not checked but kept.
    pub(crate) fn connect_tls(address: SocketAddr, name: &str) -> Result<Self, std::io::Error> {
        Self::connect_tls_with(address, name, &[], rustls::DEFAULT_VERSIONS)
    }

    pub(crate) fn connect_tls_with(
        address: SocketAddr,
        name: &str,
        protocols: &[&str],
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Result<Self, std::io::Error> {
        let config = tls_config(protocols, versions);
        Self::connect_tls_config(address, name, Arc::new(config))
    }

    pub(crate) fn connect_tls_config(
        address: SocketAddr,
        name: &str,
        config: Arc<ClientConfig>,
    ) -> Result<Self, std::io::Error> {
        Self::shake_hands(connect(address), name, config)
    }

    /// TLS after bytes that are none.
    pub(crate) fn connect_tls_after(
        address: SocketAddr,
        before: &[u8],
        name: &str,
    ) -> Result<Self, std::io::Error> {
        let mut socket = connect(address);
        socket.write_all(before)?;
        Self::shake_hands(socket, name, Arc::new(tls_config(&[], rustls::DEFAULT_VERSIONS)))
    }

    fn shake_hands(
        mut socket: TcpStream,
        name: &str,
        config: Arc<ClientConfig>,
    ) -> Result<Self, std::io::Error> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut session = ClientConnection::new(config, name).unwrap();
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        let certificate = session.peer_certificates().map(|chain| chain[0].clone().into_owned());
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let (version, protocol) = (session.protocol_version(), session.alpn_protocol().map(<[u8]>::to_vec));
        let stream = Box::new(StreamOwned::new(session, socket.try_clone()?));
        Ok(Self { stream, socket, read: Vec::new(), certificate, resumed, version, protocol })
    }

    /// The certificate that the router showed.
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        self.certificate.as_ref().unwrap()
    }

    /// The version of TLS that was agreed on.
    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.version
    }

    /// What was agreed to be spoken over TLS.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.protocol.as_deref()
    }

    /// Whether the TLS session continues an earlier one.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self.stream.flush().unwrap();
    }

    /// Sends, whether or not anybody still takes it.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Sends until all is sent, or a write finds no room: every buffer on the way is full then. The number of bytes sent.
    pub(crate) fn send_while_taken(&mut self, bytes: &[u8]) -> usize {
        self.socket.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut sent = 0;
        while sent < bytes.len()
            && let Ok(count) = self.stream.write(&bytes[sent..])
        {
            sent += count;
        }
        self.socket.set_write_timeout(Some(PATIENCE)).unwrap();
        sent
    }

    /// Whether the router says something within a moment, or has said what was not read yet.
    pub(crate) fn hears(&mut self) -> bool {
        self.socket.set_read_timeout(Some(MOMENT)).unwrap();
        let heard = !self.read.is_empty() || self.socket.peek(&mut [0]).is_ok();
        self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        heard
    }

    /// Ends the client's side.
    pub(crate) fn end(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    pub(crate) fn response_to(&mut self, request: &str) -> Response {
        self.read_response(request.starts_with("HEAD "))
    }

    pub(crate) fn response(&mut self) -> Response {
        self.read_response(false)
    }

    /// The next head, without its empty line.
    pub(crate) fn head(&mut self) -> String {
        let end = loop {
            if let Some(place) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break place;
            }
            assert!(self.fill() > 0, "the connection ended within a head: {:?}", self.text());
        };
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        String::from_utf8(head[..end].to_vec()).unwrap()
    }

    /// The status of the next response; `None` if the connection ends before it.
    pub(crate) fn status(&mut self) -> Option<u16> {
        while self.read.len() < 12 {
            if self.fill() == 0 {
                return None;
            }
        }
        self.text()[9..12].parse().ok()
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(self.fill() > 0, "the connection ended early: {:?}", self.text());
        }
        self.read.drain(..count).collect()
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() > 0 {}
        std::mem::take(&mut self.read)
    }

    /// Whether the router closed the connection, with nothing more to read.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.rest().is_empty()
    }

    fn read_response(&mut self, to_head: bool) -> Response {
        let head = self.head();
        let status: u16 = head[9..12].parse().unwrap();
        let mut response = Response { status, head, body: Vec::new(), whole: true };
        if to_head || status < 200 || status == 204 || status == 304 {
            return response;
        }
        if response.header("Transfer-Encoding") == Some("chunked") {
            response.whole = self.chunks(&mut response.body);
        } else if let Some(length) = response.header("Content-Length") {
            let length: usize = length.parse().unwrap();
            while self.read.len() < length && self.fill() > 0 {}
            response.whole = self.read.len() >= length;
            response.body = self.read.drain(..length.min(self.read.len())).collect();
        } else {
            response.body = self.rest();
        }
        response
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let Some(line) = self.line() else { return false };
            let length = usize::from_str_radix(&line, 16).unwrap();
            if length == 0 {
                while self.line().is_some_and(|line| !line.is_empty()) {}
                return true;
            }
            while self.read.len() < length + 2 {
                if self.fill() == 0 {
                    return false;
                }
            }
            body.extend(self.read.drain(..length));
            assert_eq!(self.read.drain(..2).collect::<Vec<_>>(), b"\r\n");
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(place) = self.read.windows(2).position(|bytes| bytes == b"\r\n") {
                let line: Vec<u8> = self.read.drain(..place + 2).collect();
                return Some(String::from_utf8(line[..place].to_vec()).unwrap());
            }
            if self.fill() == 0 {
                return None;
            }
        }
    }

    /// Reads once. A connection that was reset has ended too.
    fn fill(&mut self) -> usize {
        let mut bytes = [0; 16 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.read.extend_from_slice(&bytes[..count]);
                count
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came for {PATIENCE:?}; so far: {:?}", self.text())
            }
            Err(_) => 0,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

impl Response {
    /// The value of the first field of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// The value of the first field of this name in a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    fields(head, name).next()
}

/// The values of all fields of this name.
pub(crate) fn fields<'a>(head: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

pub(crate) fn tls_config(
    protocols: &[&str],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Takes every certificate: tests compare it with the one they expect.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
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
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

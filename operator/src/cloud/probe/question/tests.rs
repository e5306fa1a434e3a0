//! Against servers on loopback: what they get, and what is made of what they answer.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

fn check(protocol: DnsHealthCheckProtocol, port: u16) -> DnsHealthCheck {
    DnsHealthCheck { protocol, port: Some(port), ..DnsHealthCheck::default() }
}

async fn asked(check: &DnsHealthCheck) -> Option<Result<String, String>> {
    ask(Ipv4Addr::LOCALHOST.into(), check).await
}

/// Answers one request, and hands back what was asked.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0);
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    String::from_utf8(head).unwrap()
}

async fn over_http(answer: &str) -> (String, Option<Result<String, String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let check = check(DnsHealthCheckProtocol::Http, listener.local_addr().unwrap().port());
    let served = async { serve(listener.accept().await.unwrap().0, answer).await };
    tokio::join!(served, asked(&check))
}

#[tokio::test]
async fn a_status_from_200_to_399_is_well_and_another_one_is_told() {
    let (head, answer) = over_http("HTTP/1.1 308 Permanent Redirect\r\n\r\n").await;
    assert!(head.starts_with("GET /.well-known/status HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
    assert_eq!(answer, Some(Ok("308".into())));
    assert_eq!(over_http("HTTP/1.1 503 Service Unavailable\r\n\r\n").await.1, Some(Err("503".into())));
    assert_eq!(over_http("SSH-2.0-OpenSSH_9.6\r\n").await.1, Some(Err("no HTTP response".into())));
}

#[tokio::test]
async fn over_https_any_certificate_will_do() {
    // The process has one, which tests do not run through.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["elsewhere.test".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let check = check(DnsHealthCheckProtocol::Https, listener.local_addr().unwrap().port());
    let served = async {
        let stream = listener.accept().await.unwrap().0;
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        serve(stream, "HTTP/1.1 200 OK\r\n\r\n").await
    };
    assert_eq!(tokio::join!(served, asked(&check)).1, Some(Ok("200".into())));
}

#[tokio::test]
async fn a_connection_is_all_that_tcp_wants() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(asked(&check(DnsHealthCheckProtocol::Tcp, port)).await, Some(Ok("connected".into())));
    drop(listener);
    let refused = Some(Err("connection refused".into()));
    assert_eq!(asked(&check(DnsHealthCheckProtocol::Tcp, port)).await, refused);
}

#[test]
fn what_this_machine_lacks_says_nothing_about_the_address() {
    assert_eq!(judge(Err(Errno::MFILE.into())), None);
    assert!(matches!(judge(Err(Errno::HOSTUNREACH.into())), Some(Err(_))));
}

#[test]
fn the_host_is_the_address_with_a_port_that_is_not_the_usual_one() {
    let v6: IpAddr = "2001:db8::7".parse().unwrap();
    assert_eq!(host(v6, &check(DnsHealthCheckProtocol::Http, 80)), "[2001:db8::7]");
    assert_eq!(host(v6, &check(DnsHealthCheckProtocol::Https, 80)), "[2001:db8::7]:80");
    assert_eq!(host([192, 0, 2, 1].into(), &check(DnsHealthCheckProtocol::Https, 443)), "192.0.2.1");
}

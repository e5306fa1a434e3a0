//! One question to an endpoint: a GET on a connection of its own, and whether the status is 200 to 399.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use h2::client;
use http::{Request, Uri, Version};
use router_config::{HealthCheck, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::upstream::is_our_own;

/// What the endpoints' logs show.
const USER_AGENT: &str = "flynn-router-health-check";

/// No status line is longer.
const LINE: usize = 64;

/// Asks, and waits no longer than that for the answer's head. Nothing if it is this machine that could not ask.
pub(super) async fn is_well(
    address: SocketAddr,
    rule: &HealthCheck,
    protocol: Protocol,
    timeout: Duration,
) -> Option<bool> {
    let status = async {
        match protocol {
            Protocol::Http1 => http1(address, rule).await,
            Protocol::H2c => h2c(address, rule).await,
        }
    };
    judge(tokio::time::timeout(timeout, status).await.unwrap_or_else(|late| Err(late.into())))
}

fn judge(answer: io::Result<u16>) -> Option<bool> {
    match answer {
        Ok(status) => Some((200..400).contains(&status)),
        Err(error) if is_our_own(&error) => None,
        Err(_) => Some(false),
    }
}

fn host(address: SocketAddr, rule: &HealthCheck) -> String {
    rule.host.clone().unwrap_or_else(|| address.to_string())
}

async fn http1(address: SocketAddr, rule: &HealthCheck) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        rule.path,
        host(address, rule)
    );
    stream.write_all(head.as_bytes()).await?;
    let mut line = Vec::with_capacity(LINE);
    while line.len() < LINE && !line.contains(&b'\n') {
        if stream.read_buf(&mut line).await? == 0 {
            break;
        }
    }
    status(&line).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

async fn h2c(address: SocketAddr, rule: &HealthCheck) -> io::Result<u16> {
    let stream = TcpStream::connect(address).await?;
    let (mut requests, connection) = client::handshake(stream).await.map_err(io::Error::other)?;
    let uri = Uri::builder().scheme("http").authority(host(address, rule)).path_and_query(rule.path.as_str());
    let request = Request::builder()
        .uri(uri.build().map_err(io::Error::other)?)
        .version(Version::HTTP_2)
        .header("user-agent", USER_AGENT)
        .body(())
        .map_err(io::Error::other)?;
    let asked = async {
        let (response, _) = requests.send_request(request, true).map_err(io::Error::other)?;
        Ok(response.await.map_err(io::Error::other)?.status().as_u16())
    };
    tokio::select! {
        status = asked => status,
        ended = connection => Err(ended.map_or_else(io::Error::other, |()| io::ErrorKind::UnexpectedEof.into())),
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_this_machine_lacks_says_nothing_about_the_endpoint() {
        assert_eq!(judge(Err(Errno::MFILE.into())), None);
        assert_eq!(judge(Err(Errno::CONNREFUSED.into())), Some(false));
        assert_eq!([204, 308, 503].map(|status| judge(Ok(status))), [Some(true), Some(true), Some(false)]);
    }

    #[test]
    fn the_status_is_in_the_first_line_of_a_response() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n"), Some(204));
        assert_eq!(status(b"HTTP/1.0 503\r\n"), Some(503));
        for other in [&b""[..], b"HTTP/1.1", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH", b"HTTP/1.1 abc"] {
            assert_eq!(status(other), None);
        }
    }
}

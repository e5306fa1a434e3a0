//! One GET to an admin API.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Error;

/// How long a node may take, with a large table too.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer: a table of a hundred thousand hosts is smaller.
const LONGEST: u64 = 1 << 30;

/// The body of the answer.
pub(super) async fn get(address: SocketAddr, target: &str) -> Result<String, Error> {
    let answered = timeout(PATIENCE, exchange(address, target)).await;
    let answer = answered
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|cause| Error::Unreachable { address, cause })?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(Error::Stranger(address))?;
    let status =
        head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).ok_or(Error::Stranger(address))?;
    match status {
        "200" => Ok(body.to_owned()),
        "404" => Err(Error::Stranger(address)),
        _ => Err(Error::Refused(body.trim_end().to_owned())),
    }
}

async fn exchange(address: SocketAddr, target: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    // The answer to a client of HTTP/1.0 ends with the connection, and is not in chunks.
    let request = format!("GET {target} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer).await?;
    Ok(answer)
}

/// A value as a query holds it: every byte that has a meaning there, or none, as `%` and two digits.
pub(super) fn encoded(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => {
                // Writing into a String does not fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_query_is_encoded() {
        assert_eq!(encoded("https://a.com/x?y=1&z"), "https%3A//a.com/x%3Fy%3D1%26z");
        assert_eq!(encoded("é\r\n"), "%C3%A9%0D%0A");
    }

    #[tokio::test]
    async fn where_nobody_listens_it_is_told_what_to_do() {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = get(address, "/routes").await.unwrap_err().to_string();
        assert!(error.contains("--admin") && error.contains("kubectl"), "{error}");
    }
}

//! The client: the bytes of a probe go out on a connection of their own, whatever comes back is read to the end.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::probe::Probe;

/// How long a connection may last. A probe after which the router waits for more ends with its client.
const PATIENCE: Duration = Duration::from_secs(10);

/// A final response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Method and target of the request that the backend answers; `None` if it did not get one, or refused it.
    pub(crate) saw: Option<String>,
}

/// Sends a probe and returns the answers.
pub(crate) async fn ask(router: SocketAddr, probe: &Probe) -> Result<Vec<Answer>> {
    let mut stream = TcpStream::connect(router).await?;
    let (mut from, mut to) = stream.split();
    let mut received = Vec::new();
    let send = async {
        // A router that refuses a head need not read its end.
        let sent = to.write_all(&probe.bytes).await;
        if sent.is_ok() && probe.ends {
            let _ = to.shutdown().await;
        }
    };
    let receive = async {
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut block).await {
            received.extend_from_slice(&block[..count]);
        }
    };
    timeout(PATIENCE, async { tokio::join!(send, receive) })
        .await
        .context("the router neither answers nor closes the connection")?;
    parse(&String::from_utf8_lossy(&received))
}

fn parse(mut text: &str) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    while !text.is_empty() {
        let (head, rest) = text.split_once("\r\n\r\n").with_context(|| format!("no head: {text:?}"))?;
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let status: u16 = status.with_context(|| format!("no status: {head:?}"))?;
        text = match field(head, "Content-Length") {
            _ if status < 200 => rest,
            Some(length) => rest.get(length.parse()?..).context("a body is cut short")?,
            None if field(head, "Transfer-Encoding").is_some() => after_chunks(rest)?,
            None => "",
        };
        if status >= 200 {
            answers.push(Answer { status, saw: field(head, "Saw").map(str::to_owned) });
        }
    }
    Ok(answers)
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn after_chunks(text: &str) -> Result<&str> {
    let (size, rest) = text.split_once("\r\n").context("no size of a chunk")?;
    match usize::from_str_radix(size, 16)? {
        0 => rest.strip_prefix("\r\n").context("no end of the chunks"),
        size => after_chunks(rest.get(size + 2..).context("a chunk is cut short")?),
    }
}

#[test]
fn answers_are_told_apart() -> Result<()> {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSaw: GET /a\r\nContent-Length: 0\r\n\r\n\
                HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n\
                HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc";
    let answer = |status, saw: Option<&str>| Answer { status, saw: saw.map(Into::into) };
    assert_eq!(parse(text)?, [answer(200, Some("GET /a")), answer(400, None), answer(404, None)]);
    Ok(())
}

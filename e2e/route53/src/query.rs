//! Asks a name server, so that tests see what a client would get.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

const PATIENCE: Duration = Duration::from_secs(10);

/// What the name server said.
#[derive(Clone, Debug)]
pub struct Response {
    /// How it went.
    pub code: ResponseCode,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
}

impl Response {
    /// The answered values in zone-file form, sorted.
    pub fn values(&self) -> Vec<String> {
        let mut values: Vec<_> = self.answers.iter().map(|record| record.data.to_string()).collect();
        values.sort();
        values
    }
}

/// Asks over UDP, and over TCP if the answer did not fit.
pub async fn ask(server: SocketAddr, name: &str, kind: RecordType) -> io::Result<Response> {
    let mut message = Message::query();
    let name = hickory_proto::rr::Name::from_ascii(name).map_err(io::Error::other)?;
    message.add_query(Query::query(name, kind));
    let question = message.to_vec().map_err(io::Error::other)?;
    let exchange = async {
        let answer = parse(&over_udp(server, &question).await?)?;
        if answer.metadata.truncation { parse(&over_tcp(server, &question).await?) } else { Ok(answer) }
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await??;
    Ok(Response {
        code: answer.metadata.response_code,
        answers: answer.answers,
        authority: answer.authorities,
    })
}

fn parse(bytes: &[u8]) -> io::Result<Message> {
    Message::from_vec(bytes).map_err(io::Error::other)
}

async fn over_udp(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut answer = vec![0; 4_096];
    let length = socket.recv(&mut answer).await?;
    answer.truncate(length);
    Ok(answer)
}

/// Asks over TCP, where each message has its length before it.
async fn over_tcp(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).expect("a question is short");
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

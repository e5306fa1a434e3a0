//! An HTTP endpoint that answers as a test says, one request a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What an instance's metadata service says of a session; it means nothing elsewhere.
const TTL: &str = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600";

/// What came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Method and path.
    pub(super) target: String,
    pub(super) headers: BTreeMap<String, String>,
    /// The fields of the form in the body.
    pub(super) form: BTreeMap<String, String>,
    /// The body, if it is text.
    pub(super) body: String,
}

impl Request {
    /// The action of a call in the query protocol.
    pub(super) fn action(&self) -> &str {
        self.form.get("Action").map_or("", String::as_str)
    }
}

/// What goes back; nothing: the connection closes without an answer.
pub(super) type Reply = Option<(u16, String)>;

/// A running endpoint. It ends when it is dropped.
pub(super) struct Endpoint {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Endpoint {
    pub(super) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_header(TTL, answer).await
    }

    /// One whose answers all have this header.
    pub(super) async fn with_header(
        header: &'static str,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serve(stream, header, &seen, &answer).await;
            }
        });
        Self { url, requests, task }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The actions that came.
    pub(super) fn actions(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.action().to_owned()).collect()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection on which nothing comes is none of a test's.
async fn serve(
    stream: TcpStream,
    header: &str,
    seen: &Mutex<Vec<Request>>,
    answer: &(impl Fn(&Request) -> Reply + Sync),
) {
    let mut stream = BufReader::new(stream);
    let Some(request) = read(&mut stream).await else { return };
    let reply = answer(&request);
    seen.lock().unwrap().push(request);
    let Some((status, body)) = reply else { return };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Played\r\nContent-Length: {length}\r\nConnection: close\r\n{header}\r\n\r\n"
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let target = line(stream).await?;
    let mut headers = BTreeMap::new();
    loop {
        let line = line(stream).await?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let form = form_urlencoded::parse(&body).into_owned().collect();
    let target = target.trim_end_matches(" HTTP/1.1").to_owned();
    Some(Request { target, headers, form, body: String::from_utf8_lossy(&body).into_owned() })
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    Some(line.trim_end().to_owned())
}

/// A refusal as EC2 words it.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Some((status, format!("<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>")))
}

//! Asks once: an HTTP request, a TCP connection or a command. Errors are worded as those who know Kubernetes know them.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::Action;
use crate::backoff::in_words;
use crate::command;
use crate::leftovers::Leftovers;
use crate::process::{Exit, Output, Process};
use crate::shim::Shim;
use crate::shim::protocol::Launch;

/// No more of what a command prints is repeated.
const LONGEST_OUTPUT: u64 = 10 * 1024;

/// Runs commands as a container would run them.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    pub(crate) shim: Shim,
    pub(crate) leftovers: Leftovers,
    pub(crate) title: String,
    /// The container's own command, for its environment, folder and limits.
    pub(crate) container: Launch,
}

/// The answer; a bad one says why.
pub(crate) async fn ask(action: &Action, timeout: Duration, executor: &Executor) -> Result<(), String> {
    match tokio::time::timeout(timeout, ask_patiently(action, executor)).await {
        Ok(answer) => answer,
        Err(_) => Err(too_late(action, timeout)),
    }
}

async fn ask_patiently(action: &Action, executor: &Executor) -> Result<(), String> {
    match action {
        Action::HttpGet { host, port, path, headers } => {
            let url = url(host, *port, path);
            let stream = connect(host, *port).await.map_err(|error| format!("Get \"{url}\": {error}"))?;
            get(stream, &authority(host, *port), path, headers).await.map_err(|error| match error {
                HttpError::Status(status) => format!("HTTP probe failed with statuscode: {status}"),
                HttpError::Invalid(error) => format!("Get \"{url}\": {error}"),
                HttpError::Broken(error) => format!("Get \"{url}\": {error}"),
            })
        }
        Action::Tcp { host, port } => connect(host, *port).await.map(drop),
        Action::Exec(command) => execute(command, executor).await,
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn url(host: &str, port: u16, path: &str) -> String {
    format!("http://{}{path}", authority(host, port))
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
            _ => error.to_string(),
        };
        format!("dial tcp {}: {why}", authority(host, port))
    })
}

enum HttpError {
    Status(u16),
    Invalid(http::Error),
    Broken(hyper::Error),
}

async fn get(
    stream: TcpStream,
    host: &str,
    path: &str,
    headers: &[(String, String)],
) -> Result<(), HttpError> {
    let mut request = Request::get(path)
        .header(header::USER_AGENT, "kube-probe/1.36")
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header(header::HOST, host);
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let request = request.body(Empty::<Bytes>::new()).map_err(HttpError::Invalid)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(HttpError::Broken)?;
    let answer = sender.send_request(request);
    tokio::pin!(answer, connection);
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    };
    match answer.map_err(HttpError::Broken)?.status().as_u16() {
        200..400 => Ok(()),
        status => Err(HttpError::Status(status)),
    }
}

async fn execute(command: &[String], executor: &Executor) -> Result<(), String> {
    let launch = command::launch_inside(&executor.container, command).map_err(|error| error.to_string())?;
    let started = Process::start(&executor.shim, &executor.leftovers, &executor.title, &launch).await;
    let (mut process, output) = started.map_err(|error| error.to_string())?;
    let (printed, exit) = tokio::join!(read(output), process.wait());
    match exit {
        Exit { code: 0, .. } => Ok(()),
        _ => Err(printed),
    }
}

async fn read(output: Output) -> String {
    let Output { stdout, stderr } = output;
    let (mut printed, mut complained) = (Vec::new(), Vec::new());
    let (mut stdout, mut stderr) = (stdout.take(LONGEST_OUTPUT), stderr.take(LONGEST_OUTPUT));
    // What was read before an error is as good as any.
    let _ = tokio::join!(stdout.read_to_end(&mut printed), stderr.read_to_end(&mut complained));
    printed.extend(complained);
    String::from_utf8_lossy(&printed).into_owned()
}

fn too_late(action: &Action, timeout: Duration) -> String {
    match action {
        Action::HttpGet { host, port, path, .. } => format!(
            "Get \"{}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            url(host, *port, path)
        ),
        Action::Tcp { host, port } => format!("dial tcp {}: i/o timeout", authority(host, *port)),
        Action::Exec(command) => {
            format!("command timed out: {:?} timed out after {}", command.join(" "), in_words(timeout))
        }
    }
}

//! The command `hello`: an app to try the platform with, because every machine that has the operator has it.
//!
//! In come HTTP requests on `$PORT`; each is answered with a text that tells which app, process and port answered, and
//! what was asked.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::args::HelloArguments;
use crate::shutdown::Shutdown;
use crate::stdout::print_line;

/// Why it does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The port.
    #[error(
        "{address} cannot be listened on ({cause}): stop what uses it, or choose another with --port or PORT"
    )]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The system refused to let us handle signals.
    #[error("signals cannot be handled ({0}): this is a limit of the system that runs the process")]
    Signals(#[from] std::io::Error),
}

/// Serves until the process is asked to end.
pub(crate) async fn run(arguments: HelloArguments) -> Result<(), Error> {
    let mut shutdown = Shutdown::listen()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let listener = TcpListener::bind(address).await.map_err(|cause| Error::Listen { address, cause })?;
    let port = listener.local_addr().map_or(arguments.port, |address| address.port());
    let greeting: Arc<str> = arguments.text.unwrap_or_else(|| greeting(port)).into();
    print_line(&format!("listening on port {port}"));
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue, // the client has gone already
            },
            () = shutdown.asked() => return Ok(()),
        };
        let greeting = Arc::clone(&greeting);
        let service = service_fn(move |request| {
            let answer = answer(&greeting, &request);
            async { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn greeting(port: u16) -> String {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    match (variable("FLYNN_APP_NAME"), variable("FLYNN_PROCESS_TYPE")) {
        (app, process) if !app.is_empty() => {
            format!("Hello from the app {app}, process {process}, port {port}.")
        }
        _ => format!("Hello from port {port}."),
    }
}

fn answer(greeting: &str, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let text = format!("{greeting}\n{} {}\n", request.method(), request.uri());
    print_line(&format!("{} {}", request.method(), request.uri()));
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let plain = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, plain);
    response
}

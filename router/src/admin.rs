//! The admin API: the router's status, its metrics, the table as it is served, and what becomes of it.
//!
//! In come plain HTTP/1.1 requests on an address that is not for the world; out go answers, made on a thread beside the
//! workers, so that nothing here disturbs them. It only reads. The paths of Flynn's router are there with its formats.
//!
//! | path | answer |
//! | --- | --- |
//! | `/.well-known/status` | that the router is well, and its version |
//! | `/events?types=a,b` | server-sent events: `set`, `remove`, `backend-up`, `backend-down`, `backend-drained` |
//! | `/metrics` | the counters, as Prometheus reads them |
//! | `/routes` | the table, as JSON |
//! | `/trace?url=URL` | what a request meets, as JSON; also `method`, `client`, `serverName` |

mod query;
mod stream;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use crate::events::{Hub, Kind};
use crate::explain::{self, Question};
use crate::handle::Handle;
use crate::http::reply;
use crate::metrics::{self, Counters, series};
use crate::serve::Addresses;
use query::Query;
use stream::Events;

/// What the API tells of.
pub(crate) struct Admin {
    pub(crate) handle: Handle,
    pub(crate) counters: Vec<Arc<Counters>>,
    pub(crate) hub: Hub,
    pub(crate) addresses: Addresses,
    pub(crate) version: String,
    pub(crate) streams: Arc<Semaphore>,
    /// How long a reader of events may take nothing.
    pub(crate) patience: Duration,
}

type Answer = Response<Either<Full<Bytes>, Events>>;

/// How many connections there may be at once, and how many of them may follow events.
const CONNECTIONS: usize = 128;
pub(crate) const STREAMS: usize = 64;

/// How long a head may take, and how long what was sent may stay unread.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait when no connection can be accepted.
const EXHAUSTED: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const EVENTS: &str = "text/event-stream; charset=utf-8";

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, admin: Arc<Admin>) {
    let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connection(stream, admin.clone(), is_local);
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection to the admin API was not accepted");
                sleep(EXHAUSTED).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, admin: Arc<Admin>, is_local: bool) {
    // A reader that takes nothing must not hold what waits for it.
    if SockRef::from(&stream).set_tcp_user_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let slow = Arc::new(Notify::new());
    let service = service_fn(|request| {
        let answer = match is_local && !is_for_this_machine(&request) {
            true => text(
                StatusCode::FORBIDDEN,
                "the admin API of this machine is asked by its address or as localhost\n",
            ),
            false => admin.answer(&request, &slow),
        };
        async { Ok::<_, Infallible>(answer) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    tokio::select! {
        served = server.serve_connection(TokioIo::new(stream), service) => if let Err(error) = served {
            tracing::debug!(%error, "a connection to the admin API broke");
        },
        () = slow.notified() => {}
    }
}

/// Whether a request to this machine means it: a page in a browser on it can reach it too, by a name that somebody else
/// chose (DNS rebinding).
fn is_for_this_machine<B>(request: &Request<B>) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok()
        || literal.is_some_and(|name| name.parse::<Ipv6Addr>().is_ok())
}

impl Admin {
    fn answer<B>(&self, request: &Request<B>, slow: &Arc<Notify>) -> Answer {
        let query = Query::of(request.uri().query().unwrap_or_default());
        match request.uri().path() {
            "/.well-known/status" | "/events" | "/metrics" | "/routes" | "/trace"
                if request.method() != Method::GET && request.method() != Method::HEAD =>
            {
                text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n")
            }
            "/.well-known/status" => whole(StatusCode::OK, JSON, reply::status_text(&self.version)),
            "/events" => self.events(&query, slow),
            "/metrics" => {
                let snapshot = metrics::snapshot(&self.counters, &self.handle);
                whole(StatusCode::OK, METRICS, series::text(&snapshot.series()))
            }
            "/routes" => json(&self.handle.routes()),
            "/trace" => self.trace(&query),
            _ => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    fn events(&self, query: &Query, slow: &Arc<Notify>) -> Answer {
        let kinds = Kind::parse(query.value("types").unwrap_or_default());
        let Ok(place) = self.streams.clone().try_acquire_owned() else {
            return text(
                StatusCode::SERVICE_UNAVAILABLE,
                "there are too many streams of events: close one\n",
            );
        };
        let request = stream::Request { kinds, patience: self.patience, slow: slow.clone(), place };
        let events = stream::start(&self.handle, &self.hub, request);
        let mut answer = Response::new(Either::Right(events));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(EVENTS));
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answer
    }

    fn trace(&self, query: &Query) -> Answer {
        let refuse = |reason: &str| text(StatusCode::BAD_REQUEST, reason);
        let Some(url) = query.value("url") else {
            return refuse("give the URL that is asked about, as in /trace?url=https://host/path\n");
        };
        let mut question = Question::get(url);
        if let Some(method) = query.value("method") {
            method.clone_into(&mut question.method);
        }
        if let Some(client) = query.value("client") {
            match client.parse() {
                Ok(client) => question.client = client,
                Err(_) => return refuse("`client` is the address that the request comes from\n"),
            }
        }
        question.server_name = query.value("serverName").map(str::to_owned);
        match explain::explain(&self.handle.table(), &question, &self.addresses) {
            Ok(explanation) => json(&explanation),
            Err(error) => refuse(&format!("{error}\n")),
        }
    }
}

fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(text) => whole(StatusCode::OK, JSON, text),
        Err(_) => {
            text(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written as JSON, which is a bug\n")
        }
    }
}

fn text(status: StatusCode, body: &str) -> Answer {
    whole(status, TEXT, body.to_owned())
}

fn whole(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_else_chose_is_not_this_machine() {
        let is_ours =
            |host: &str| is_for_this_machine(&Request::builder().header(HOST, host).body(()).unwrap());
        for host in ["127.0.0.1:9912", "localhost:9912", "LOCALHOST", "[::1]:9912", "[::1]", "10.0.0.1"] {
            assert!(is_ours(host), "{host}");
        }
        for host in ["evil.com", "evil.com:9912", "127.0.0.1.evil.com", "", "[evil]"] {
            assert!(!is_ours(host), "{host}");
        }
    }
}

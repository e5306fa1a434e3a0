//! The access log: one line for each finished request.
//!
//! In come the facts of a request, on the thread that served it; out goes a line, on a thread that does nothing else.
//! Between them is a queue for each worker, bounded: when the writer is too slow, entries are dropped and counted, and no
//! request ever waits. Without an access log a request costs one branch.

mod format;
mod writer;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use router_config::Scheme;
use tokio::sync::mpsc;

use crate::http::name::Name;
use crate::http::request::Request;
use crate::metrics::{By, Counters};
pub(crate) use writer::Writer;

/// Which requests are logged, and how.
#[derive(Debug, Clone)]
pub struct AccessLog {
    /// How a line looks.
    pub form: LogForm,
    /// Which part of the requests is logged, drawn at random: 1 is all of them, 0.01 one in a hundred.
    pub sample: f64,
    /// Whether the path is told with its query, which often holds what nobody should read.
    pub query: bool,
    /// Where the lines go: to the end of this file. Left out: to standard output.
    pub file: Option<PathBuf>,
}

/// How a line of the access log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogForm {
    /// One JSON object.
    Json,
    /// The form that web servers share, named `combined`.
    Combined,
}

/// A finished request.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) client: IpAddr,
    pub(crate) scheme: Scheme,
    pub(crate) http2: bool,
    /// 0: the client was gone before there was an answer.
    pub(crate) status: u16,
    pub(crate) by: By,
    pub(crate) why: Option<&'static str>,
    pub(crate) endpoint: Option<SocketAddr>,
    pub(crate) took: Duration,
    pub(crate) to_head: Option<Duration>,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) detail: Detail,
}

/// What of a request is kept for the log alone. Empty: the client did not say it, or nothing that could be read.
#[derive(Debug)]
pub(crate) struct Detail {
    /// When its head was there.
    pub(crate) began: SystemTime,
    pub(crate) method: Box<[u8]>,
    pub(crate) host: Box<[u8]>,
    pub(crate) path: Box<[u8]>,
    pub(crate) is_old: bool,
    pub(crate) request_id: Box<[u8]>,
    pub(crate) user_agent: Box<[u8]>,
    pub(crate) referer: Box<[u8]>,
    /// The host of the configuration that serves it.
    pub(crate) route: Option<Arc<str>>,
}

/// One worker's end of its queue.
#[derive(Debug)]
pub(crate) struct Sink {
    queue: mpsc::Sender<Entry>,
    sample: f64,
    query: bool,
}

/// How many entries of one worker may wait.
const QUEUE: usize = 4096;

/// How much of a field is kept, in bytes, so that what waits is bounded in memory too.
const LONGEST: usize = 2048;

impl AccessLog {
    /// Everything, without queries, to standard output.
    #[must_use]
    pub fn of(form: LogForm) -> Self {
        Self { form, sample: 1.0, query: false, file: None }
    }
}

impl FromStr for LogForm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "combined" => Ok(Self::Combined),
            _ => Err("the form of the access log is `json` or `combined`"),
        }
    }
}

/// Opens the log with a queue for each worker.
///
/// # Errors
/// If the file cannot be opened, or no thread started.
pub(crate) fn open(log: &AccessLog, workers: usize) -> io::Result<(Writer, Vec<Sink>)> {
    let (queues, entries): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::channel(QUEUE)).unzip();
    let sinks = queues.into_iter().map(|queue| Sink { queue, sample: log.sample, query: log.query });
    Ok((Writer::start(log, entries)?, sinks.collect()))
}

impl Detail {
    /// Takes the request's id out of the head that the endpoint gets.
    pub(crate) fn forwarded(&mut self, head: &[u8]) {
        const NAME: &[u8] = b"\r\nX-Request-Id: ";
        let value = memchr::memmem::find(head, NAME).map_or(&[][..], |place| &head[place + NAME.len()..]);
        let end = memchr::memchr(b'\r', value).unwrap_or(value.len());
        self.request_id = cut(&value[..end]);
    }
}

fn cut(bytes: &[u8]) -> Box<[u8]> {
    bytes[..bytes.len().min(LONGEST)].into()
}

impl Sink {
    /// What to keep of a request, if it is one of those that are logged.
    pub(crate) fn detail(
        &self,
        request: Option<&Request<'_>>,
        route: Option<&Arc<str>>,
    ) -> Option<Box<Detail>> {
        if self.sample < 1.0 && fastrand::f64() >= self.sample {
            return None;
        }
        let mut detail = Detail {
            began: SystemTime::now(),
            method: Box::default(),
            host: Box::default(),
            path: Box::default(),
            is_old: false,
            request_id: Box::default(),
            user_agent: Box::default(),
            referer: Box::default(),
            route: route.cloned(),
        };
        if let Some(request) = request {
            let field = |wanted: &[u8]| -> Box<[u8]> {
                let mut fields = request.head.fields().iter().filter(|field| field.kind == Name::Other);
                let found = fields.find(|field| field.name(request.bytes).eq_ignore_ascii_case(wanted));
                cut(found.map_or(&[], |field| field.value(request.bytes)))
            };
            detail.method = cut(request.method_name);
            detail.host = cut(request.authority.host);
            detail.path = cut(match self.query {
                true => request.target.path_and_query,
                false => request.target.path(),
            });
            detail.is_old = request.version == crate::http::request::Version::V10;
            detail.user_agent = field(b"user-agent");
            detail.referer = field(b"referer");
        }
        Some(Box::new(detail))
    }

    /// Never waits: what finds no room is dropped.
    pub(crate) fn push(&self, entry: Entry, counters: &Counters) {
        if self.queue.try_send(entry).is_err() {
            counters.log_dropped.add_one();
        }
    }
}

//! The way in: configurations and changes are applied here, and nowhere else.
//!
//! In comes a [`Delta`] or a whole [`Config`]; out goes the generation that serves it and everything that is wrong with
//! it. Writers take turns behind a lock; the readers, which are the requests, load the one table of the project and
//! never wait. A change is published whole or not at all, and one that changes nothing publishes nothing.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use router_config::{Config, Delta};
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use crate::events::Batch;
use crate::explain::{self, Explanation, NO_SERVICE, NotAUrl, Question, Routes};
use crate::serve::Addresses;
use crate::table::compile::Compiler;
use crate::table::{Action, DEFAULT_PORTS, Table};
use crate::tls;

/// A cheap-to-clone handle on what one or more [`Server`](crate::Server)s serve.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    table: ArcSwap<Table>,
    writer: Mutex<Compiler>,
    /// Tells the generation to those who act on changes; requests do not.
    published: watch::Sender<u64>,
    /// Tells those who follow every change what it means, in order.
    news: broadcast::Sender<Arc<Batch>>,
}

/// How many changes those who follow them may be behind.
const BEHIND: usize = 1024;

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The number of the table that serves it: one higher than before if anything changed. An empty router has 0.
    pub generation: u64,
    /// Everything that is wrong with the whole configuration now, in the order of the subjects.
    pub faults: Vec<Fault>,
}

/// Something that cannot be served as it was asked for. Everything else is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Whose fault it is.
    pub subject: Subject,
    /// One sentence that says what is wrong and what to do.
    pub reason: String,
}

/// A part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// The default certificate.
    DefaultCertificate,
    /// The certificate of this name.
    Certificate(String),
    /// The service of this name.
    Service(String),
    /// The host of this name.
    Host(String),
    /// The TCP route of this port.
    Tcp(u16),
}

/// What a request for a host and path meets, for people and tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explained {
    /// 404: no host serves the name, or the host serves nothing at this path.
    NotFound,
    /// It is sent to one of these endpoints; with none it is answered with 503.
    Forwarded {
        /// The host as it is written in the configuration.
        host: String,
        /// The endpoints, in the order of their addresses.
        endpoints: Vec<SocketAddr>,
    },
    /// It is answered with the router's own status.
    Status {
        /// The host as it is written in the configuration.
        host: String,
    },
    /// It is redirected.
    Redirected {
        /// The host as it is written in the configuration.
        host: String,
    },
    /// It is answered with 503.
    Refused {
        /// The host as it is written in the configuration.
        host: String,
        /// Why.
        reason: String,
    },
}

impl Handle {
    /// A router that serves nothing yet: every request is answered with 404, every TLS client refused.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                table: ArcSwap::default(),
                writer: Mutex::new(Compiler::new(tls::provider())),
                published: watch::Sender::new(0),
                news: broadcast::Sender::new(BEHIND),
            }),
        }
    }

    /// Applies a change as a whole. When this returns, every later request is served by it.
    ///
    /// It costs what changed, however many hosts there are. What cannot be served is reported and hurts nothing else.
    pub fn apply(&self, delta: Delta) -> Applied {
        self.write(|_| delta)
    }

    /// Makes `config` what is served, by applying its difference from what is served now. Its listening addresses are
    /// not looked at: they belong to a [`Server`](crate::Server).
    pub fn replace(&self, config: &Config) -> Applied {
        self.write(|compiler| compiler.diff(config))
    }

    /// What a request for this host (without a port) and path meets. The request path does not use it.
    #[must_use]
    pub fn explain(&self, host: &str, path: &str) -> Explained {
        let table = self.table();
        let Some(found) = table.host(host.as_bytes(), DEFAULT_PORTS) else {
            return Explained::NotFound;
        };
        let host = found.name.to_string();
        match found.paths.find(path.as_bytes()) {
            None => Explained::NotFound,
            Some(Action::Redirect(_)) => Explained::Redirected { host },
            Some(Action::Refuse(reason)) => Explained::Refused { host, reason: reason.to_string() },
            Some(Action::Status) => Explained::Status { host },
            Some(Action::Forward(forward)) => match table.service(forward.service) {
                None => Explained::Refused { host, reason: NO_SERVICE.into() },
                Some(service) => {
                    let candidates = service.candidates(forward.leader);
                    let endpoints = candidates.iter().map(|endpoint| endpoint.address).collect();
                    Explained::Forwarded { host, endpoints }
                }
            },
        }
    }

    /// Which host, path, certificate and endpoints a request meets, or who refuses it and why, at a router that listens on 80,
    /// on 443 and on the ports that hosts name.
    ///
    /// # Errors
    /// If the URL is none.
    pub fn trace(&self, question: &Question) -> Result<Explanation, NotAUrl> {
        let table = self.table();
        let at = |port| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
        let named: Vec<_> = table.ports().map(at).collect();
        let (http, https) = (Some(at(80)), Some(at(443)));
        let addresses = Addresses { http, https, extra_http: named.clone(), extra_https: named, admin: None };
        explain::explain(&table, question, &addresses)
    }

    /// Everything that is served, as it is now.
    #[must_use]
    pub fn routes(&self) -> Routes {
        explain::list(&self.table())
    }

    /// The table that is served now. Hot: load it once per request, and do not hold it while waiting.
    pub(crate) fn table(&self) -> Guard<Arc<Table>> {
        self.shared.table.load()
    }

    /// Tells of every table that is published, or at least of the last one.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.shared.published.subscribe()
    }

    /// What every change from now on means, in order.
    pub(crate) fn news(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.shared.news.subscribe()
    }

    fn write(&self, delta: impl FnOnce(&Compiler) -> Delta) -> Applied {
        let mut compiler = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let delta = delta(&compiler);
        let served = self.shared.table.load_full();
        let mut generation = served.generation;
        let is_followed = self.shared.news.receiver_count() > 0;
        let news = if is_followed { compiler.news(&delta) } else { Vec::new() };
        if let Some(next) = compiler.compile(&served, delta) {
            generation = next.generation;
            self.shared.table.store(Arc::new(next));
            self.shared.published.send_replace(generation);
            if !news.is_empty() {
                // The last one who followed may just have gone.
                let _ = self.shared.news.send(Arc::new(Batch { generation, news }));
            }
        }
        Applied { generation, faults: compiler.faults() }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("generation", &self.table().generation).finish_non_exhaustive()
    }
}

impl Default for Handle {
    fn default() -> Self {
        Self::new()
    }
}

//! A client that never stops asking: a target comes in, requests run in the background,
//! and the count of every answer goes out. It is what proves that no request was lost.
//!
//! It belongs to the async runtime in which it was started.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::eventually;
use crate::http::{Connection, Response, Unanswered};
use crate::tls::Trust;

/// The time between an answer and the next request.
const PAUSE: Duration = Duration::from_millis(2);

/// What to ask for, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server's address.
    pub addr: SocketAddr,
    /// The `Host` of each request, and the name that TLS asks for.
    pub host: String,
    /// The path of each request.
    pub path: String,
    /// Whether to speak TLS.
    pub tls: bool,
    /// Whether one connection serves for many requests. As in a browser, a request on a used connection
    /// that the server has closed meanwhile is sent again on a new one.
    pub keep_alive: bool,
}

impl Target {
    /// Plain HTTP, with a connection for each request.
    #[must_use]
    pub fn http(addr: SocketAddr, host: &str, path: &str) -> Self {
        Self { addr, host: host.to_owned(), path: path.to_owned(), tls: false, keep_alive: false }
    }

    /// HTTPS with any certificate, with a connection for each request.
    #[must_use]
    pub fn https(addr: SocketAddr, host: &str, path: &str) -> Self {
        Self { tls: true, ..Self::http(addr, host, path) }
    }

    /// The same with connections that stay open.
    #[must_use]
    pub fn keep_alive(self) -> Self {
        Self { keep_alive: true, ..self }
    }

    async fn connect(&self) -> Result<Connection> {
        match self.tls {
            true => Connection::open_tls(self.addr, Some(&self.host), Trust::Anything).await,
            false => Connection::open(self.addr).await,
        }
    }
}

/// How the requests went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The answers, by status.
    pub statuses: BTreeMap<u16, u64>,
    /// The requests without an answer, by reason.
    pub errors: BTreeMap<String, u64>,
    /// How many connections were opened.
    pub connections: u64,
}

impl Tally {
    /// All requests.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.statuses.values().chain(self.errors.values()).sum()
    }

    /// The requests that were not answered with 200.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.total() - self.statuses.get(&200).copied().unwrap_or_default()
    }

    /// An error unless there were requests, and each was answered with 200.
    ///
    /// # Errors
    /// When there were none, or one was not.
    pub fn all_ok(&self) -> Result<()> {
        ensure!(self.total() > 0 && self.failed() == 0, "{self}");
        Ok(())
    }

    fn add(&mut self, answer: Result<Response>) {
        match answer {
            Ok(response) => *self.statuses.entry(response.status).or_default() += 1,
            Err(error) => *self.errors.entry(format!("{error:#}")).or_default() += 1,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statuses, errors, connections } = self;
        write!(f, "{} requests on {connections} connections, ", self.total())?;
        write!(f, "{} answers other than 200 ({statuses:?} {errors:?})", self.failed())
    }
}

/// Requests that run in the background.
#[derive(Debug)]
pub struct Load {
    tally: watch::Receiver<Tally>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Load {
    /// Starts asking, one request at a time.
    #[must_use]
    pub fn start(target: Target) -> Self {
        let (publish, tally) = watch::channel(Tally::default());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(target, publish, stopped));
        Self { tally, stop, task }
    }

    /// The count so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }

    /// Waits until that many more requests have been answered: that the load has seen what just happened.
    ///
    /// # Errors
    /// When that takes longer than 30 seconds.
    pub async fn more(&self, requests: u64) -> Result<()> {
        let goal = self.tally().total() + requests;
        eventually("the load has run on", Duration::from_secs(30), || async {
            let total = self.tally().total();
            ensure!(total >= goal, "{total} of {goal} requests");
            Ok(())
        })
        .await
    }

    /// Ends after the request that is under way, and returns the count.
    ///
    /// # Errors
    /// When the load has panicked.
    pub async fn stop(self) -> Result<Tally> {
        let _ = self.stop.send(());
        self.task.await.context("the load has panicked")?;
        Ok(self.tally.borrow().clone())
    }
}

async fn run(target: Target, publish: watch::Sender<Tally>, mut stopped: oneshot::Receiver<()>) {
    let mut connection = None;
    loop {
        let answer = ask(&target, &mut connection, &publish).await;
        publish.send_modify(|tally| tally.add(answer));
        tokio::select! {
            _ = &mut stopped => return,
            () = sleep(PAUSE) => {}
        }
    }
}

async fn ask(
    target: &Target,
    kept: &mut Option<Connection>,
    publish: &watch::Sender<Tally>,
) -> Result<Response> {
    if let Some(mut connection) = kept.take() {
        match connection.get(&target.host, &target.path).await {
            Err(error) if error.is::<Unanswered>() => {}
            answer => {
                *kept = answer.is_ok().then_some(connection);
                return answer;
            }
        }
    }
    publish.send_modify(|tally| tally.connections += 1);
    let mut connection = target.connect().await?;
    let response = connection.get(&target.host, &target.path).await?;
    *kept = target.keep_alive.then_some(connection);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;

    #[tokio::test]
    async fn a_backend_that_is_held_answers_when_it_is_released() -> Result<()> {
        let backend = Backend::start(([127, 0, 0, 1], 0).into(), "a").await?;
        backend.hold();
        let load = Load::start(Target::http(backend.addr(), "a", "/").keep_alive());
        eventually("a request has arrived", Duration::from_secs(5), || async {
            ensure!(backend.requests() == 1);
            Ok(())
        })
        .await?;
        assert_eq!(load.tally().total(), 0);
        backend.release();
        load.more(5).await?;
        let tally = load.stop().await?;
        assert_eq!(tally.connections, 1);
        tally.all_ok()
    }

    #[tokio::test]
    async fn a_backend_that_drains_answers_what_has_begun_and_nothing_more() -> Result<()> {
        let backend = Backend::start(([127, 0, 0, 1], 0).into(), "a").await?;
        backend.hold();
        let begun = tokio::spawn(crate::http::get(backend.addr(), "a", "/"));
        eventually("the request has begun", Duration::from_secs(5), || async {
            ensure!(backend.requests() == 1);
            Ok(())
        })
        .await?;
        tokio::join!(backend.drain(), async { backend.release() });
        assert_eq!(begun.await??.status, 200);
        assert!(crate::http::get(backend.addr(), "a", "/").await.is_err());
        Ok(())
    }

    #[tokio::test]
    async fn a_request_without_an_answer_is_a_failure() -> Result<()> {
        let backend = Backend::start(([127, 0, 0, 1], 0).into(), "a").await?;
        let load = Load::start(Target::http(backend.addr(), "a", "/"));
        load.more(2).await?;
        backend.close();
        load.more(2).await?;
        let tally = load.stop().await?;
        assert!(tally.failed() > 0 && tally.all_ok().is_err());
        Ok(())
    }
}

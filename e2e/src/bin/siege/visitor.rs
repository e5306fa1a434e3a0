//! Somebody else, in a thread of its own so that the crowd's work is not in its times: it asks every few milliseconds, every
//! other time on a new connection.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::http::Connection;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep, timeout};

use crate::routers::HOST;

const PAUSE: Duration = Duration::from_millis(5);

/// Whoever waits longer was not served.
const PATIENCE: Duration = Duration::from_secs(10);

/// A visitor at work. It ends with the process, or when this is dropped and it asks again.
pub(crate) struct Visitor(Arc<Mutex<Visits>>);

/// What came of the visits of a while.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    /// Of those that were served.
    pub(crate) times: Vec<Duration>,
    /// Why others were not.
    pub(crate) failures: Vec<String>,
}

impl Visitor {
    pub(crate) fn start(to: SocketAddr) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let visits = Arc::default();
        let visitor = Self(Arc::clone(&visits));
        thread::spawn(move || runtime.block_on(visit(to, visits)));
        Ok(visitor)
    }

    /// Lets `work` go on, and gives what came of the visits meanwhile beside what came of the work.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> (Visits, T) {
        self.take();
        let done = work.await;
        (self.take(), done)
    }

    fn take(&self) -> Visits {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn visit(to: SocketAddr, visits: Arc<Mutex<Visits>>) {
    let mut kept = None;
    let mut number: u32 = 0;
    while Arc::strong_count(&visits) > 1 {
        let begin = Instant::now();
        let result = timeout(PATIENCE, ask(to, kept.take())).await.map_err(Into::into).flatten();
        let time = begin.elapsed();
        number = number.wrapping_add(1);
        kept = note(&visits, time, result).filter(|_| number.is_multiple_of(2));
        sleep(PAUSE).await;
    }
}

/// Notes how a visit ended. The lock is in a function of its own so that it is never held while something is awaited.
fn note(visits: &Mutex<Visits>, time: Duration, result: Result<Connection>) -> Option<Connection> {
    let mut visits = visits.lock().unwrap_or_else(PoisonError::into_inner);
    match result {
        Ok(connection) => {
            visits.times.push(time);
            Some(connection)
        }
        Err(error) => {
            visits.failures.push(format!("{error:#}"));
            None
        }
    }
}

async fn ask(to: SocketAddr, kept: Option<Connection>) -> Result<Connection> {
    let mut connection = match kept {
        Some(connection) => connection,
        None => Connection::open(to).await?,
    };
    let answer = connection.get(HOST, "/").await?;
    ensure!(answer.status == 200, "{}", answer.status);
    Ok(connection)
}

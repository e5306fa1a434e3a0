//! Carries orders out: the newest of each key, several keys at a time, one order of a key at a time. After a failure it waits
//! and asks for another order.
//!
//! In come orders on a channel; out go the writes of whoever implements [`Write`]. It ends, and every write under way with
//! it, when its task is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::queue::Queue;

/// How many writes are under way at the same time.
const CONCURRENCY: usize = 8;

/// An attempt that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// One kind of write.
pub(crate) trait Write: Send + Sync + 'static {
    /// What a newer order replaces an older one by.
    type Key: Ord + Clone + Send + 'static;
    /// What has to be written.
    type Order: PartialEq + Send + 'static;

    /// Tries to write, and says whether that went well.
    fn write(&self, key: &Self::Key, order: &Self::Order) -> impl Future<Output = bool> + Send;

    /// The wait after an attempt is over: asks the plan for what has to be written now, if anything.
    fn again(&self, key: &Self::Key) -> impl Future<Output = ()> + Send;

    /// An attempt took too long.
    fn timed_out(&self, key: &Self::Key) -> impl Future<Output = ()> + Send;
}

type Orders<W> = UnboundedReceiver<(<W as Write>::Key, <W as Write>::Order)>;
type Ended<W> = (<W as Write>::Key, <W as Write>::Order, bool);

/// Writes until nobody can order any more.
pub(crate) async fn run<W: Write>(write: W, mut orders: Orders<W>) {
    let write = Arc::new(write);
    let mut queue = Queue::default();
    let mut running = JoinSet::new();
    loop {
        while running.len() < CONCURRENCY
            && let Some((key, order)) = queue.next()
        {
            running.spawn(attempt(Arc::clone(&write), key, order));
        }
        let wake_at = queue.wake_at();
        tokio::select! {
            order = orders.recv() => match order {
                Some((key, order)) => queue.push(key, order),
                None => return,
            },
            Some(ended) = running.join_next() => settle::<W>(&mut queue, ended),
            () = wait(wake_at) => try_again(&*write, &mut queue).await,
        }
        // The rest of what is queued, so that only the newest of each key is written.
        while let Ok((key, order)) = orders.try_recv() {
            queue.push(key, order);
        }
    }
}

async fn attempt<W: Write>(write: Arc<W>, key: W::Key, order: W::Order) -> Ended<W> {
    let written = match timeout(PATIENCE, write.write(&key, &order)).await {
        Ok(written) => written,
        Err(_) => {
            write.timed_out(&key).await;
            false
        }
    };
    (key, order, written)
}

fn settle<W: Write>(queue: &mut Queue<W::Key, W::Order>, ended: Result<Ended<W>, JoinError>) {
    match ended {
        Ok((key, order, true)) => queue.done(key, order, Instant::now()),
        Ok((key, order, false)) => drop(queue.failed(&key, order, Instant::now(), fastrand::f64())),
        // A bug in a write is a bug of the process, not of this one key.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => {}
    }
}

async fn try_again<W: Write>(write: &W, queue: &mut Queue<W::Key, W::Order>) {
    while let Some(key) = queue.due(Instant::now()) {
        write.again(&key).await;
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::mpsc;

    use super::*;

    /// Notes what it writes; the first attempts fail, and are ordered again.
    struct Notes {
        written: Arc<Mutex<Vec<(u32, u32)>>>,
        failures: Mutex<u32>,
        orders: mpsc::UnboundedSender<(u32, u32)>,
    }

    impl Write for Notes {
        type Key = u32;
        type Order = u32;

        async fn write(&self, key: &u32, order: &u32) -> bool {
            tokio::task::yield_now().await;
            self.written.lock().unwrap().push((*key, *order));
            let mut failures = self.failures.lock().unwrap();
            let failed = *failures > 0;
            *failures = failures.saturating_sub(1);
            !failed
        }

        async fn again(&self, key: &u32) {
            self.orders.send((*key, 100)).unwrap();
        }

        async fn timed_out(&self, _: &u32) {}
    }

    async fn written(failures: u32, orders: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let (sender, receiver) = mpsc::unbounded_channel();
        for order in orders {
            sender.send(*order).unwrap();
        }
        let notes = Notes { written: Arc::clone(&written), failures: Mutex::new(failures), orders: sender };
        let mut writers = JoinSet::new();
        writers.spawn(run(notes, receiver));
        tokio::time::sleep(Duration::from_secs(300)).await;
        drop(writers);
        let mut written = written.lock().unwrap().clone();
        written.sort_unstable();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_newest_order_of_a_key_is_carried_out() {
        assert_eq!(written(0, &[(1, 1), (2, 1), (1, 2), (1, 3)]).await, [(1, 3), (2, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_another_order_is_asked_for_until_one_succeeds() {
        assert_eq!(written(3, &[(1, 1)]).await, [(1, 1), (1, 100), (1, 100), (1, 100)]);
    }
}

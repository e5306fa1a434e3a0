//! The thread that writes the access log.
//!
//! In come entries from the queues of the workers; out go lines, many at a time. It ends when every worker has, and what
//! was queued is written. A log that cannot be written is told once, and tried again with the next lines.

use std::fs::{File, OpenOptions};
use std::future::poll_fn;
use std::io::{self, Write};
use std::task::Poll;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;

use super::{AccessLog, Entry, LogForm, format};

/// The running writer.
#[derive(Debug)]
pub(crate) struct Writer(JoinHandle<()>);

/// How many entries are taken at once from a queue.
const BATCH: usize = 256;

enum Target {
    Stdout,
    File(File),
}

impl Writer {
    pub(super) fn start(log: &AccessLog, queues: Vec<mpsc::Receiver<Entry>>) -> io::Result<Self> {
        let target = match &log.file {
            None => Target::Stdout,
            Some(path) => Target::File(OpenOptions::new().create(true).append(true).open(path)?),
        };
        let form = log.form;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let write = move || runtime.block_on(write(target, form, queues));
        Ok(Self(thread::Builder::new().name("router-log".into()).spawn(write)?))
    }

    /// Waits until everything is written. The workers have to have ended.
    pub(crate) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the writer of the access log panicked");
        }
    }
}

async fn write(mut target: Target, form: LogForm, mut queues: Vec<mpsc::Receiver<Entry>>) {
    let (mut entries, mut text) = (Vec::with_capacity(BATCH), String::new());
    let mut was_told = false;
    while next(&mut queues, &mut entries).await {
        for entry in entries.drain(..) {
            format::push(&mut text, form, &entry);
        }
        match target.write(text.as_bytes()) {
            Ok(()) => was_told = false,
            Err(error) if !was_told => {
                tracing::warn!(%error, "the access log cannot be written");
                was_told = true;
            }
            Err(_) => {}
        }
        text.clear();
    }
}

/// Waits for entries, of any queue; no more come when it gives false.
async fn next(queues: &mut Vec<mpsc::Receiver<Entry>>, entries: &mut Vec<Entry>) -> bool {
    poll_fn(|cx| {
        queues.retain_mut(|queue| !matches!(queue.poll_recv_many(cx, entries, BATCH), Poll::Ready(0)));
        match (entries.is_empty(), queues.is_empty()) {
            (false, _) => Poll::Ready(true),
            (true, true) => Poll::Ready(false),
            (true, false) => Poll::Pending,
        }
    })
    .await
}

impl Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Self::File(file) => file.write_all(bytes),
        }
    }
}

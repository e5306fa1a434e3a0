//! Where the logs of containers come from: whoever runs the Pods.

use std::io;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;
use thiserror::Error;

/// A container of a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRef {
    /// The Pod's namespace.
    pub namespace: String,
    /// The Pod's name.
    pub name: String,
    /// The Pod's `metadata.uid`.
    pub uid: String,
    /// The container's name.
    pub container: String,
}

/// Which part of a log, and how (`PodLogOptions`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Goes on with what is written from now on.
    pub follow: bool,
    /// Of the run before this one.
    pub previous: bool,
    /// Begins each line with its time.
    pub timestamps: bool,
    /// The last lines only.
    pub tail_lines: Option<u64>,
    /// Lines from this time on.
    pub since: Option<Timestamp>,
    /// No more bytes than this.
    pub limit_bytes: Option<u64>,
}

/// Why there is no log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// The container has not run, or not before this run: the sentence for the client, a 400.
    #[error("{0}")]
    NotThere(String),
    /// Nobody runs Pods here: a 503.
    #[error("no logs are kept here: nothing runs Pods")]
    NoRunner,
    /// The log could not be read: a 500.
    #[error("{0}")]
    Unreadable(String),
}

/// The bytes of a log, in pieces.
pub type LogStream = BoxStream<'static, io::Result<Bytes>>;

/// Gives the logs of containers.
pub trait Logs: Send + Sync {
    /// The log of a container; one that is followed ends with the container, or when the stream is dropped.
    fn log(&self, pod: PodRef, options: LogOptions) -> BoxFuture<'_, Result<LogStream, LogError>>;
}

/// No logs: for an API without anything that runs Pods.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLogs;

impl Logs for NoLogs {
    fn log(&self, _pod: PodRef, _options: LogOptions) -> BoxFuture<'_, Result<LogStream, LogError>> {
        Box::pin(std::future::ready(Err(LogError::NoRunner)))
    }
}

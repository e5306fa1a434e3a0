//! From what a process prints to records in a file: `<time> <stdout|stderr> <F|P> <text>`, a line each.
//!
//! `F` is the end of a line, `P` a part of one that is longer than 16 KiB. A log that cannot be written does not stop the
//! process: what it prints is dropped, and that is said once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

use super::{LogStore, private_folder, rotate};
use crate::process::Output;

/// No record holds more text.
const LONGEST_RECORD: usize = 16 * 1024;

/// Where a process printed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Writes the log of one run of a container.
#[derive(Debug)]
pub(crate) struct Writer {
    store: LogStore,
    path: PathBuf,
    file: File,
    pub(super) size: u64,
    failed: bool,
    written: watch::Sender<()>,
}

impl Writer {
    /// The log of a container's n-th run; the one before it is kept, older ones are removed.
    pub(crate) fn create(store: &LogStore, folder: &Path, run: u32) -> io::Result<Self> {
        private_folder(folder)?;
        forget_before(folder, run.saturating_sub(1));
        let path = folder.join(format!("{run}.log"));
        let file = open(&path)?;
        let size = file.metadata()?.len();
        let (written, follow) = watch::channel(());
        store.lock().insert(path.clone(), follow);
        Ok(Self { store: store.clone(), path, file, size, failed: false, written })
    }

    pub(super) fn write(&mut self, records: &[u8]) {
        if let Err(error) = self.try_write(records)
            && !self.failed
        {
            self.failed = true;
            tracing::warn!(%error, file = %self.path.display(), "cannot write a container's log; what it prints is lost");
        }
    }

    fn try_write(&mut self, records: &[u8]) -> io::Result<()> {
        if self.size >= rotate::LARGEST {
            rotate::rotate(&self.path)?;
            self.file = open(&self.path)?;
            self.size = 0;
        }
        self.file.write_all(records)?;
        self.size += records.len() as u64;
        self.written.send_replace(());
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.store.lock().remove(&self.path);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn forget_before(folder: &Path, run: u32) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.map(|entry| entry.path()) {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name
            .split_once('.')
            .and_then(|(number, _)| number.parse::<u32>().ok())
            .is_some_and(|old| old < run)
        {
            let _ = fs::remove_file(&file);
        }
    }
}

/// Writes all that a process prints, until it and everything that it started has closed its outputs.
pub(crate) async fn copy(output: Output, mut writer: Writer) {
    let Output { mut stdout, mut stderr } = output;
    let (mut out, mut err) = (Lines::new(Stream::Stdout), Lines::new(Stream::Stderr));
    let mut records = Vec::new();
    while out.open || err.open {
        tokio::select! {
            read = stdout.read_buf(&mut out.pending), if out.open => out.took(read, &mut records),
            read = stderr.read_buf(&mut err.pending), if err.open => err.took(read, &mut records),
        }
        if !records.is_empty() {
            writer.write(&records);
            records.clear();
        }
    }
}

/// Cuts what comes in at the ends of lines.
#[derive(Debug)]
struct Lines {
    stream: Stream,
    pending: Vec<u8>,
    open: bool,
}

impl Lines {
    fn new(stream: Stream) -> Self {
        Self { stream, pending: Vec::new(), open: true }
    }

    fn took(&mut self, read: io::Result<usize>, records: &mut Vec<u8>) {
        self.open = read.is_ok_and(|bytes| bytes > 0);
        self.cut(Timestamp::now(), records);
    }

    /// Moves whole lines, parts that are too long to wait for the rest and, at the end, what is left, to the records.
    fn cut(&mut self, now: Timestamp, records: &mut Vec<u8>) {
        let mut rest = self.pending.as_slice();
        while !rest.is_empty() {
            let window = &rest[..rest.len().min(LONGEST_RECORD + 1)];
            let (text, taken, tag) = match window.iter().position(|&byte| byte == b'\n') {
                Some(end) => (&rest[..end], end + 1, 'F'),
                None if rest.len() > LONGEST_RECORD => (&rest[..LONGEST_RECORD], LONGEST_RECORD, 'P'),
                None if !self.open => (rest, rest.len(), 'F'),
                None => break,
            };
            record(now, self.stream, tag, text, records);
            rest = &rest[taken..];
        }
        let taken = self.pending.len() - rest.len();
        self.pending.drain(..taken);
        // One long line must not hold its memory for as long as the process runs.
        if self.pending.is_empty() && self.pending.capacity() > LONGEST_RECORD {
            self.pending = Vec::new();
        }
    }
}

fn record(now: Timestamp, stream: Stream, tag: char, text: &[u8], records: &mut Vec<u8>) {
    write!(records, "{now:.9} {} {tag} ", stream.name()).expect("a vector takes all");
    records.extend_from_slice(text);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(lines: &mut Lines, printed: &[u8]) -> String {
        let mut records = Vec::new();
        lines.pending.extend_from_slice(printed);
        lines.cut("2026-11-22T08:07:15.5Z".parse().unwrap(), &mut records);
        String::from_utf8(records).unwrap()
    }

    #[test]
    fn a_line_is_one_record_with_nanoseconds() {
        let mut lines = Lines::new(Stream::Stdout);
        assert_eq!(cut(&mut lines, b"hel"), "");
        assert_eq!(
            cut(&mut lines, b"lo\n\nrest"),
            concat!(
                "2026-11-22T08:07:15.500000000Z stdout F hello\n",
                "2026-11-22T08:07:15.500000000Z stdout F \n",
            )
        );
        assert_eq!(lines.pending, b"rest");
    }

    #[test]
    fn a_line_that_is_too_long_comes_in_parts() {
        let mut lines = Lines::new(Stream::Stderr);
        let mut line = vec![b'a'; LONGEST_RECORD + 3];
        line.push(b'\n');
        let records = cut(&mut lines, &line);
        let tags: Vec<&str> = records.lines().map(|record| &record[31..39]).collect();
        assert_eq!(tags, ["stderr P", "stderr F"]);
    }

    #[test]
    fn a_line_of_exactly_the_longest_length_is_whole() {
        let mut lines = Lines::new(Stream::Stdout);
        let mut line = vec![b'a'; LONGEST_RECORD];
        assert_eq!(cut(&mut lines, &line), "");
        line.clear();
        let records = cut(&mut lines, b"\n");
        assert!(records.starts_with("2026-11-22T08:07:15.500000000Z stdout F aaa"));
        assert_eq!(records.lines().count(), 1);
    }

    #[test]
    fn what_is_left_at_the_end_is_a_line() {
        let mut lines = Lines::new(Stream::Stdout);
        lines.open = false;
        assert_eq!(cut(&mut lines, b"bye"), "2026-11-22T08:07:15.500000000Z stdout F bye\n");
    }
}

//! Reads the log of one run of a container as text, from the oldest file to the one that is written, and follows it.
//!
//! The end of a file is only the end of the log if no newer file is there; a file that was renamed under the reader is
//! read to its end first. A follower sleeps until the writer has written, and ends with the writer.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use tokio::sync::watch;

use super::select::Selection;
use super::{LogOptions, LogStore, rotate};

/// As much is read at a time.
const CHUNK: usize = 64 * 1024;

/// The text of a log.
pub(crate) fn read(
    store: &LogStore,
    log: &Path,
    options: &LogOptions,
) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
    // Asked for before the first read, so that nothing is written unseen in between.
    let follow = if options.follow { store.follow(log) } else { None };
    let mut files = Files { log: log.to_owned(), current: None };
    files.open_from_tail(options.tail_lines)?;
    let selection = Selection::new(options, Timestamp::now());
    let reader = Reader { files, selection, follow, pending: Vec::new() };
    Ok(stream::try_unfold(
        reader,
        |mut reader| async move { Ok(reader.next().await?.map(|text| (text, reader))) },
    )
    .boxed())
}

#[derive(Debug)]
struct Reader {
    files: Files,
    selection: Selection,
    follow: Option<watch::Receiver<()>>,
    pending: Vec<u8>,
}

impl Reader {
    /// The next piece of text; none at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while !self.selection.is_full() {
            if self.files.read(&mut self.pending)? {
                let text = self.whole_lines();
                if !text.is_empty() {
                    return Ok(Some(text.into()));
                }
            } else if !self.wait().await {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn whole_lines(&mut self) -> Vec<u8> {
        let end = self.pending.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let mut text = Vec::with_capacity(end);
        for line in self.pending[..end].split_inclusive(|&byte| byte == b'\n') {
            self.selection.take(&line[..line.len() - 1], &mut text);
        }
        self.pending.drain(..end);
        text
    }

    /// Waits for more; false if there will be none. After the writer has ended, what it wrote last is still read.
    async fn wait(&mut self) -> bool {
        let Some(follow) = &mut self.follow else { return false };
        if follow.changed().await.is_err() {
            self.follow = None;
        }
        true
    }
}

/// The files of a log as one.
#[derive(Debug)]
struct Files {
    log: PathBuf,
    current: Option<(u64, File)>,
}

impl Files {
    /// Adds a chunk; false at the end of the newest file.
    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            // The order matters: a file is full, and will not grow, if a newer one was seen before its end was.
            let newer = self.newer();
            if let Some((_, file)) = &mut self.current
                && file.take(CHUNK as u64).read_to_end(into)? > 0
            {
                return Ok(true);
            }
            let Some(newer) = newer else { return Ok(false) };
            match self.open(newer)? {
                Some(file) => self.current = Some((newer, file)),
                None => return Ok(false),
            }
        }
    }

    /// The number of the file after the current one.
    fn newer(&self) -> Option<u64> {
        let after = self.current.as_ref().map_or(0, |(number, _)| *number);
        let written = rotate::current_number(&self.log);
        let full = rotate::full(&self.log);
        full.into_iter().chain([written]).find(|&number| number > after)
    }

    fn open(&self, number: u64) -> io::Result<Option<File>> {
        let full = File::open(rotate::numbered(&self.log, number));
        match full {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(Some),
        }
        match File::open(&self.log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Starts as many lines before the end, or at the beginning.
    fn open_from_tail(&mut self, lines: Option<u64>) -> io::Result<()> {
        let Some(mut wanted) = lines else { return Ok(()) };
        let numbers = rotate::full(&self.log).into_iter().chain([rotate::current_number(&self.log)]);
        for number in numbers.collect::<Vec<_>>().into_iter().rev() {
            let Some(mut file) = self.open(number)? else { continue };
            let start = tail(&mut file, &mut wanted)?;
            file.seek(SeekFrom::Start(start))?;
            self.current = Some((number, file));
            if wanted == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Where the last lines of a file begin; `wanted` becomes the number of lines that are missing.
fn tail(file: &mut File, wanted: &mut u64) -> io::Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    let mut position = size;
    if *wanted == 0 {
        return Ok(size);
    }
    let mut chunk = Vec::with_capacity(CHUNK);
    while position > 0 {
        let start = position.saturating_sub(CHUNK as u64);
        file.seek(SeekFrom::Start(start))?;
        chunk.clear();
        file.take(position - start).read_to_end(&mut chunk)?;
        for (index, _) in chunk.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let after = start + index as u64 + 1;
            // The end of the last line begins none.
            if after == size {
                continue;
            }
            *wanted -= 1;
            if *wanted == 0 {
                return Ok(after);
            }
        }
        position = start;
    }
    // The first line of the file has no end before it.
    *wanted -= u64::from(size > 0);
    Ok(0)
}

#[cfg(test)]
mod tests;

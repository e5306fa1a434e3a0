//! Which records of a log somebody wants, and how they are printed.

use jiff::Timestamp;

/// What of a container's log is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Which container; may be left out where there is one.
    pub container: Option<String>,
    /// Also what is printed from now on, until the container ends.
    pub follow: bool,
    /// Of the run before the current one.
    pub previous: bool,
    /// Only as many lines from the end.
    pub tail_lines: Option<u64>,
    /// Only what was printed in the last seconds.
    pub since_seconds: Option<i64>,
    /// Only what was printed from this time on.
    pub since_time: Option<Timestamp>,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// No more bytes than this.
    pub limit_bytes: Option<u64>,
}

/// Turns records into text.
#[derive(Debug)]
pub(super) struct Selection {
    since: Option<Timestamp>,
    timestamps: bool,
    left: Option<u64>,
    in_line: bool,
}

impl Selection {
    pub(super) fn new(options: &LogOptions, now: Timestamp) -> Self {
        let seconds = options.since_seconds.map(jiff::SignedDuration::from_secs);
        let since = seconds.and_then(|seconds| now.checked_sub(seconds).ok()).or(options.since_time);
        Self { since, timestamps: options.timestamps, left: options.limit_bytes, in_line: false }
    }

    /// Whether no more text will come, whatever is read.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Adds the text of a record, a line of the file without its end, if it is wanted.
    pub(super) fn take(&mut self, line: &[u8], text: &mut Vec<u8>) {
        let Some(record) = Record::parse(line) else { return };
        if self.since.is_some_and(|since| record.is_before(since)) {
            return;
        }
        if self.timestamps && !self.in_line {
            self.add(record.time, text);
            self.add(b" ", text);
        }
        self.add(record.text, text);
        self.in_line = record.partial;
        if !record.partial {
            self.add(b"\n", text);
        }
    }

    fn add(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        let room =
            self.left.map_or(bytes.len(), |left| left.try_into().unwrap_or(usize::MAX).min(bytes.len()));
        text.extend_from_slice(&bytes[..room]);
        self.left = self.left.map(|left| left - room as u64);
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Record<'a> {
    time: &'a [u8],
    partial: bool,
    text: &'a [u8],
}

impl<'a> Record<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.splitn(4, |&byte| byte == b' ');
        let (time, _stream, tag, text) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let partial = match tag {
            b"F" => false,
            b"P" => true,
            _ => return None,
        };
        Some(Self { time, partial, text })
    }

    fn is_before(&self, since: Timestamp) -> bool {
        let time = std::str::from_utf8(self.time).ok().and_then(|time| time.parse::<Timestamp>().ok());
        time.is_none_or(|time| time < since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: [&[u8]; 4] = [
        b"2026-11-22T08:00:00.000000001Z stdout F one  two",
        b"2026-11-22T08:00:01.000000000Z stderr P long ",
        b"2026-11-22T08:00:01.000000000Z stderr F line",
        b"a line that somebody cut in half",
    ];

    fn text(options: &LogOptions) -> String {
        let mut selection = Selection::new(options, "2026-11-22T08:00:10Z".parse().unwrap());
        let mut text = Vec::new();
        LOG.iter().for_each(|line| selection.take(line, &mut text));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn parts_become_one_line_and_garbage_is_skipped() {
        assert_eq!(text(&LogOptions::default()), "one  two\nlong line\n");
    }

    #[test]
    fn timestamps_come_once_a_line() {
        let options = LogOptions { timestamps: true, ..LogOptions::default() };
        let expected = "2026-11-22T08:00:00.000000001Z one  two\n2026-11-22T08:00:01.000000000Z long line\n";
        assert_eq!(text(&options), expected);
    }

    #[test]
    fn since_leaves_out_what_is_older() {
        let seconds = LogOptions { since_seconds: Some(9), ..LogOptions::default() };
        let time = "2026-11-22T08:00:00.5Z".parse().unwrap();
        let time = LogOptions { since_time: Some(time), ..LogOptions::default() };
        assert_eq!(text(&seconds), "long line\n");
        assert_eq!(text(&time), "long line\n");
    }

    #[test]
    fn a_limit_cuts_within_a_line() {
        let options = LogOptions { limit_bytes: Some(11), ..LogOptions::default() };
        assert_eq!(text(&options), "one  two\nlo");
    }
}

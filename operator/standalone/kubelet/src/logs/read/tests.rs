//! Reading and following, with a real writer on a real folder.

use std::time::Duration;

use super::*;
use crate::logs::Writer;

const LINE: &str = "2026-11-22T08:00:00.000000000Z stdout F ";

struct Log {
    folder: tempfile::TempDir,
    store: LogStore,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = LogStore::open(folder.path().join("logs")).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("logs/0.log")
    }

    fn writer(&self) -> Writer {
        Writer::create(&self.store, &self.folder.path().join("logs"), 0).unwrap()
    }

    fn read(&self, options: &LogOptions) -> BoxStream<'static, io::Result<Bytes>> {
        read(&self.store, &self.path(), options).unwrap()
    }

    async fn text(&self, options: &LogOptions) -> String {
        rest(self.read(options)).await
    }
}

async fn rest(stream: BoxStream<'static, io::Result<Bytes>>) -> String {
    let pieces: Vec<Bytes> = stream.map(Result::unwrap).collect().await;
    String::from_utf8(pieces.concat()).unwrap()
}

fn tail(lines: u64) -> LogOptions {
    LogOptions { tail_lines: Some(lines), ..LogOptions::default() }
}

fn numbered_lines(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|number| format!("{LINE}{number}\n")).collect()
}

#[tokio::test]
async fn a_container_that_printed_nothing_has_an_empty_log() {
    let log = Log::new();
    assert_eq!(log.text(&LogOptions::default()).await, "");
    assert_eq!(log.text(&LogOptions { follow: true, ..tail(3) }).await, "");
}

#[tokio::test]
async fn full_files_are_read_first() {
    let log = Log::new();
    for numbers in [0..2, 2..4] {
        std::fs::write(log.path(), numbered_lines(numbers)).unwrap();
        rotate::rotate(&log.path()).unwrap();
    }
    std::fs::write(log.path(), numbered_lines(4..5)).unwrap();
    assert_eq!(log.text(&LogOptions::default()).await, "0\n1\n2\n3\n4\n");
    for lines in 0..=7 {
        let expected: String = (5_u64.saturating_sub(lines)..5).map(|number| format!("{number}\n")).collect();
        assert_eq!(log.text(&tail(lines)).await, expected, "the last {lines}");
    }
}

#[tokio::test]
async fn the_end_of_a_long_log_is_found() {
    let log = Log::new();
    std::fs::write(log.path(), numbered_lines(0..20_000)).unwrap();
    assert_eq!(log.text(&tail(2)).await, "19998\n19999\n");
    assert_eq!(log.text(&tail(10_000)).await.lines().next(), Some("10000"));
}

#[tokio::test]
async fn a_follower_gets_what_is_written_and_ends_with_the_writer() {
    let log = Log::new();
    let mut writer = log.writer();
    writer.write(numbered_lines(0..1).as_bytes());
    let mut follower = log.read(&LogOptions { follow: true, ..LogOptions::default() });
    assert_eq!(follower.next().await.unwrap().unwrap(), "0\n");
    let waiting = tokio::spawn(rest(follower));
    writer.write(numbered_lines(1..3).as_bytes());
    writer.write(numbered_lines(3..4).as_bytes());
    drop(writer);
    let text = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(text, "1\n2\n3\n");
}

#[tokio::test]
async fn a_follower_follows_rotation_and_loses_nothing() {
    let log = Log::new();
    let mut writer = log.writer();
    let follower = tokio::spawn(rest(log.read(&LogOptions { follow: true, ..tail(0) })));
    for number in 0..300 {
        // As if the file were full after every third record.
        writer.size = if number % 100 == 99 { rotate::LARGEST } else { writer.size };
        writer.write(numbered_lines(number..number + 1).as_bytes());
        tokio::task::yield_now().await;
    }
    drop(writer);
    let text = tokio::time::timeout(Duration::from_secs(10), follower).await.unwrap().unwrap();
    let expected: String = (0..300).map(|number| format!("{number}\n")).collect();
    assert_eq!(text, expected);
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let log = Log::new();
    drop(log.writer());
    assert_eq!(std::fs::metadata(log.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::metadata(log.folder.path().join("logs")).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

//! The audit log: one line for each request that was answered, as an `audit.k8s.io/v1` Event of level Metadata. Bodies
//! are never in it.
//!
//! A request hands its entry over without waiting; a thread of its own writes. Entries that come faster than the disk
//! takes them are dropped and counted. A file that was renamed or removed (by logrotate, say) is opened anew.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::warn;

/// How many entries may wait for the disk.
const WAITING: usize = 4096;

/// Where entries go. Clones share one log.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// None once the log is closed.
    open: Mutex<Option<Open>>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Open {
    entries: SyncSender<Entry>,
    thread: JoinHandle<()>,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The id that the answer carries too (`Audit-Id`).
    pub(crate) id: String,
    /// When the request came.
    pub(crate) received: Timestamp,
    /// When the answer was complete; of a watch, when it ended.
    pub(crate) completed: Timestamp,
    /// Such as `list`; of a path that is no kind's, the HTTP method in lower case.
    pub(crate) verb: String,
    /// The path and the query.
    pub(crate) uri: String,
    /// The user, if there is one, and the user's groups.
    pub(crate) user: Option<(String, Vec<String>)>,
    /// Where the request came from.
    pub(crate) source: String,
    /// The header `User-Agent`.
    pub(crate) user_agent: String,
    /// What it was about, if it was about a kind.
    pub(crate) object: Option<ObjectReference>,
    /// The HTTP status.
    pub(crate) code: u16,
}

/// What a request was about; what is not named is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct ObjectReference {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Audit {
    /// Begins to write, at the end of the file if there is one.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let writer = Writer::open(path)?;
        let (entries, waiting) = sync_channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        let thread = std::thread::Builder::new().name("audit".to_owned());
        let thread = thread.spawn(move || writer.run(&waiting, &lost))?;
        Ok(Self { shared: Arc::new(Shared { open: Mutex::new(Some(Open { entries, thread })), dropped }) })
    }

    /// Hands an entry over. Never waits.
    pub(crate) fn record(&self, entry: Entry) {
        let open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_taken = open.as_ref().is_some_and(|open| open.entries.try_send(entry).is_ok());
        if !is_taken {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many entries were not written.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Writes what still waits, and ends. Waits for the disk.
    pub(crate) fn close(&self) {
        let open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { entries, thread }) = open {
            drop(entries);
            if thread.join().is_err() {
                warn!("the audit log ended badly");
            }
        }
    }
}

/// The thread's side.
struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    inode: u64,
    is_failing: bool,
}

impl Writer {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), inode, is_failing: false })
    }

    fn run(mut self, waiting: &Receiver<Entry>, lost: &AtomicU64) {
        while let Ok(first) = waiting.recv() {
            let batch = std::iter::once(first).chain(waiting.try_iter()).collect::<Vec<_>>();
            match self.write(&batch) {
                Ok(()) => self.is_failing = false,
                Err(error) => {
                    lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
                    if !std::mem::replace(&mut self.is_failing, true) {
                        warn!(%error, file = %self.path.display(), "the audit log cannot be written; entries are lost");
                    }
                }
            }
        }
    }

    fn write(&mut self, batch: &[Entry]) -> io::Result<()> {
        if !self.is_in_place() || self.is_failing {
            *self = Self { is_failing: self.is_failing, ..Self::open(&self.path)? };
        }
        for entry in batch {
            serde_json::to_writer(&mut self.file, &entry.event())?;
            self.file.write_all(b"\n")?;
        }
        self.file.flush()
    }

    /// Whether the path still leads to the file that is open.
    fn is_in_place(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode)
    }
}

impl Entry {
    fn event(&self) -> Value {
        let (name, groups) = match &self.user {
            Some((name, groups)) => (name.as_str(), groups.as_slice()),
            None => ("system:anonymous", &[][..]),
        };
        let mut event = json!({
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": self.id,
            "stage": "ResponseComplete",
            "requestURI": self.uri,
            "verb": self.verb,
            "user": {"username": name, "groups": groups},
            "sourceIPs": [self.source],
            "userAgent": self.user_agent,
            "responseStatus": {"metadata": {}, "code": self.code},
            "requestReceivedTimestamp": micro(self.received),
            "stageTimestamp": micro(self.completed),
        });
        if let Some(object) = &self.object {
            event["objectRef"] = object.reference();
        }
        event
    }
}

impl ObjectReference {
    fn reference(&self) -> Value {
        let fields = [
            ("resource", &self.resource),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("apiGroup", &self.group),
            ("apiVersion", &self.version),
            ("subresource", &self.subresource),
        ];
        let named = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let named = named.map(|(name, value)| (name.to_owned(), value.as_str().into()));
        Value::Object(named.collect::<Map<_, _>>())
    }
}

fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            id: "5d6b".to_owned(),
            received: "2026-01-01T00:00:00.000001Z".parse().unwrap(),
            completed: "2026-01-01T00:00:00.5Z".parse().unwrap(),
            verb: "get".to_owned(),
            uri: format!("/api/v1/namespaces/shop/secrets/{name}?pretty=true"),
            user: Some(("ann".to_owned(), vec!["system:authenticated".to_owned()])),
            source: "127.0.0.1".to_owned(),
            user_agent: "kubectl/v1.36.3".to_owned(),
            object: Some(ObjectReference {
                version: "v1".to_owned(),
                resource: "secrets".to_owned(),
                namespace: "shop".to_owned(),
                name: name.to_owned(),
                ..ObjectReference::default()
            }),
            code: 200,
        }
    }

    fn lines(file: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_answered_request_is_one_line_without_bodies() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.log");
        let audit = Audit::open(&file).unwrap();
        audit.record(entry("a"));
        audit.close();
        let expected = json!({
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": "5d6b",
            "stage": "ResponseComplete",
            "requestURI": "/api/v1/namespaces/shop/secrets/a?pretty=true",
            "verb": "get",
            "user": {"username": "ann", "groups": ["system:authenticated"]},
            "sourceIPs": ["127.0.0.1"],
            "userAgent": "kubectl/v1.36.3",
            "objectRef": {"resource": "secrets", "namespace": "shop", "name": "a", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 200},
            "requestReceivedTimestamp": "2026-01-01T00:00:00.000001Z",
            "stageTimestamp": "2026-01-01T00:00:00.500000Z",
        });
        assert_eq!(lines(&file), [expected]);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_log_is_continued_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.log");
        for name in ["a", "b"] {
            let audit = Audit::open(&file).unwrap();
            audit.record(entry(name));
            audit.close();
        }
        assert_eq!(lines(&file).len(), 2);
    }

    #[test]
    fn a_file_that_was_renamed_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (file, old) = (folder.path().join("audit.log"), folder.path().join("audit.log.1"));
        let mut writer = Writer::open(&file).unwrap();
        writer.write(&[entry("a")]).unwrap();
        std::fs::rename(&file, &old).unwrap();
        writer.write(&[entry("b"), entry("c")]).unwrap();
        std::fs::remove_file(&file).unwrap();
        writer.write(&[entry("d")]).unwrap();
        assert_eq!((lines(&old).len(), lines(&file).len()), (1, 1));
        assert_eq!(lines(&file)[0]["objectRef"]["name"], "d");
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gone/audit.log");
        std::fs::create_dir(folder.path().join("gone")).unwrap();
        let audit = Audit::open(&file).unwrap();
        std::fs::remove_dir_all(folder.path().join("gone")).unwrap();
        audit.record(entry("a"));
        audit.close();
        assert_eq!(audit.dropped(), 1);
        audit.record(entry("after the end"));
        assert_eq!(audit.dropped(), 2);
    }

    #[test]
    fn a_queue_that_is_full_drops_and_counts() {
        let (entries, waiting) = sync_channel(1);
        let thread = std::thread::spawn(|| {});
        let open = Mutex::new(Some(Open { entries, thread }));
        let dropped = Arc::new(AtomicU64::new(0));
        let audit = Audit { shared: Arc::new(Shared { open, dropped }) };
        audit.record(entry("taken"));
        audit.record(entry("one too many"));
        assert_eq!(audit.dropped(), 1);
        drop(waiting);
    }
}

//! What is in the file: two tables, and how they are made, read and written.
//!
//! Every transaction ends with one flush. redb commits in one phase: after a crash the newer of its two roots whose
//! checksums hold is the state, so that a batch is there whole or not at all.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, Durability, ReadableDatabase as _, ReadableTable as _, StorageBackend,
    TableDefinition, WriteTransaction,
};

use crate::durable;
use crate::error::OpenError;
use crate::object::{Key, Object, Revision};
use crate::snapshot::Snapshot;
use crate::window::{Event, EventKind};

/// The format that this release reads and writes; in the file and, so that a newer one is not even opened, in its name.
pub(crate) const FORMAT: u64 = 1;
/// Only writes use the cache, so it need not be large.
const CACHE: usize = 4 << 20;

const OBJECTS: TableDefinition<(&str, &str, &str), (Revision, &[u8])> = TableDefinition::new("objects");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// What the file's bytes are kept by. Tests put one here that fails, or forgets what was not flushed.
pub(crate) trait Medium: Send + 'static {
    type Backend: StorageBackend;

    fn backend(&self, file: File) -> Result<Self::Backend, redb::Error>;
}

/// The file itself.
pub(crate) struct Files;

impl Medium for Files {
    type Backend = FileBackend;

    fn backend(&self, file: File) -> Result<FileBackend, redb::Error> {
        Ok(FileBackend::new(file)?)
    }
}

/// Opens a file that is there, after checking that every page of it is as it was written.
pub(crate) fn open<M: Medium>(medium: &M, path: &Path) -> Result<Database, redb::Error> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(redb::Error::Io)?;
    if file.metadata().map_err(redb::Error::Io)?.len() == 0 {
        return Err(redb::Error::Corrupted("the file is empty".to_owned()));
    }
    let backend = medium.backend(file)?;
    Ok(Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).create_with_backend(backend)?)
}

/// Reads a database whole.
pub(crate) fn load(database: &Database, path: &Path) -> Result<Snapshot, OpenError> {
    let failed = |error| OpenError::database(path, error);
    match meta(database, "format").map_err(failed)? {
        found if found > FORMAT => {
            Err(OpenError::Newer { path: path.to_path_buf(), found, supported: FORMAT })
        }
        _ => objects(database).map_err(failed),
    }
}

/// Makes a file that holds the snapshot and nothing else, flushed and for its owner only.
pub(crate) fn create<M: Medium>(
    medium: &M,
    path: &Path,
    snapshot: &Snapshot,
) -> Result<Database, redb::Error> {
    let file = durable::create_file(path).map_err(redb::Error::Io)?;
    let backend = medium.backend(file)?;
    let database = Builder::new().set_cache_size(CACHE).create_with_backend(backend)?;
    let transaction = begin(&database)?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        for object in snapshot.iter() {
            objects.insert(row(&object.key), (object.revision, &*object.json))?;
        }
        let mut meta = transaction.open_table(META)?;
        meta.insert("format", FORMAT)?;
        meta.insert("revision", snapshot.revision())?;
    }
    transaction.commit()?;
    Ok(database)
}

/// Moves the sequence of revisions on.
pub(crate) fn advance(database: &Database, revision: Revision) -> Result<(), redb::Error> {
    let transaction = begin(database)?;
    transaction.open_table(META)?.insert("revision", revision)?;
    Ok(transaction.commit()?)
}

/// Stores the events, all of them or none.
pub(crate) fn write(database: &Database, events: &[Event]) -> Result<(), redb::Error> {
    let transaction = begin(database)?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        for Event { kind, object, revision, .. } in events {
            match kind {
                EventKind::Added | EventKind::Modified => {
                    objects.insert(row(&object.key), (*revision, &*object.json))?;
                }
                EventKind::Deleted => drop(objects.remove(row(&object.key))?),
            }
        }
        let mut meta = transaction.open_table(META)?;
        if let Some(last) = events.last() {
            meta.insert("revision", last.revision)?;
        }
    }
    Ok(transaction.commit()?)
}

/// Commits one flush at their end: a commit that returned is durable.
fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).expect("no savepoint forbids a durable commit");
    Ok(transaction)
}

fn row(key: &Key) -> (&str, &str, &str) {
    (&key.resource, &key.namespace, &key.name)
}

fn meta(database: &Database, name: &str) -> Result<u64, redb::Error> {
    let value = database.begin_read()?.open_table(META)?.get(name)?;
    let missing = || redb::Error::Corrupted(format!("{name} is missing"));
    Ok(value.ok_or_else(missing)?.value())
}

fn objects(database: &Database) -> Result<Snapshot, redb::Error> {
    let mut snapshot = Snapshot::empty(meta(database, "revision")?);
    let mut last = Key::new("", "", "");
    for entry in database.begin_read()?.open_table(OBJECTS)?.iter()? {
        let (key, value) = entry?;
        let (resource, namespace, name) = key.value();
        // Neighbours share what they have in common.
        let key = Key {
            resource: Some(&last.resource)
                .filter(|last| ***last == *resource)
                .cloned()
                .unwrap_or(resource.into()),
            namespace: Some(&last.namespace)
                .filter(|last| ***last == *namespace)
                .cloned()
                .unwrap_or(namespace.into()),
            name: name.into(),
        };
        last = key.clone();
        let (revision, json) = value.value();
        snapshot.insert(Arc::new(Object { key, revision, json: Bytes::copy_from_slice(json) }));
    }
    Ok(snapshot)
}

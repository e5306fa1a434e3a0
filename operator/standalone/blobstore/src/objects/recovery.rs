//! What is found in the folder at the start, and what is swept: whatever a process that died in the middle left behind.
//!
//! A record that cannot be read, or whose content is not there, is left alone and reported: it is one object's fault. As long as there is
//! one, contents that no record names are left alone too, because they may be its.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirEntry, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::folder::{Folder, UNFINISHED};
use super::index::Index;
use super::record::{self, Entry, Record};
use crate::Name;

/// The objects of a folder that was just locked, which is swept.
pub(crate) fn recover(folder: &Folder) -> io::Result<Index> {
    let contents = lengths(&folder.contents())?;
    let mut index = Index::default();
    let mut named = HashSet::new();
    let mut is_sound = true;
    for file in fs::read_dir(folder.records())? {
        let file = file?;
        if is_unfinished(&file) {
            folder.medium().remove(&file.path())?;
        } else if let Some((name, record)) = sound(folder, &file, &contents) {
            trim(folder, &record, &contents)?;
            named.insert(record.content.clone());
            index.insert(name, Entry { record: Arc::new(record), checksum: None });
        } else {
            is_sound = false;
            tracing::error!(record = %file.path().display(), "an object is damaged and cannot be read: restore the folder, or remove this file");
        }
    }
    if is_sound {
        for id in contents.keys().filter(|id| !named.contains(*id)) {
            folder.medium().remove(&folder.content(id))?;
        }
    }
    Ok(index)
}

fn is_unfinished(file: &DirEntry) -> bool {
    file.file_name().to_str().is_some_and(|name| name.ends_with(UNFINISHED))
}

/// A record that is what was written, in its place, and has its content.
fn sound(folder: &Folder, file: &DirEntry, contents: &HashMap<String, u64>) -> Option<(Name, Record)> {
    let (name, record) = record::decode(&fs::read(file.path()).ok()?)?;
    let is_in_place = folder.record(&name) == file.path();
    let has_content = contents.get(&record.content).is_some_and(|length| *length >= record.size);
    (is_in_place && has_content).then_some((name, record))
}

/// Takes away what an append wrote that did not come to its end.
fn trim(folder: &Folder, record: &Record, contents: &HashMap<String, u64>) -> io::Result<()> {
    if contents.get(&record.content) == Some(&record.size) {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(folder.content(&record.content))?;
    folder.medium().set_length(&file, record.size)
}

fn lengths(folder: &Path) -> io::Result<HashMap<String, u64>> {
    let entry = |file: io::Result<DirEntry>| {
        let file = file?;
        Ok((file.file_name().to_string_lossy().into_owned(), file.metadata()?.len()))
    };
    fs::read_dir(folder)?.map(entry).collect()
}

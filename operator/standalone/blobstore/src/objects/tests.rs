//! Each operation is stopped at every step that it makes on the disk, and looked at afterwards.

mod model;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::medium::unreliable::{Trouble, Unreliable};
use super::*;

type State = BTreeMap<&'static str, String>;

/// Longer than a piece, so that a content takes several writes.
fn long(letter: &str) -> String {
    letter.repeat(PIECE + 10)
}

/// What is done to the objects of [`before`], and what they are afterwards.
type Operation = (fn(&Objects) -> Result<(), Error>, fn() -> State);

const OPERATIONS: [Operation; 5] = [
    (|objects| put(objects, "/a", &long("n")), || with(before(), "/a", long("n"))),
    (|objects| put(objects, "/new", &long("n")), || with(before(), "/new", long("n"))),
    (|objects| append(objects, "/a", &long("n")), || with(before(), "/a", long("o") + &long("n"))),
    (|objects| objects.copy(&name("/a"), &name("/new")), || with(before(), "/new", long("o"))),
    (|objects| objects.delete(&name("/a")), || State::from([("/c", "other".into())])),
];

fn before() -> State {
    State::from([("/a", long("o")), ("/a/b", "below".into()), ("/c", "other".into())])
}

fn with(mut state: State, name: &'static str, content: String) -> State {
    state.insert(name, content);
    state
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn staged(objects: &Objects, content: &str) -> Result<Staged, Error> {
    let mut staged = objects.stage()?;
    for piece in content.as_bytes().chunks(PIECE) {
        staged.write(piece)?;
    }
    Ok(staged)
}

fn put(objects: &Objects, at: &str, content: &str) -> Result<(), Error> {
    objects.put(&name(at), Some("text/plain".into()), staged(objects, content)?)
}

fn append(objects: &Objects, at: &str, content: &str) -> Result<(), Error> {
    let size = objects.read(&name(at))?.unwrap().record().size;
    objects.append(&name(at), size, &staged(objects, content)?)
}

/// The folder with the objects of [`before`], opened on a disk that works so far.
fn prepared(folder: &Path) -> (Objects, Arc<Unreliable>) {
    let disk = Arc::new(Unreliable::default());
    let objects = Objects::open_on(folder, disk.clone()).unwrap();
    before().iter().for_each(|(name, content)| put(&objects, name, content).unwrap());
    (objects, disk)
}

/// What can be read, each of it whole: it is what its checksum says.
fn state(objects: &Objects) -> State {
    let mut state = State::new();
    for at in ["/a", "/a/b", "/c", "/new"] {
        let Some(content) = objects.read(&name(at)).unwrap() else { continue };
        let bytes = content.pieces().flat_map(|piece| piece.unwrap().1).collect::<Vec<u8>>();
        let mut checksum = Checksum::new();
        checksum.update(&bytes);
        assert_eq!(content.record().sha512, checksum.text(), "{at}");
        state.insert(at, String::from_utf8(bytes).unwrap());
    }
    assert_eq!(objects.count(), state.len());
    state
}

/// Nothing is in the folder but a record and a content of each object, of its length.
fn assert_swept(folder: &Path, objects: &Objects) {
    let files = |sub: &str| fs::read_dir(folder.join(sub)).unwrap().map(|file| file.unwrap());
    let size: u64 = files("contents").map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(files("records").count(), objects.count());
    assert_eq!(files("contents").count(), objects.count());
    assert_eq!(size, state(objects).values().map(|content| content.len() as u64).sum::<u64>());
}

/// Stops the operation at each of its steps, until it has none left; a power cut also takes away what was not flushed.
fn stop_at_every_step((operate, after): Operation, is_power_cut: bool) {
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let (objects, disk) = prepared(folder.path());
        disk.trouble(Trouble::Dead, step);
        let answer = operate(&objects);
        let is_over = !disk.is_in_trouble();
        drop(objects);
        if is_power_cut {
            disk.lose_what_was_not_flushed();
        }
        let objects = Objects::open(folder.path()).unwrap();
        let (found, after) = (state(&objects), after());
        if answer.is_ok() {
            assert_eq!(found, after, "step {step}: what was acknowledged is there");
        }
        // Of a deletion, some may be done.
        let is_old_or_new = |at: &&str| found.get(at) == before().get(at) || found.get(at) == after.get(at);
        assert!(["/a", "/a/b", "/c", "/new"].iter().all(is_old_or_new), "step {step}: {:?}", found.keys());
        assert_swept(folder.path(), &objects);
        if is_over {
            assert!(step > 2 && answer.is_ok());
            return;
        }
    }
}

#[test]
fn a_process_that_dies_at_any_step_leaves_the_old_object_or_the_new_one() {
    OPERATIONS.into_iter().for_each(|operation| stop_at_every_step(operation, false));
}

#[test]
fn a_power_cut_at_any_step_leaves_the_old_object_or_the_new_one() {
    OPERATIONS.into_iter().for_each(|operation| stop_at_every_step(operation, true));
}

#[test]
fn a_full_disk_at_any_step_leaves_the_old_object_and_says_so() {
    for (operate, after) in OPERATIONS {
        for step in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (objects, disk) = prepared(folder.path());
            disk.trouble(Trouble::Full, step);
            let answer = operate(&objects);
            if answer.is_ok() {
                assert_eq!(state(&objects), after());
                break;
            }
            assert!(matches!(answer, Err(Error::NoSpace)), "{answer:?}");
            assert_eq!(state(&objects), before());
            assert_swept(folder.path(), &objects);
            disk.mend();
            operate(&objects).unwrap();
            assert_eq!(state(&objects), after());
            assert_swept(folder.path(), &objects);
        }
    }
}

#[test]
fn a_record_that_is_not_in_its_place_yet_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let (objects, _) = prepared(folder.path());
    let record = objects.folder.record(&name("/c"));
    let staged = staged(&objects, "new").unwrap();
    fs::copy(&record, record.with_extension("new")).unwrap();
    staged.keep();
    drop(objects);
    let objects = Objects::open(folder.path()).unwrap();
    assert_eq!(state(&objects), before());
    assert_swept(folder.path(), &objects);
}

#[test]
fn a_damaged_object_is_not_served_and_nothing_of_it_is_swept_until_it_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (objects, _) = prepared(folder.path());
    let damaged = objects.folder.record(&name("/c"));
    drop(objects);
    fs::write(&damaged, "{").unwrap();
    let objects = Objects::open(folder.path()).unwrap();
    let without =
        with(before(), "/c", String::new()).into_iter().filter(|(_, content)| !content.is_empty()).collect();
    assert_eq!(state(&objects), without);
    assert_eq!(fs::read_dir(folder.path().join("contents")).unwrap().count(), before().len());
    put(&objects, "/c", "other").unwrap();
    drop(objects);
    let objects = Objects::open(folder.path()).unwrap();
    assert_eq!(state(&objects), before());
    assert_swept(folder.path(), &objects);
}

#[test]
fn an_object_whose_content_is_cut_short_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let (objects, _) = prepared(folder.path());
    let content = objects.read(&name("/a")).unwrap().unwrap().record().content.clone();
    let content = fs::OpenOptions::new().write(true).open(objects.folder.content(&content)).unwrap();
    drop(objects);
    content.set_len(5).unwrap();
    let objects = Objects::open(folder.path()).unwrap();
    assert!(objects.read(&name("/a")).unwrap().is_none());
    assert_eq!(objects.count(), 2);
}

#[test]
fn a_folder_is_opened_once_and_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/blobs");
    let objects = Objects::open(&path).unwrap();
    assert!(matches!(Objects::open(&path), Err(OpenError::Locked { .. })));
    put(&objects, "/a", "text").unwrap();
    for below in ["", "contents", "records"] {
        let mode = fs::metadata(path.join(below)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{below}");
    }
    drop(objects);
    assert_eq!(Objects::open(&path).unwrap().count(), 1);
}

#[test]
fn a_content_that_is_open_does_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let (objects, _) = prepared(folder.path());
    let opened = objects.read(&name("/c")).unwrap().unwrap();
    append(&objects, "/c", " and more").unwrap();
    assert_eq!(opened.read(0, 100).unwrap(), "other");
    put(&objects, "/c", "new").unwrap();
    objects.delete(&name("/c")).unwrap();
    assert_eq!(opened.read(0, 100).unwrap(), "other");
}

#[test]
fn a_reader_finds_an_object_that_is_replaced_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let (objects, _) = prepared(folder.path());
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(relaxed) {
                    assert!(objects.read(&name("/c")).unwrap().is_some());
                }
            });
        }
        (0..3000).for_each(|_| put(&objects, "/c", "new").unwrap());
        is_over.store(true, relaxed);
    });
}

#[test]
fn a_list_has_names_and_directories_once_each_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(folder.path()).unwrap();
    for at in ["/a", "/a-b", "/a/x", "/a/y/z", "/a/y/w", "/b/c", "/b.c", "/bxc"] {
        put(&objects, at, "").unwrap();
    }
    let list = |directory: &str| {
        let listed = objects.list(&Directory::new(directory));
        listed.into_iter().map(|name| String::from_utf8(name).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(list("/"), ["/a", "/a-b", "/a/", "/b.c", "/b/", "/bxc"]);
    assert_eq!(list("/a/"), ["/a/x", "/a/y/"]);
    assert_eq!(list("/a/y"), ["/a/y/w", "/a/y/z"]);
    assert_eq!(list("/b."), Vec::<String>::new());
    objects.delete(&name("/b.c")).unwrap();
    assert_eq!(list("/"), ["/a", "/a-b", "/a/", "/b/", "/bxc"]);
}

//! The store as its callers use it: reads, writes, watches, older states, restarts, folders.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::*;
use crate::backup::{Target, restore};
use crate::error::RestoreError;
use crate::window::{Event, EventKind};

fn open(folder: &Path) -> Store {
    Store::open(folder).unwrap()
}

fn key(name: &str) -> Key {
    Key::new("/pods", "a", name)
}

async fn create(store: &Store, name: &str) -> Arc<Object> {
    store.write(Write::Create { key: key(name), json: format!("{{\"{name}\":1}}").into() }).await.unwrap()
}

async fn update(store: &Store, object: &Object, json: &'static str) -> Arc<Object> {
    let write = Write::Update { key: object.key.clone(), json: json.into(), expected: object.revision };
    store.write(write).await.unwrap()
}

async fn delete(store: &Store, object: &Object) -> Arc<Object> {
    let write = Write::Delete { key: object.key.clone(), json: "gone".into(), expected: object.revision };
    store.write(write).await.unwrap()
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.list("/pods", None, None).map(|object| &*object.key.name).collect()
}

fn pods(store: &Store, after: Revision) -> Result<Watch, Gone> {
    store.watch("/pods".into(), None, after)
}

/// The watch's next event, which a wrong store may never tell.
async fn next(watch: &mut Watch) -> Result<Event, Gone> {
    tokio::time::timeout(Duration::from_secs(20), watch.next()).await.expect("no event came")
}

#[tokio::test]
async fn what_was_written_is_read_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (first, second) = (create(&store, "first").await, create(&store, "second").await);
    let first = update(&store, &first, "new").await;
    delete(&store, &second).await;
    let revision = store.revision();
    drop(store);

    let store = open(folder.path());
    assert_eq!(store.get(&key("first")), Some(first));
    assert_eq!(store.get(&key("second")), None);
    assert_eq!(store.revision(), revision);
    assert_eq!(create(&store, "third").await.revision, revision + 1);
}

#[tokio::test]
async fn revisions_are_one_sequence_above_zero_even_in_an_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(store.revision() > 0);
    let pod = create(&store, "pod").await;
    let node = Write::Create { key: Key::new("/nodes", "", "node"), json: "{}".into() };
    assert_eq!(store.write(node).await.unwrap().revision, pod.revision + 1);
}

#[tokio::test]
async fn a_watch_tells_its_resource_and_namespace_in_order_with_the_state_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut all = pods(&store, store.revision()).unwrap();
    let mut elsewhere = store.watch("/pods".into(), Some("b".into()), store.revision()).unwrap();
    let mut other = store.watch("/nodes".into(), None, store.revision()).unwrap();
    let added = create(&store, "pod").await;
    let modified = update(&store, &added, "new").await;
    let deleted = delete(&store, &modified).await;

    let event = |kind, object: &Arc<Object>, previous: Option<&Arc<Object>>| Event {
        kind,
        object: object.clone(),
        previous: previous.cloned(),
        revision: object.revision,
    };
    assert_eq!(next(&mut all).await.unwrap(), event(EventKind::Added, &added, None));
    assert_eq!(next(&mut all).await.unwrap(), event(EventKind::Modified, &modified, Some(&added)));
    assert_eq!(next(&mut all).await.unwrap(), event(EventKind::Deleted, &deleted, Some(&modified)));
    assert_eq!(&deleted.json[..], b"gone");
    assert_eq!((elsewhere.advance(), other.advance()), (Ok(None), Ok(None)));
}

#[tokio::test]
async fn a_watch_without_events_still_comes_along_and_can_be_resumed_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut watch = store.watch("/nodes".into(), None, store.revision()).unwrap();
    create(&store, "pod").await;
    assert_eq!(watch.advance(), Ok(None));
    assert_eq!(watch.revision(), store.revision());
    assert!(store.watch("/nodes".into(), None, watch.revision()).is_ok());
}

#[tokio::test]
async fn a_call_that_was_dropped_while_it_waited_lost_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut watch = pods(&store, store.revision()).unwrap();
    let mut told = Vec::new();
    for number in 0..20 {
        let name = format!("pod-{number}");
        tokio::select! {
            biased;
            event = watch.next() => told.push(event.unwrap().object),
            _ = create(&store, &name) => {}
        }
        tokio::select! {
            biased;
            () = std::future::ready(()) => {}
            event = watch.next() => told.push(event.unwrap().object),
        }
    }
    for _ in 0..20 {
        told.extend(watch.advance().unwrap().map(|event| event.object));
    }
    let revisions: Vec<_> = told.iter().map(|object| object.revision).collect();
    assert_eq!(revisions, (2..=store.revision()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_slow_watch_is_told_that_it_is_too_late_and_others_are_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_with(folder.path(), &Limits { events: 4, ..Limits::default() }).unwrap();
    let (mut slow, mut quick) = (pods(&store, 1).unwrap(), pods(&store, 1).unwrap());
    for number in 0..6 {
        let object = create(&store, &format!("pod-{number}")).await;
        assert_eq!(next(&mut quick).await.unwrap().object, object);
    }
    assert_eq!(next(&mut slow).await, Err(Gone { oldest: 3 }));
    assert_eq!(pods(&store, 2).unwrap_err(), Gone { oldest: 3 });
    assert_eq!(next(&mut pods(&store, 3).unwrap()).await.unwrap().revision, 4);
}

#[tokio::test]
async fn after_a_restart_a_watch_resumes_at_the_last_revision_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    create(&store, "first").await;
    let revision = store.revision();
    drop(store);
    let store = open(folder.path());
    let mut resumed = pods(&store, revision).unwrap();
    assert_eq!(pods(&store, revision - 1).unwrap_err(), Gone { oldest: revision });
    let object = create(&store, "second").await;
    assert_eq!(next(&mut resumed).await.unwrap().object, object);
}

#[tokio::test]
async fn a_watch_ends_with_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut watch = pods(&store, store.revision()).unwrap();
    let waiting = tokio::spawn(async move { watch.next().await });
    drop(store);
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test]
async fn the_pages_of_a_list_are_of_one_state_while_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (first, second) = (create(&store, "a").await, create(&store, "b").await);
    let revision = store.revision();
    delete(&store, &first).await;
    create(&store, "c").await;
    update(&store, &second, "new").await;
    let before = store.snapshot_at(revision).unwrap();
    assert_eq!((names(&before), before.revision()), (vec!["a", "b"], revision));
    assert_eq!(before.get(&key("b")), Some(&second));
    assert_eq!(names(&store.snapshot_at(store.revision()).unwrap()), ["b", "c"]);
    assert!(store.snapshot_at(store.revision() + 1).is_err());
}

#[tokio::test]
async fn a_state_whose_events_are_no_longer_known_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_with(folder.path(), &Limits { events: 1, ..Limits::default() }).unwrap();
    create(&store, "a").await;
    create(&store, "b").await;
    assert_eq!(names(&store.snapshot_at(2).unwrap()), ["a"]);
    assert_eq!(store.snapshot_at(1).unwrap_err(), Gone { oldest: 2 });
}

#[tokio::test]
async fn of_writers_that_read_the_same_revision_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let object = create(&store, "pod").await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..32 {
        let (store, key, expected) = (store.clone(), object.key.clone(), object.revision);
        writers.spawn(async move {
            store.write(Write::Update { key, json: vec![number].into(), expected }).await
        });
    }
    let answers = writers.join_all().await;
    let winner = answers.iter().find_map(|answer| answer.as_ref().ok()).unwrap();
    for answer in &answers {
        assert!(matches!(answer, Ok(object) | Err(WriteError::Conflict(object)) if object == winner));
    }
    assert_eq!(store.get(&object.key).as_ref(), Some(winner));
}

#[tokio::test]
async fn a_folder_has_one_store_and_its_files_are_for_its_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/data");
    let store = open(&folder);
    let refused = Store::open(&folder).unwrap_err();
    assert!(matches!(refused, OpenError::Locked { pid: Some(pid), .. } if pid == std::process::id()));
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop(store);
    open(&folder);
}

#[tokio::test]
async fn a_folder_of_a_newer_release_is_refused_and_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    create(&open(folder.path()), "pod").await;
    let newer = folder.path().join("objects.v7.redb");
    fs::rename(crate::disk::file(folder.path()), &newer).unwrap();
    let before = fs::read(&newer).unwrap();
    let refused = Store::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 7, supported: 1, .. }), "{refused}");
    assert_eq!(fs::read(&newer).unwrap(), before);
    assert!(!crate::disk::file(folder.path()).exists());
}

#[tokio::test]
async fn a_damaged_file_is_refused_wherever_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    create(&store, "pod").await;
    let expected = store.snapshot().iter().cloned().collect::<Vec<_>>();
    drop(store);
    let file = crate::disk::file(folder.path());
    let whole = fs::read(&file).unwrap();
    let mut refused = 0;
    for (number, position) in (0..whole.len()).step_by(509).enumerate() {
        let mut damaged = whole.clone();
        damaged[position] ^= 1 << (number % 8);
        fs::write(&file, &damaged).unwrap();
        match Store::open(folder.path()) {
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(error) => panic!("{position}: {error}"),
            Ok(store) => assert_eq!(store.snapshot().iter().cloned().collect::<Vec<_>>(), expected),
        }
    }
    assert!(refused > 0);
    for rest in [0, 1, 4096, whole.len() / 2] {
        fs::write(&file, &whole[..rest]).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
    fs::write(&file, "apiVersion: v1\n".repeat(1000)).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(OpenError::Damaged { .. })));
}

#[tokio::test]
async fn a_backup_of_a_store_at_work_is_one_state_and_restores_to_it() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(folder.path());
    let object = create(&store, "kept").await;
    let file = elsewhere.path().join("backup");
    store.backup(&file).await.unwrap();
    create(&store, "later").await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);

    let target = elsewhere.path().join("data");
    restore(&file, &target, Target::Vacant).unwrap();
    let restored = open(&target);
    assert_eq!(names(&restored.snapshot()), ["kept"]);
    assert_eq!(restored.get(&object.key), Some(object));
    assert!(
        restored.revision() > store.revision(),
        "a client of the lost store must not know these revisions"
    );
}

#[tokio::test]
async fn a_restore_refuses_a_folder_in_use_or_with_a_store_and_a_damaged_backup() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("backup"));
    let store = open(&data);
    create(&store, "kept").await;
    store.backup(&file).await.unwrap();
    let in_use = restore(&file, &data, Target::Any).unwrap_err();
    assert!(matches!(in_use, RestoreError::Folder(OpenError::Locked { pid: Some(_), .. })), "{in_use}");
    create(&store, "later").await;
    drop(store);
    assert!(matches!(restore(&file, &data, Target::Vacant), Err(RestoreError::Occupied { .. })));

    let mut damaged = fs::read(&file).unwrap();
    damaged.truncate(damaged.len() / 2);
    fs::write(folder.path().join("damaged"), &damaged).unwrap();
    let refused = restore(&folder.path().join("damaged"), &data, Target::Any).unwrap_err();
    assert!(matches!(&refused, RestoreError::Damaged { file, .. } if file.ends_with("damaged")), "{refused}");
    assert_eq!(names(&open(&data).snapshot()), ["kept", "later"]);

    restore(&file, &data, Target::Any).unwrap();
    assert_eq!(names(&open(&data).snapshot()), ["kept"]);
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("data"));
    let error = store.backup(&folder.path().join("missing/backup")).await.unwrap_err();
    assert!(error.to_string().contains("missing/backup"), "{error}");
    assert!(store.backup(folder.path()).await.is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

//! Full disks, read-only disks, flushes that fail and power cuts: nothing acknowledged is lost, nothing half shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::disk::unreliable::{Trouble, Unreliable};
use crate::object::Object;

/// What should be there: content and revision by name.
type Model = BTreeMap<String, (Vec<u8>, Revision)>;

fn open(folder: &Path, medium: &Unreliable) -> Store {
    Store::open_on(folder, &Limits::default(), medium.clone()).unwrap()
}

fn key(name: &str) -> Key {
    Key::new("/configmaps", "a", name)
}

fn create(name: &str) -> Write {
    Write::Create { key: key(name), json: name.as_bytes().to_vec().into() }
}

fn content(store: &Store) -> Model {
    let told = |object: &Arc<Object>| (object.key.name.to_string(), (object.json.to_vec(), object.revision));
    store.snapshot().list("/configmaps", None, None).map(told).collect()
}

/// Writes until the disk is tried again and takes it.
async fn write_once_mended(store: &Store, write: Write) -> Arc<Object> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match store.write(write.clone()).await {
            Ok(object) => return object,
            Err(WriteError::Storage(_)) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_full_disk_says_so_shows_nothing_and_takes_writes_when_there_is_space_again() {
    let (folder, medium) = (tempfile::tempdir().unwrap(), Unreliable::default());
    let store = open(folder.path(), &medium);
    let first = store.write(create("first")).await.unwrap();
    let mut watch = store.watch("/configmaps".into(), None, first.revision).unwrap();

    medium.trouble(Trouble::DiskFull, 0);
    let refused = store.write(create("second")).await.unwrap_err();
    assert!(matches!(refused, WriteError::Storage(Failure::NoSpace)), "{refused}");
    assert!(matches!(store.write(create("third")).await, Err(WriteError::Storage(Failure::NoSpace))));
    assert_eq!(content(&store).len(), 1);
    assert_eq!(store.revision(), first.revision);
    assert_eq!(watch.advance(), Ok(None));

    medium.mend();
    let fourth = write_once_mended(&store, create("fourth")).await;
    assert!(fourth.revision > first.revision + 1, "a revision whose write failed is not used again");
    assert_eq!(watch.next().await.unwrap().object, fourth);
    let expected = content(&store);
    drop(store);
    assert_eq!(content(&open(folder.path(), &medium)), expected);
}

#[tokio::test]
async fn a_disk_that_became_read_only_says_so_and_is_still_read() {
    let (folder, medium) = (tempfile::tempdir().unwrap(), Unreliable::default());
    let store = open(folder.path(), &medium);
    store.write(create("first")).await.unwrap();
    medium.trouble(Trouble::ReadOnly, 0);
    let refused = store.write(create("second")).await.unwrap_err();
    assert!(matches!(refused, WriteError::Storage(Failure::ReadOnly)), "{refused}");
    assert!(store.get(&key("first")).is_some());
    assert!(store.get(&key("second")).is_none());
}

#[tokio::test]
async fn refusals_of_a_batch_that_was_not_stored_are_not_about_its_other_writes() {
    let (folder, medium) = (tempfile::tempdir().unwrap(), Unreliable::default());
    let store = open(folder.path(), &medium);
    medium.trouble(Trouble::FlushFails, 0);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.spawn(async move { store.write(create("same")).await });
    }
    for answer in tasks.join_all().await {
        assert!(matches!(answer, Err(WriteError::Storage(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn an_open_on_a_full_or_read_only_disk_says_so_and_leaves_nothing_half() {
    let (folder, medium) = (tempfile::tempdir().unwrap(), Unreliable::default());
    for (trouble, after) in (0..12).flat_map(|after| [(Trouble::DiskFull, after), (Trouble::ReadOnly, after)])
    {
        medium.trouble(trouble, after);
        match (Store::open_on(folder.path(), &Limits::default(), medium.clone()), trouble) {
            (Err(OpenError::NoSpace { .. }), Trouble::DiskFull) => {}
            (Err(OpenError::ReadOnly { .. }), Trouble::ReadOnly) => {}
            (Ok(store), _) => assert!(content(&store).is_empty()),
            (Err(error), trouble) => panic!("{trouble:?}: {error}"),
        }
    }
    medium.mend();
    open(folder.path(), &medium).write(create("first")).await.unwrap();
}

/// One store's life under trouble of all kinds, with what it may hold afterwards.
struct Life {
    random: fastrand::Rng,
    medium: Unreliable,
    acknowledged: Model,
    /// The first write that failed since the disk last took one: it may have reached it.
    doubtful: Option<Model>,
    highest: Revision,
}

impl Life {
    /// Whether the store took it.
    async fn write(&mut self, store: &Store) -> bool {
        let name = format!("object-{}", self.random.u8(..6));
        let length = self.random.usize(..9000);
        let json: Vec<u8> = std::iter::repeat_with(|| self.random.u8(..)).take(length).collect();
        let expected = self.acknowledged.get(&name).map(|(_, revision)| *revision);
        let deletes = self.random.u8(..4) == 0;
        let (write, present) = match expected {
            None => (Write::Create { key: key(&name), json: json.clone().into() }, true),
            Some(expected) if deletes => {
                (Write::Delete { key: key(&name), json: json.clone().into(), expected }, false)
            }
            Some(expected) => (Write::Update { key: key(&name), json: json.clone().into(), expected }, true),
        };
        let answer = store.write(write).await;
        let revision = answer.as_ref().map_or(0, |object| object.revision);
        let mut after = self.acknowledged.clone();
        after.remove(&name);
        if present {
            after.insert(name, (json, revision));
        }
        let taken = answer.is_ok();
        match answer {
            Ok(object) => {
                assert!(object.revision > self.highest, "a revision was used twice");
                self.highest = object.revision;
                (self.acknowledged, self.doubtful) = (after, None);
            }
            Err(WriteError::Storage(_)) => drop(self.doubtful.get_or_insert(after)),
            Err(error) => panic!("{error}"),
        }
        assert_eq!(content(store), self.acknowledged);
        taken
    }

    fn begin_trouble(&mut self) -> bool {
        let troubles = [Trouble::DiskFull, Trouble::ReadOnly, Trouble::FlushFails, Trouble::PowerCut];
        let trouble = troubles[self.random.usize(..4)];
        self.medium.trouble(trouble, self.random.u32(..40));
        trouble == Trouble::PowerCut
    }

    /// Either all that was acknowledged, or that and the one write in doubt.
    fn check_reopened(&mut self, store: &Store) {
        let found = content(store);
        let doubtful = self.doubtful.take().map(|model| without_revisions(&model));
        let certain = found == self.acknowledged;
        assert!(certain || Some(without_revisions(&found)) == doubtful, "lost or half written");
        assert!(store.revision() >= self.highest);
        self.highest = store.revision();
        self.acknowledged = found;
    }
}

fn without_revisions(model: &Model) -> BTreeMap<String, Vec<u8>> {
    model.iter().map(|(name, (json, _))| (name.clone(), json.clone())).collect()
}

#[tokio::test]
async fn through_any_trouble_and_power_cut_every_acknowledged_write_is_there_and_none_is_half() {
    for seed in 0..20 {
        println!("seed {seed}");
        let folder = tempfile::tempdir().unwrap();
        let medium = Unreliable::default();
        let random = fastrand::Rng::with_seed(seed);
        let mut life = Life { random, medium, acknowledged: Model::new(), doubtful: None, highest: 1 };
        for _ in 0..4 {
            let store = open(folder.path(), &life.medium);
            life.check_reopened(&store);
            for _ in 0..life.random.u8(1..20) {
                life.write(&store).await;
            }
            let cut = life.begin_trouble();
            for _ in 0..life.random.u8(1..20) {
                life.write(&store).await;
            }
            if !cut && life.random.bool() {
                life.medium.mend();
                while !life.write(&store).await {}
            }
            life.medium.trouble(Trouble::PowerCut, 0);
            drop(store);
            life.medium.after_power_cut(&mut life.random);
        }
        life.check_reopened(&open(folder.path(), &life.medium));
    }
}

//! Kills a process that writes, with SIGKILL, at random points, and looks at what it left.
//!
//! The process is this test's own program, told by its environment to write; it says on its standard output what was
//! acknowledged. Each of its writers has objects of its own and makes a known sequence of writes of them, so that what
//! must be there after any number of acknowledgements is known too: all of them, and at most the one under way.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use store::{Key, Object, OpenError, Revision, Store, Write, WriteError};

const ROUNDS: usize = 200;
const WRITERS: usize = 4;
/// Each writer's objects.
const OBJECTS: u64 = 5;
const FOLDER: &str = "CRASH_TEST_FOLDER";
const BEGIN: &str = "CRASH_TEST_BEGIN";

/// How many writes of each writer are known to have been made.
type Made = [u64; WRITERS];

#[test]
fn two_hundred_kills_lose_no_acknowledged_write_and_leave_no_half_one() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return write_until_killed(Path::new(&folder), parse(&std::env::var(BEGIN).unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let (mut made, mut highest, mut acknowledged, mut under_way) = (Made::default(), 0, 0, 0);
    for round in 0..ROUNDS {
        let killed = kill_after(folder.path(), made, &mut random);
        let store = Store::open(folder.path()).unwrap_or_else(|error| panic!("round {round}: {error}"));
        for writer in 0..WRITERS {
            let (least, most) = (killed.made[writer], killed.made[writer] + 1);
            let found = found(&store, writer);
            made[writer] = (least..=most)
                .find(|made| state(writer, *made) == found)
                .unwrap_or_else(|| panic!("round {round}: writer {writer} is not at {least} or {most}"));
            acknowledged += killed.acknowledged[writer];
            under_way += made[writer] - least;
        }
        assert!(store.revision() >= killed.revision, "round {round}: an acknowledged revision is lost");
        assert!(store.revision() >= highest, "round {round}: the sequence of revisions went back");
        highest = store.revision();
    }
    println!("{ROUNDS} kills, {acknowledged} acknowledged writes, {under_way} stored without an answer");
    assert!(acknowledged > 1000, "too few writes to mean anything: {acknowledged}");
}

/// What a process said until it was killed.
struct Killed {
    made: Made,
    acknowledged: Made,
    revision: Revision,
}

/// Kills a process that writes after some of its acknowledgements, some also while it opens the store.
fn kill_after(folder: &Path, begin: Made, random: &mut fastrand::Rng) -> Killed {
    let mut child = start(folder, begin);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut killed = Killed { made: begin, acknowledged: Made::default(), revision: 0 };
    let enough = random.usize(..40);
    let said = output.by_ref().map_while(Result::ok).filter(|line| line.starts_with("made "));
    said.take(enough).for_each(|line| killed.read(&line));
    std::thread::sleep(Duration::from_micros(random.u64(..3000)));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "the process ended by itself");
    // What it had said before it died, and was not read yet.
    for line in output.map_while(Result::ok).filter(|line| line.starts_with("made ") && line.ends_with(" ."))
    {
        killed.read(&line);
    }
    killed
}

impl Killed {
    fn read(&mut self, line: &str) {
        let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let writer = usize::try_from(numbers[0]).unwrap();
        self.made[writer] = numbers[1];
        self.acknowledged[writer] += 1;
        self.revision = self.revision.max(numbers[2]);
    }
}

fn start(folder: &Path, begin: Made) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "two_hundred_kills_lose_no_acknowledged_write_and_leave_no_half_one",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(BEGIN, begin.map(|made| made.to_string()).join(" "))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn parse(text: &str) -> Made {
    let numbers: Vec<u64> = text.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// The process that is killed.
fn write_until_killed(folder: &Path, begin: Made) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = Store::open(folder).unwrap();
    runtime.block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for (writer, made) in begin.into_iter().enumerate() {
            writers.spawn(write_on(store.clone(), writer, made));
        }
        writers.join_all().await
    });
}

async fn write_on(store: Store, writer: usize, begin: u64) {
    for number in begin.. {
        let object = store.write(step(&store, writer, number)).await.unwrap();
        println!("made {writer} {} {} .", number + 1, object.revision);
    }
}

/// The write of that number: the writer's objects in turn, each created, updated twice and deleted.
fn step(store: &Store, writer: usize, number: u64) -> Write {
    let key = key(writer, number % OBJECTS);
    let json = content(writer, number).into();
    let expected = store.get(&key).map_or(0, |object| object.revision);
    match number / OBJECTS % 4 {
        0 => Write::Create { key, json },
        1 | 2 => Write::Update { key, json, expected },
        _ => Write::Delete { key, json, expected },
    }
}

/// The writer's objects after so many writes.
fn state(writer: usize, made: u64) -> BTreeMap<String, Vec<u8>> {
    let mut state = BTreeMap::new();
    // Whatever came before the last round of its objects was replaced since.
    for number in made.saturating_sub(OBJECTS)..made {
        if number / OBJECTS % 4 != 3 {
            state.insert(key(writer, number % OBJECTS).name.to_string(), content(writer, number));
        }
    }
    state
}

fn found(store: &Store, writer: usize) -> BTreeMap<String, Vec<u8>> {
    let snapshot = store.snapshot();
    let entry = |object: &std::sync::Arc<Object>| (object.key.name.to_string(), object.json.to_vec());
    snapshot.list("/configmaps", Some(&format!("writer-{writer}")), None).map(entry).collect()
}

fn key(writer: usize, object: u64) -> Key {
    Key::new("/configmaps", format!("writer-{writer}"), format!("object-{object}"))
}

/// Of a length of its own, over several pages at times, and different in every byte from its neighbours'.
fn content(writer: usize, number: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number * 10 + writer as u64);
    let length = if random.u8(..8) == 0 { random.usize(..40_000) } else { random.usize(..900) };
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

#[test]
fn a_folder_in_use_by_another_process_says_which_and_is_free_when_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), Made::default());
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    output.find(|line| line.starts_with("made ")).unwrap();
    let refused = Store::open(folder.path()).unwrap_err();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(refused, OpenError::Locked { pid: Some(pid), .. } if pid == child.id()), "{refused}");

    let store = Store::open(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let again = Write::Create { key: key(0, 0), json: "{}".into() };
    let answer = runtime.block_on(store.write(again));
    assert!(matches!(answer, Ok(_) | Err(WriteError::Exists(_))), "{answer:?}");
}

//! Measures the store: durable writes a second, events to a hundred watches, the start with ten thousand objects.
//!
//! `cargo run --release -p store --example bench [FOLDER]`; the folder should be on the disk in question, since it is
//! the disk's flushes that are measured.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use store::{Key, Store, Write};

const FOR: Duration = Duration::from_secs(3);
const WATCHES: usize = 100;
/// About what an App is.
const JSON: &[u8] = &[b'x'; 2000];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = parent.join(format!("store-bench-{}", std::process::id()));
    let store = Store::open(&folder)?;
    for writers in [1, 32] {
        let writes = write(&store, writers).await;
        println!("{writers:>3} writers             {:>10.0} durable writes/s", rate(writes, FOR));
    }
    let (events, took) = fan_out(&store).await?;
    println!("{WATCHES:>3} watches, 32 writers {:>10.0} events/s", rate(events, took));
    reopen(store, &folder).await?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Writes of as many tasks at once as said, each to an object of its own.
async fn write(store: &Store, writers: usize) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let store = store.clone();
        let key = Key::new("/configmaps", format!("of-{writers}"), writer.to_string());
        tasks.spawn(async move {
            let (begun, mut writes, mut revision) = (Instant::now(), 0, None);
            while begun.elapsed() < FOR {
                let (key, json) = (key.clone(), JSON.into());
                let write = match revision {
                    None => Write::Create { key, json },
                    Some(expected) => Write::Update { key, json, expected },
                };
                revision = Some(store.write(write).await.expect("the disk works").revision);
                writes += 1;
            }
            writes
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// How many events all watches together were told, and how long that took, until each had the last one.
async fn fan_out(store: &Store) -> Result<(usize, Duration), Box<dyn Error>> {
    let begun = Instant::now();
    let (stop, stopped) = tokio::sync::watch::channel(u64::MAX);
    let mut watches = tokio::task::JoinSet::new();
    for _ in 0..WATCHES {
        let mut watch = store.watch("/configmaps".into(), None, store.revision())?;
        let mut stopped = stopped.clone();
        watches.spawn(async move {
            let mut told = 0;
            while watch.revision() < *stopped.borrow_and_update() {
                tokio::select! {
                    event = watch.next() => told += usize::from(event.is_ok()),
                    _ = stopped.changed() => {}
                }
            }
            told
        });
    }
    let writer = store.clone();
    let writes = (0..32).map(|writer| Key::new("/configmaps", "fan-out", writer.to_string()));
    for key in writes {
        writer.write(Write::Create { key, json: JSON.into() }).await?;
    }
    write_more(store).await;
    stop.send_replace(store.revision());
    Ok((watches.join_all().await.into_iter().sum(), begun.elapsed()))
}

async fn write_more(store: &Store) {
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..32 {
        let store = store.clone();
        tasks.spawn(async move {
            let key = Key::new("/configmaps", "fan-out", writer.to_string());
            for _ in 0..100 {
                let expected = store.get(&key).expect("it was created").revision;
                let write = Write::Update { key: key.clone(), json: JSON.into(), expected };
                store.write(write).await.expect("the disk works");
            }
        });
    }
    tasks.join_all().await;
}

/// What a start costs with ten thousand objects.
async fn reopen(store: Store, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10_000 {
        let (store, key) = (store.clone(), Key::new("/configmaps", "many", number.to_string()));
        tasks.spawn(async move { store.write(Write::Create { key, json: JSON.into() }).await.map(drop) });
    }
    tasks.join_all().await.into_iter().collect::<Result<(), _>>()?;
    drop(store);
    let begun = Instant::now();
    let store = Store::open(folder)?;
    println!("open with 10,000 objects{:>10.1} ms", begun.elapsed().as_secs_f64() * 1000.0);
    drop(store);
    Ok(())
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

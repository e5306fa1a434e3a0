//! What is left of an earlier run that could not clean up: found by its records, and killed.
//!
//! One small file for each running process, named after it, written when it starts and removed when it has ended. A
//! record counts only on the same boot and if a process has the recorded id *and* start time, so that nothing is killed
//! that got the id of one of ours later.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::procfs;

/// How long what was killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The folder of the records.
#[derive(Clone, Debug)]
pub(crate) struct Leftovers {
    folder: PathBuf,
    boot: String,
}

/// The record of a running process; forgotten when dropped.
#[derive(Debug)]
pub(crate) struct Record {
    file: PathBuf,
}

impl Drop for Record {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    boot: String,
    process: Identity,
    shim: Option<Identity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    pid: i32,
    started: u64,
}

impl Identity {
    fn of(pid: i32) -> Option<Self> {
        let stat = procfs::stat(pid)?;
        (!stat.is_zombie).then_some(Self { pid, started: stat.started })
    }

    fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

impl Leftovers {
    /// Uses this folder, and kills what an earlier run left.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let leftovers = Self { folder, boot: procfs::boot() };
        leftovers.clear()?;
        Ok(leftovers)
    }

    pub(crate) fn record(&self, shim: Option<u32>, pid: i32, started: u64) -> Record {
        let file = self.folder.join(format!("{pid}-{started}"));
        let recorded = Recorded {
            boot: self.boot.clone(),
            process: Identity { pid, started },
            shim: shim.and_then(|pid| Identity::of(pid.try_into().ok()?)),
        };
        let written =
            serde_json::to_vec(&recorded).map_err(io::Error::from).and_then(|json| fs::write(&file, json));
        if let Err(error) = written {
            tracing::warn!(%error, file = %file.display(), "a process cannot be recorded; it ends with the operator all the same");
        }
        Record { file }
    }

    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let file = entry?.path();
            match read(&file) {
                Some(recorded) if recorded.boot == self.boot => end(&recorded),
                _ => {}
            }
            fs::remove_file(&file)?;
        }
        Ok(())
    }
}

fn read(file: &Path) -> Option<Recorded> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Ends a process that an earlier run left, the rest of its session, and its shim, which has lost its kubelet and is about
/// to do the same.
fn end(recorded: &Recorded) {
    let mut left: Vec<Identity> = recorded.shim.map(session).unwrap_or_default();
    left.extend([recorded.process].iter().filter(|process| process.is_alive()));
    if left.is_empty() {
        return;
    }
    tracing::warn!(pid = recorded.process.pid, "killing a process that an earlier run left");
    if let Some(group) = Pid::from_raw(recorded.process.pid).filter(|_| recorded.process.is_alive()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    for one in &left {
        if let Some(pid) = Pid::from_raw(one.pid).filter(|_| one.is_alive()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    wait_until_gone(&left);
}

/// The members of a shim's session that started after it; the shim itself too.
fn session(shim: Identity) -> Vec<Identity> {
    // The leader's id is given to nobody else as long as the session has a member. If another process has it by now, the
    // session is over.
    if Identity::of(shim.pid).is_some_and(|now| now != shim) {
        return Vec::new();
    }
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let stats = ids.filter_map(|pid| procfs::stat(pid).map(|stat| (pid, stat)));
    let members =
        stats.filter(|(_, stat)| stat.session == shim.pid && stat.started >= shim.started && !stat.is_zombie);
    members.map(|(pid, stat)| Identity { pid, started: stat.started }).collect()
}

fn wait_until_gone(processes: &[Identity]) {
    let deadline = Instant::now() + PATIENCE;
    while processes.iter().any(|one| one.is_alive()) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_forgotten_when_the_process_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let leftovers = Leftovers::open(folder.path().to_owned()).unwrap();
        let record = leftovers.record(None, 1, 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(record);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_process_that_only_has_the_same_id_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let leftovers = Leftovers::open(folder.path().to_owned()).unwrap();
        let mut stranger = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(stranger.id()).unwrap();
        let started = procfs::stat(pid).unwrap().started;
        std::mem::forget(leftovers.record(None, pid, started + 1));
        leftovers.clear().unwrap();
        assert!(stranger.try_wait().unwrap().is_none(), "a stranger was killed");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}

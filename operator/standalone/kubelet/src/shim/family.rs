//! The processes below this one: waits for them and, in the end, kills what is left of them.
//!
//! A process whose parent dies becomes a child of this one, because it is a subreaper; one that made itself a session or
//! a group of its own is still found here.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group, wait};

use crate::procfs;

/// Waits for children, adopted ones too, until the given one has ended.
pub(super) fn reap_until(last: Pid) -> rustix::io::Result<WaitStatus> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == last => {
                // The rest of the group lost its leader and would not be told to end by anybody.
                let _ = kill_process_group(last, Signal::KILL);
                return Ok(status);
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Kills children until there is none; those of a killed one become children here.
pub(super) fn kill_all() {
    loop {
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

fn children() -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let parents = ids.filter_map(|id| procfs::stat(id).map(|stat| (id, stat.parent)));
    let me = getpid().as_raw_nonzero().get();
    parents.filter(|(_, parent)| *parent == me).filter_map(|(id, _)| Pid::from_raw(id)).collect()
}

//! What `/proc` says of a process. A process id is given again after a while; with its start time it is one process's.

use std::fs;

/// A line of `/proc/<pid>/stat`, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Whether it has ended and only waits to be asked for its exit code.
    pub(crate) is_zombie: bool,
    /// The process id of the parent.
    pub(crate) parent: i32,
    /// The id of the session.
    pub(crate) session: i32,
    /// When it started, in clock ticks since the machine did.
    pub(crate) started: u64,
}

/// What is said of the process with this id; nothing if there is none.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The boot that process ids and start times belong to.
pub(crate) fn boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    boot.trim().to_owned()
}

/// The name of the command, which comes in parentheses as the second field, may hold anything, parentheses too.
fn parse(line: &str) -> Option<Stat> {
    let (_, after_name) = line.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some(Stat {
        is_zombie: *fields.first()? == "Z",
        parent: number(1)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_be_called_anything() {
        let line = "42 (a) b (c) S 7 42 40 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 123456 1 1";
        assert_eq!(parse(line), Some(Stat { is_zombie: false, parent: 7, session: 40, started: 123_456 }));
    }

    #[test]
    fn this_process_is_known() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(stat(me).is_some_and(|stat| stat.started > 0));
    }
}

//! How many files and sockets the process may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are not client connections or connections to endpoints: timers, watches, the log.
const OTHERS: u64 = 64;

/// Raises the number of files and sockets that the process may have open to what the system allows it, and gives that
/// number. A router needs two for a request. Processes that are started afterwards inherit it.
///
/// # Errors
/// If the system refuses; nothing has changed then.
pub fn raise_open_files() -> io::Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(maximum.unwrap_or(u64::MAX))
}

/// How many client connections the open files suffice for, beside `listening` sockets: each may need one to an endpoint.
pub(crate) fn connections(listening: usize) -> usize {
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    share(allowed, listening)
}

fn share(allowed: u64, listening: usize) -> usize {
    let left = allowed.saturating_sub(OTHERS).saturating_sub(listening as u64);
    usize::try_from(left / 2).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_is_left_is_for_clients() {
        assert_eq!(share(1024, 60), 450);
        assert_eq!(share(64, 4), 1);
    }
}

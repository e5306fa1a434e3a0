//! What happens, in plain words: one line each, with the seconds since the start.

use std::fmt::Display;
use std::io::Write;
use std::time::{Duration, SystemTime};

/// Tells a person what happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress(SystemTime);

impl Progress {
    pub(crate) fn start() -> Self {
        Self(SystemTime::now())
    }

    /// The progress that began so many milliseconds after 1970, in another process.
    pub(crate) fn since(milliseconds: u64) -> Self {
        Self(SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds))
    }

    /// When it began, for [`since`](Self::since).
    pub(crate) fn began(self) -> u128 {
        self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()
    }

    /// Prints one line.
    pub(crate) fn tell(self, line: impl Display) {
        let elapsed = self.0.elapsed().unwrap_or_default().as_secs_f64();
        // Nobody may be reading any more, which is no reason to end.
        let _ = writeln!(std::io::stdout(), "{elapsed:6.1} s  {line}");
    }
}

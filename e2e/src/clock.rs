//! A clock that a test sets ahead for the processes it starts: hours that something has to be out of use pass at once.
//!
//! Only the time of day is ahead. Timers and timeouts of the process run as ever, so that after the clock has been set somebody has to give it
//! a reason to look at it.

use std::ffi::OsString;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tempfile::NamedTempFile;

use crate::tools;

/// The clock; at first it shows the real time. A clone is the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    library: PathBuf,
    file: NamedTempFile,
    ahead: AtomicI64,
}

impl Clock {
    /// A clock that nobody has yet.
    ///
    /// # Errors
    /// When its library cannot be built.
    pub async fn new() -> Result<Self> {
        let (library, file) = (tools::clock().await?, NamedTempFile::new()?);
        let clock = Self(Arc::new(Hands { library, file, ahead: AtomicI64::new(0) }));
        clock.advance(Duration::ZERO)?;
        Ok(clock)
    }

    /// Sets it ahead by that much more. It is one write to the same file, which processes have mapped.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn advance(&self, time: Duration) -> Result<()> {
        let more = i64::try_from(time.as_secs())?;
        let ahead = self.0.ahead.fetch_add(more, Ordering::Relaxed) + more;
        Ok(self.0.file.as_file().write_all_at(&ahead.to_ne_bytes(), 0)?)
    }

    /// The variables of the environment that give it to a process.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, OsString); 2] {
        [("LD_PRELOAD", self.0.library.clone().into()), ("CLOCK_AHEAD", self.0.file.path().into())]
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn shown(clock: &Clock) -> Result<u64> {
        let date = Command::new("date").arg("+%s").envs(clock.environment()).output()?;
        Ok(String::from_utf8(date.stdout)?.trim().parse()?)
    }

    #[tokio::test]
    async fn who_is_given_the_clock_sees_the_hours_that_it_is_ahead() -> Result<()> {
        let clock = Clock::new().await?;
        let before = shown(&clock)?;
        clock.advance(Duration::from_secs(7200))?;
        let after = shown(&clock)?;
        assert!((7200..7300).contains(&(after - before)), "{before} {after}");
        Ok(())
    }
}

//! Waiting for a condition: a check comes in, and its first success goes out, or the reason of its last failure.
//! It is the only way in which the suite waits.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::time::{Instant, sleep, timeout_at};

/// The time between the first two checks. Each further one comes a fifth later than the one before, up to [`LONGEST_PAUSE`]: most checks start a `kubectl` or ask a
/// server for lists, and what they wait for needs the CPU more than they do.
const PAUSE: Duration = Duration::from_millis(10);

/// The longest time between two checks.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Repeats `check` until it succeeds, and returns what it returned.
///
/// # Errors
/// After `limit`: says what was waited for, and why the last check failed.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut check: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + limit;
    let mut last = anyhow!("the first check did not end");
    let mut pause = PAUSE;
    loop {
        match timeout_at(deadline, check()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => last = error,
            Err(_) => break,
        }
        if Instant::now() + pause >= deadline {
            break;
        }
        sleep(pause).await;
        pause = (pause * 6 / 5).min(LONGEST_PAUSE);
    }
    Err(last).with_context(|| format!("waited {limit:?} in vain until {what}"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn the_error_names_the_wish_and_the_last_reason() {
        let tries = Cell::new(0);
        let failed = eventually("pigs fly", PAUSE * 5, || async {
            tries.set(tries.get() + 1);
            Err::<(), _>(anyhow!("no wings at {}", tries.get()))
        });
        let error = format!("{:#}", failed.await.expect_err("pigs fly"));
        assert_eq!(error, format!("waited 50ms in vain until pigs fly: no wings at {}", tries.get()));
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_given_up() {
        let failed: Result<()> = eventually("it ends", PAUSE, std::future::pending).await;
        assert!(failed.is_err());
    }
}

//! Many calls that would likely all fail alike: one first, then twice as many each time.

/// Makes `count` calls in batches of 1, 2, 4 and so on, and stops after a batch with a failure.
pub(super) async fn slow_start<F, E>(count: usize, call: impl Fn() -> F) -> Result<(), E>
where
    F: Future<Output = Result<(), E>>,
{
    let (mut left, mut size) = (count, 1);
    while left > 0 {
        let batch = size.min(left);
        let calls = (0..batch).map(|_| call());
        futures::future::join_all(calls).await.into_iter().collect::<Result<(), E>>()?;
        left -= batch;
        size *= 2;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn attempts(count: usize, failing: usize) -> usize {
        let made = AtomicUsize::new(0);
        let call = || {
            let number = made.fetch_add(1, Ordering::Relaxed) + 1;
            async move { if number == failing { Err(()) } else { Ok(()) } }
        };
        let outcome = slow_start(count, call).await;
        assert_eq!(outcome.is_err(), failing <= count);
        made.into_inner()
    }

    #[tokio::test]
    async fn a_first_failure_is_the_only_call() {
        assert_eq!(attempts(100, 1).await, 1);
    }

    #[tokio::test]
    async fn batches_double_and_the_one_that_fails_is_the_last() {
        assert_eq!(attempts(100, 5).await, 7, "1, 2, then a batch of 4");
        assert_eq!(attempts(100, 101).await, 100);
    }
}

//! Makes each call: waits for its turn, asks the fence, sends it once, tells the observer, and tries again what is worth it.
//!
//! The retries are here and not the SDK's own, because each attempt, not only each call, has to wait for its turn, ask the fence and be counted. What is
//! tried again is what the SDK's standard mode tries again: no answer, a failure inside of AWS, too many calls; and a signature that was refused, because by then
//! the SDK has learned from the answer by how much the clocks differ.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use plan::aws::{Failure, Fault};

use crate::failure::classify;
use crate::fence::Fence;
use crate::observer::{Attempt, CallObserver};
use crate::operation::Operation;
use crate::pace::Pace;

/// How long one attempt may take.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(10);

/// How long all attempts of a call may take together.
const WHOLE: Duration = Duration::from_secs(30);

/// The longest wait before the second attempt; it doubles then.
pub(crate) const BACKOFF: Duration = Duration::from_millis(500);

/// Everything that all calls share.
pub(crate) struct Caller {
    pub(crate) pace: Pace,
    pub(crate) fence: Fence,
    pub(crate) calls: Arc<dyn CallObserver>,
    pub(crate) backoff: Duration,
}

impl Caller {
    /// Makes a call: `send` is one attempt of it.
    pub(crate) async fn call<T, E, F>(
        &self,
        operation: &Operation,
        send: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        let mut began = None;
        let mut attempts = 1;
        loop {
            self.turn(operation).await;
            let began = *began.get_or_insert_with(Instant::now);
            let failure = match self.attempt(operation, &send).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let wait = self.backoff_after(attempts);
            let in_time = began.elapsed() + wait + ATTEMPT <= WHOLE;
            if attempts >= operation.attempts || !is_passing(&failure) || !in_time {
                return Err(failure);
            }
            attempts += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn turn(&self, operation: &Operation) {
        let waited = self.pace.turn(operation.lanes).await;
        if !waited.is_zero() {
            let (service, action) = operation.parts();
            self.calls.waited(service, action, waited);
        }
    }

    async fn attempt<T, E, F>(&self, operation: &Operation, send: impl Fn() -> F) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        let began = Instant::now();
        let result = if operation.writes && !self.fence.lets_pass(ATTEMPT) {
            Err(not_leader(operation))
        } else {
            send().await.map_err(|error| classify(operation.name, &error))
        };
        let (service, action) = operation.parts();
        let outcome = result.as_ref().map_or_else(|failure| word(failure.fault), |_| "Ok");
        self.calls.attempted(Attempt { service, action, outcome, took: began.elapsed() });
        if result.as_ref().is_err_and(is_over_the_rate) {
            self.pace.refused(operation.lanes);
        }
        result
    }

    /// Full jitter, so that those who were refused together do not come back together.
    fn backoff_after(&self, attempts: u32) -> Duration {
        (self.backoff * 2_u32.pow(attempts - 1)).mul_f64(fastrand::f64())
    }
}

fn is_passing(failure: &Failure) -> bool {
    matches!(failure.fault, Fault::Throttled | Fault::Unreachable | Fault::Server | Fault::SignatureRefused)
}

/// A zone that is still busy with the change before is no sign of too many calls.
fn is_over_the_rate(failure: &Failure) -> bool {
    failure.fault == Fault::Throttled && failure.code.as_deref() != Some("PriorRequestNotComplete")
}

fn not_leader(operation: &Operation) -> Failure {
    let message = "this process may not be the leader for as long as the call can take".to_owned();
    Failure { call: operation.name, fault: Fault::NotLeader, code: None, message }
}

fn word(fault: Fault) -> &'static str {
    match fault {
        Fault::NoCredentials => "NoCredentials",
        Fault::Denied => "Denied",
        Fault::CredentialsRefused => "CredentialsRefused",
        Fault::SignatureRefused => "SignatureRefused",
        Fault::Throttled => "Throttled",
        Fault::Quota => "Quota",
        Fault::NotFound => "NotFound",
        Fault::Conflict => "Conflict",
        Fault::Invalid => "Invalid",
        Fault::Unreachable => "Unreachable",
        Fault::Server => "Server",
        Fault::NotLeader => "NotLeader",
    }
}

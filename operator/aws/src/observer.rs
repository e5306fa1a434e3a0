//! Who is told of each attempt of a call, for metrics. Nothing here depends on what the observer does.

use std::time::Duration;

/// One attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The service as IAM names it: `ec2`, `route53`, `s3`, `iam`.
    pub service: &'static str,
    /// The action: `AllocateAddress`.
    pub action: &'static str,
    /// `Ok`, or the word of the [fault](plan::aws::Fault).
    pub outcome: &'static str,
    /// How long AWS took; nothing for an attempt that the fence kept back.
    pub took: Duration,
}

/// Is told of each attempt.
pub trait CallObserver: Send + Sync {
    /// An attempt ended.
    fn attempted(&self, attempt: Attempt);

    /// An attempt had to wait this long, because we keep below the rates of AWS.
    fn waited(&self, service: &'static str, action: &'static str, waited: Duration);
}

/// Nobody who wants to know.
impl CallObserver for () {
    fn attempted(&self, _: Attempt) {}

    fn waited(&self, _: &'static str, _: &'static str, _: Duration) {}
}

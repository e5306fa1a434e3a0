//! The calls that came in, for assertions such as "in sync means zero writes" and "the record went before the address".

use std::collections::BTreeMap;
use std::time::Instant;

use super::fault::Fault;
use super::refusal::Reply;
use super::request::Request;

/// One call and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The action as a policy names it, such as `ec2:AllocateAddress`.
    pub action: String,
    /// Its parameters: of EC2, IAM and STS those of the form, of Route 53 and S3 what the path and the query tell.
    pub parameters: BTreeMap<String, String>,
    /// When it came.
    pub at: Instant,
    /// The fault that was on order for it.
    pub fault: Option<Fault>,
    /// The status that was sent, or would have been had the reply not been lost; none if it was not carried out.
    pub status: Option<u16>,
    /// The error code of a refusal.
    pub code: Option<String>,
    /// Whether an answer was given.
    pub answered: bool,
}

impl Call {
    /// A parameter; empty if there is none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

/// The calls in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    forgotten: usize,
}

/// A call's place among all that ever came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(usize);

impl Calls {
    /// Notes a call that has come and is not answered yet.
    pub(super) fn begin(&mut self, request: &Request, fault: Option<Fault>) -> Number {
        self.calls.push(Call {
            action: request.action(),
            parameters: request.parameters.clone(),
            at: Instant::now(),
            fault,
            status: None,
            code: None,
            answered: false,
        });
        Number(self.forgotten + self.calls.len() - 1)
    }

    /// Notes what a call came to.
    pub(super) fn end(&mut self, Number(number): Number, reply: &Reply, answered: bool) {
        let call = number.checked_sub(self.forgotten).and_then(|at| self.calls.get_mut(at));
        if let Some(call) = call {
            call.status = Some(reply.status.as_u16());
            call.code = reply.code();
            call.answered = answered;
        }
    }

    /// All calls that are not forgotten.
    pub(super) fn all(&self) -> Vec<Call> {
        self.calls.clone()
    }

    /// How many calls there were of each action.
    pub(super) fn by_action(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.calls {
            *counts.entry(call.action.clone()).or_default() += 1;
        }
        counts
    }

    /// Forgets the calls so far.
    pub(super) fn forget(&mut self) {
        self.forgotten += self.calls.len();
        self.calls.clear();
    }
}

//! The part of the answer that is about AWS: the calls that the leader would make for the active Cluster, and what stands in their way.
//!
//! | an active Cluster has `spec.aws` | `--aws` | then                                                         |
//! |----------------------------------|---------|--------------------------------------------------------------|
//! | no                               | no      | nothing is said of AWS                                       |
//! | no                               | yes     | a line says that there is nothing to ask for                 |
//! | yes                              | no      | a line says that AWS was not asked                           |
//! | yes, and it goes and leaves all  | yes     | a line says so                                               |
//! | yes                              | yes     | AWS is read, and the calls are a difference if there are any |
//!
//! The clients cannot write. What the calls are and what is taken for granted, `cloud/foresight.rs` says. Blobstores come after: `bucket_difference.rs`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crds::{AwsMode, Cluster, Reason};
use jiff::Timestamp;
use plan::aws::{Call, Failure, Fault, Order, RecordAction, RecordChange};
use plan::{Finding, ObjectKey};
use serde::Serialize;

use crate::args::Against;
use crate::cloud::foresight::{Foresight, foresee, onlooker, silent};
use crate::cloud::is_given_up;

/// What is said of AWS.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct AwsDifference {
    /// Whether AWS was read.
    pub(super) asked: bool,
    /// The calls in their order, in the words of `status.plannedCalls`.
    pub(super) calls: Vec<String>,
    /// The same for each Blobstore that has any.
    pub(super) blobstores: Vec<BlobstoreCalls>,
    /// What is not as declared, and why.
    pub(super) findings: Vec<AwsFinding>,
    /// What has to be known to read the rest.
    pub(super) notes: Vec<String>,
}

/// The calls for a Blobstore.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct BlobstoreCalls {
    /// Which.
    pub(super) blobstore: ObjectKey,
    /// The calls in their order, in the words of its `status.plannedCalls`.
    pub(super) calls: Vec<String>,
}

/// A condition, a node or a record that is not as declared.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct AwsFinding {
    /// Which.
    pub(super) of: String,
    /// How it stands, in one word.
    pub(super) state: String,
    /// Why.
    pub(super) message: String,
}

/// What the command was asked, beside the order itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// Whether AWS may be asked.
    pub(super) aws: bool,
    /// What the manifests are compared with.
    pub(super) against: Against,
    /// The Cluster as it exists.
    pub(super) existing: Option<&'a Cluster>,
}

/// Reads AWS if that is asked for, and tells what the leader would do there; nothing if there is nothing to say.
///
/// # Errors
/// With every read that failed.
pub(super) async fn find(
    order: Option<&Order>,
    question: Question<'_>,
    now: Timestamp,
) -> Result<Option<AwsDifference>, Vec<Failure>> {
    let (order, region) = match order.and_then(|order| Some((order, &order.spec.aws.as_ref()?.region))) {
        Some(asked) if question.aws => asked,
        Some((order, _)) => return Ok(Some(AwsDifference::not_asked(not_allowed(order)))),
        None if question.aws => return Ok(Some(AwsDifference::not_asked(NO_AWS.to_owned()))),
        None => return Ok(None),
    };
    if is_given_up(order) {
        return Ok(Some(AwsDifference::not_asked(goes_alone(order))));
    }
    let silent = question.existing.map(silent).unwrap_or_default();
    let foresight = foresee(&onlooker(region).await, order, &silent, now).await?;
    Ok(Some(AwsDifference::of(order, question, &foresight)))
}

/// The reads that failed, those of one cause together, with what to do about it.
pub(super) fn unread(failures: &[Failure]) -> String {
    let mut causes: Vec<(String, Vec<&str>)> = Vec::new();
    for failure in failures {
        let cause = cause(failure);
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, calls)) if calls.contains(&failure.call) => {}
            Some((_, calls)) => calls.push(failure.call),
            None => causes.push((cause, vec![failure.call])),
        }
    }
    let lines: Vec<String> =
        causes.into_iter().map(|(cause, calls)| format!("  {}: {cause}", calls.join(", "))).collect();
    lines.join("\n")
}

impl AwsDifference {
    /// How many calls would be made.
    pub(super) fn all_calls(&self) -> usize {
        self.calls.len() + self.blobstores.iter().map(|blobstore| blobstore.calls.len()).sum::<usize>()
    }

    fn not_asked(note: String) -> Self {
        Self { notes: vec![note], ..Self::default() }
    }

    fn of(order: &Order, question: Question<'_>, foresight: &Foresight) -> Self {
        Self {
            asked: true,
            calls: foresight.calls.iter().map(ToString::to_string).collect(),
            blobstores: Vec::new(),
            findings: findings(foresight),
            notes: notes(order, question, &foresight.calls),
        }
    }
}

const NO_AWS: &str = "AWS was not asked: no active Cluster has spec.aws.";

fn not_allowed(order: &Order) -> String {
    format!(
        "AWS was not asked, although the Cluster {} has spec.aws: --aws shows the calls that would be made.",
        order.owner.name
    )
}

fn goes_alone(order: &Order) -> String {
    format!(
        "AWS was not asked: the Cluster {} is being deleted, and leaves everything there as it is.",
        order.owner.name
    )
}

/// Conditions that somebody has to mend, then nodes and records that are not as declared.
fn findings(foresight: &Foresight) -> Vec<AwsFinding> {
    let Foresight { calls: _, report, applied } = foresight;
    let conditions = [
        ("AddressesAssociated", &applied.associated),
        ("SecurityGroupsReady", &applied.secured),
        ("RecordsPublished", &applied.published),
    ];
    let conditions = conditions.into_iter().filter_map(|(of, found)| condition(of, found.as_ref()?));
    let nodes = report.addresses.iter().filter_map(|node| {
        let state = node.dns.clone().unwrap_or_else(|| "NoAddress".to_owned());
        Some(AwsFinding { of: format!("node {}", node.node), state, message: node.message.clone()? })
    });
    let records = report.records.iter().filter(|record| record.state != "InSync");
    let records = records.filter_map(|record| {
        let (of, state) = (format!("{} {}", record.name, record.type_), record.state.clone());
        Some(AwsFinding { of, state, message: record.message.clone()? })
    });
    conditions.chain(nodes).chain(records).collect()
}

/// What the calls themselves bring about is no finding.
pub(super) fn condition(of: &str, finding: &Finding) -> Option<AwsFinding> {
    let refusal = finding.as_ref().err().filter(|refusal| refusal.reason != Reason::Pending)?;
    let (state, message) = (refusal.reason.to_string(), refusal.message.clone());
    Some(AwsFinding { of: of.to_owned(), state, message })
}

fn notes(order: &Order, question: Question<'_>, calls: &[Call]) -> Vec<String> {
    let mode = order.spec.aws.as_ref().map(|aws| aws.mode).unwrap_or_default();
    let mut notes = Vec::new();
    if question.against == Against::None {
        notes.push(UNKNOWN_CLUSTER.to_owned());
    }
    if !calls.is_empty() {
        notes.extend(not_applied(mode));
    }
    if calls.iter().any(|call| matches!(call, Call::AllocateAddress { .. })) {
        notes.push(FOLLOWS.to_owned());
    }
    let added: BTreeSet<IpAddr> = calls.iter().flat_map(changes).filter_map(added).collect();
    if !added.is_empty() {
        let added: Vec<String> = added.iter().map(ToString::to_string).collect();
        notes.push(format!(
            "Not probed from here: a record is added after two of the controller's own probes of its address went well ({}).",
            added.join(", ")
        ));
    }
    if calls.iter().any(takes_away) {
        notes.push(WAITS.to_owned());
    }
    notes
}

/// That the calls are not made in this mode.
pub(super) fn not_applied(mode: AwsMode) -> Option<String> {
    (mode != AwsMode::Apply).then(|| {
        format!("With spec.aws.mode: {mode:?} none of these calls is made: set it to Apply for that.")
    })
}

const UNKNOWN_CLUSTER: &str = "Without --against cluster the Cluster counts as new: nothing in AWS is its own yet, of its nodes only listed instances are known, and buckets are not looked at.";

const FOLLOWS: &str = "What follows from an Elastic IP (its association, a health check, a record) is planned when it is allocated.";

const WAITS: &str = "What is taken away waits until no resolver can need it any more: for a TTL and a minute, or longer while too few nodes serve.";

fn changes(call: &Call) -> &[RecordChange] {
    match call {
        Call::ChangeRecords { zone: _, changes } => changes,
        _ => &[],
    }
}

/// The address whose record a change adds.
fn added(change: &RecordChange) -> Option<IpAddr> {
    let RecordChange { action, set } = change;
    set.values.first().filter(|_| *action == RecordAction::Create)?.parse().ok()
}

fn takes_away(call: &Call) -> bool {
    let deletes = |change: &RecordChange| change.action == RecordAction::Delete;
    match call {
        Call::DisassociateAddress { .. } | Call::ReleaseAddress { .. } | Call::DeleteHealthCheck { .. } => {
            true
        }
        Call::ChangeRecords { zone: _, changes } => changes.iter().any(deletes),
        Call::AllocateAddress { .. }
        | Call::AssociateAddress { .. }
        | Call::CreateHealthCheck { .. }
        | Call::UpdateHealthCheck { .. }
        | Call::Network(_) => false,
    }
}

/// The code, and what the person at this command can do.
fn cause(failure: &Failure) -> String {
    let Failure { call: _, fault, code, message } = failure;
    let code = code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
    // What the SDK says of a chain without credentials is a list that begins on its next line.
    let message = if *fault == Fault::NoCredentials { "no credentials were found" } else { message };
    format!("{code}{}; {}", message.trim_end_matches('.'), next_step(*fault))
}

fn next_step(fault: Fault) -> &'static str {
    match fault {
        Fault::NoCredentials => {
            "give this command credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        }
        Fault::Denied => {
            "allow the call: `flynn-operator aws-policy` prints for the same manifests the policy that is needed"
        }
        Fault::CredentialsRefused => {
            "renew the credentials, and check that they are of this account and region"
        }
        Fault::SignatureRefused => "check this machine's clock and the secret key",
        Fault::Unreachable => "check the region, the network and AWS_ENDPOINT_URL, and try again",
        Fault::NotFound | Fault::Invalid => "correct what the manifests name",
        Fault::Throttled | Fault::Quota | Fault::Conflict | Fault::Server | Fault::NotLeader => "try again",
    }
}

#[cfg(test)]
mod tests;

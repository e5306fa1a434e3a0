//! Runs the plan of a Blobstore against the model until nothing is left to do, with crashes where a test wants them.

use jiff::SignedDuration;
use plan::Platform;
use plan::aws::storage::{Account as Declared, BlobstoreOwner, StorageCall, StorageOrder, StorageOutcome};
use plan::aws::{AccessKeyId, Fault};
use plan::blobstore::{BlobstorePlan, StorageHistory, plan};

use super::account::{Account, Cut, failure};

pub(crate) const BUCKET: &str = "acme-blobs";

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is made and answered.
    Answered,
    /// It is made, and the process dies.
    Dies,
    /// A key is made and not written down, and the process dies.
    DiesHalfway,
    /// The process dies before it is made.
    DiesBefore,
    /// It is made, and the answer is lost; the process goes on.
    AnswerLost,
    /// A key is made and not written down, because the answer is lost; the process goes on.
    AnswerLostHalfway,
}

/// A Blobstore, the account it is in, and the leader's memory.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) order: StorageOrder,
    pub(crate) account: Account,
    pub(crate) history: StorageHistory,
    pub(crate) calls: Vec<StorageCall>,
}

impl Story {
    pub(crate) fn new() -> Self {
        let spec = serde_json::json!({
            "s3": { "bucket": BUCKET, "region": "us-east-1" },
            "credentials": { "secret": "blobs-credentials" },
        });
        let order = StorageOrder {
            owner: BlobstoreOwner::new("kube-system-uid", "shop", "blobs"),
            uid: "blobs-uid".into(),
            generation: 1,
            spec: serde_json::from_value(spec).unwrap(),
            platform: Platform::Kubernetes,
            account: Some(Declared { region: "us-east-1".into(), mode: crds::AwsMode::Apply }),
            rotate: None,
            resync: None,
            deleted_at: None,
            has_finalizer: true,
        };
        Self { order, account: Account::new(), history: StorageHistory::default(), calls: Vec::new() }
    }

    /// A Blobstore that is finished, with a Pod that has its key.
    pub(crate) fn settled() -> Self {
        let mut story = Self::new();
        story.settle();
        story.account.pods = vec![plan::aws::storage::SecretUser { pod: "www-1".into(), key: None }];
        story.account.restart_pods();
        story.account.pass(SignedDuration::from_mins(10));
        story.calls.clear();
        story
    }

    pub(crate) fn user(&self) -> String {
        self.order.owner.principal()
    }

    pub(crate) fn plan(&self) -> BlobstorePlan {
        let observed = self.account.observe(BUCKET, &self.user());
        plan(&self.order, &observed, &self.history, self.account.now)
    }

    /// One pass: the calls of a plan, up to the first that fails, the `n`th call of all ending in a way of its own.
    pub(crate) fn pass(&mut self, n: usize, ending: Ending) -> BlobstorePlan {
        let plan = self.plan();
        self.history = plan.history.clone();
        for call in &plan.calls {
            let ending = if self.calls.len() == n { ending } else { Ending::Answered };
            self.calls.push(call.clone());
            let cut = match ending {
                Ending::DiesHalfway | Ending::AnswerLostHalfway => Cut::BeforeTheSecret,
                _ => Cut::Nowhere,
            };
            let result = match ending {
                Ending::DiesBefore => Ok(()),
                _ => self.account.apply(call, cut),
            };
            let result = match ending {
                Ending::Answered => result,
                Ending::AnswerLost | Ending::AnswerLostHalfway => Err(failure(call, Fault::Unreachable)),
                Ending::Dies | Ending::DiesHalfway | Ending::DiesBefore => {
                    self.history = StorageHistory::default();
                    return plan;
                }
            };
            let failed = result.is_err();
            self.history.take(&[StorageOutcome { call: call.clone(), result }], self.account.now);
            if failed {
                break;
            }
        }
        plan
    }

    /// Passes until there is nothing left to do, and nothing to wait for within two hours.
    pub(crate) fn settle(&mut self) -> BlobstorePlan {
        self.settle_with(usize::MAX, Ending::Answered)
    }

    pub(crate) fn settle_with(&mut self, n: usize, ending: Ending) -> BlobstorePlan {
        for _ in 0..100 {
            let plan = self.pass(n, ending);
            let within = self.account.now + SignedDuration::from_hours(2);
            let soon = plan.recheck_at.filter(|at| *at < within);
            match (plan.calls.is_empty(), soon) {
                (true, Some(at)) => self.account.now = at,
                (true, None) => return plan,
                (false, _) => self.account.pass(SignedDuration::from_secs(1)),
            }
        }
        panic!("it never settles: {:?}", self.calls.iter().map(ToString::to_string).collect::<Vec<_>>());
    }

    pub(crate) fn key(&self) -> Option<AccessKeyId> {
        self.account.secret.as_ref()?.key.clone()
    }

    pub(crate) fn actions(&self) -> Vec<&'static str> {
        self.calls.iter().map(StorageCall::action).collect()
    }
}

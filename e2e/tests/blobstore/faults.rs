//! Every call to S3 and IAM that the life of a Blobstore makes is throttled, fails, loses its answer or is late: the life ends as ever, nothing is
//! made twice, and the status tells of it while it lasts.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use crds::Blobstore;
use e2e::Site;
use e2e::amazon::Fault;
use futures::StreamExt as _;
use kube::Api;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, watcher};
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use super::life::{Life, Part, manifest};

/// What a condition said: its reason and its message.
type Told = Arc<Mutex<BTreeSet<(String, String)>>>;

/// The actions of a life without faults. All tests of this file have the same.
async fn actions() -> Result<&'static BTreeSet<String>> {
    static ACTIONS: OnceCell<BTreeSet<String>> = OnceCell::const_new();
    ACTIONS
        .get_or_try_init(async || {
            let mut life = Life::start(&manifest()).await?;
            live(&mut life, |_, _| ()).await?;
            Ok(actions_of(&life.site).into_keys().collect())
        })
        .await
}

/// Lives through all parts. In each, the actions that belong to it run into their faults.
async fn live(life: &mut Life, faults: impl Fn(&Site, Part)) -> Result<()> {
    for part in Part::ALL {
        faults(&life.site, part);
        life.order(part).await?;
        if part == Part::Begin {
            life.site.lead().await?;
        }
        life.settles(part).await?;
    }
    Ok(())
}

/// From when on an action runs into faults: not all that is read at the same time at once, since a status tells one fault.
fn part_of(action: &str) -> Part {
    match action {
        "iam:ListAccessKeys" => Part::Rotation,
        "iam:GetRole" => Part::End,
        _ => Part::Begin,
    }
}

/// The actions so far at S3 and IAM, with how often each was asked for.
fn actions_of(site: &Site) -> BTreeMap<String, usize> {
    let mut actions = site.amazon.proxy.calls_by_action();
    actions.retain(|action, _| action.starts_with("s3:") || action.starts_with("iam:"));
    actions
}

/// Notes all that the Blobstore's conditions say from now on.
fn listen(site: &Site) -> (Told, AbortHandle) {
    let told = Told::default();
    let (noted, api) = (told.clone(), Api::<Blobstore>::namespaced(site.people.client.clone(), "default"));
    let listening = async move {
        let mut seen = pin!(watcher(api, Config::default()).default_backoff().applied_objects());
        while let Some(blobstore) = seen.next().await {
            let conditions =
                blobstore.ok().and_then(|blobstore| blobstore.status).map(|status| status.conditions);
            let conditions = conditions.unwrap_or_default().into_iter();
            let said = conditions.map(|condition| (condition.reason, condition.message));
            noted.lock().unwrap_or_else(PoisonError::into_inner).extend(said);
        }
    };
    (told, tokio::spawn(listening).abort_handle())
}

/// The name that the operator has for a call: that of the action in a policy.
fn in_a_policy(action: &str) -> &str {
    match action {
        "s3:GetPublicAccessBlock" => "s3:GetBucketPublicAccessBlock",
        "s3:PutPublicAccessBlock" => "s3:PutBucketPublicAccessBlock",
        "s3:GetBucketEncryption" => "s3:GetEncryptionConfiguration",
        "s3:PutBucketEncryption" => "s3:PutEncryptionConfiguration",
        "s3:GetBucketLifecycleConfiguration" => "s3:GetLifecycleConfiguration",
        "s3:PutBucketLifecycleConfiguration" => "s3:PutLifecycleConfiguration",
        "s3:ListObjectVersions" => "s3:ListBucketVersions",
        "s3:DeleteObjects" => "s3:DeleteObjectVersion",
        same => same,
    }
}

/// Lives a life in which each action runs into a fault so many times, and prints what came of it. Returns what the status said of each action.
async fn suffers(fault: Fault, times: usize) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let actions = actions().await?;
    let mut life = Life::start(&manifest()).await?;
    let faults = |site: &Site, part: Part| {
        for action in actions.iter().filter(|action| part_of(action) == part) {
            site.amazon.proxy.order(action, times, fault.clone());
        }
    };
    let (told, listening) = listen(&life.site);
    live(&mut life, faults).await?;
    listening.abort();
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let reasons = |action: &str| -> BTreeSet<String> {
        let of = told.iter().filter(|(_, message)| message.contains(in_a_policy(action)));
        of.map(|(reason, _)| reason.clone()).collect()
    };
    let calls = actions_of(&life.site);
    println!("{:38} {:28} {:>5}  told in the status", "action", "fault", "calls");
    for action in actions {
        let fault = format!("{times} times {fault:?}");
        let said = reasons(action).into_iter().collect::<Vec<_>>().join(", ");
        println!("{action:38} {fault:28} {:5}  {said}", calls.get(action).unwrap_or(&0));
    }
    ensure!(life.site.amazon.proxy.faults_left() == 0, "{:?}", life.site.amazon.proxy.calls_by_action());
    Ok(actions.iter().map(|action| (action.clone(), reasons(action))).collect())
}

/// What ends a key that is out of use: the key in use works all the same, so that what passes by itself is told in the condition's message only.
const NO_FAULT: [&str; 2] = ["iam:DeleteAccessKey", "iam:UpdateAccessKey"];

/// What puts a setting of the bucket. Of several that fail together the status tells the first, and the others only if they fail for longer.
fn is_setting(action: &str) -> bool {
    action.starts_with("s3:Put")
}

/// The actions of which the status should have given this reason, and never did.
fn silent(told: &BTreeMap<String, BTreeSet<String>>, expected: &str) -> Vec<String> {
    let silent = told.iter().filter(|(_, reasons)| !reasons.contains(expected));
    let silent = silent.filter(|(action, _)| !NO_FAULT.contains(&action.as_str()));
    let (settings, mut others): (Vec<_>, Vec<_>) =
        silent.map(|(action, _)| action.clone()).partition(|action| is_setting(action));
    if settings.len() == told.keys().filter(|action| is_setting(action)).count() {
        others.extend(settings);
    }
    others
}

/// As often as the operator tries a call in two passes: what the first ran into is told when the second begins, and stands until the third does.
const TWO_PASSES: usize = 6;

#[tokio::test]
async fn every_call_may_be_throttled() -> Result<()> {
    let silent = silent(&suffers(Fault::Throttle, TWO_PASSES).await?, "Throttled");
    ensure!(silent.is_empty(), "nothing was told of {silent:?}");
    Ok(())
}

#[tokio::test]
async fn every_call_may_fail() -> Result<()> {
    let silent = silent(&suffers(Fault::ServerError, TWO_PASSES).await?, "CallFailed");
    ensure!(silent.is_empty(), "nothing was told of {silent:?}");
    Ok(())
}

#[tokio::test]
async fn every_answer_may_be_lost() -> Result<()> {
    suffers(Fault::LoseReply, 1).await.map(drop)
}

#[tokio::test]
async fn every_call_may_be_late() -> Result<()> {
    suffers(Fault::Delay(Duration::from_secs(2)), 1).await.map(drop)
}

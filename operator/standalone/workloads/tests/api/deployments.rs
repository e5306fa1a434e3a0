//! Deployments: rolled out, rolled back, paused, resized, broken, replaced.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use crate::bed::{BROKEN, Bed, eventually};

const REVISION: &str = "deployment.kubernetes.io/revision";

fn reason(deployment: Option<&Deployment>, type_: &str) -> Option<String> {
    let status = deployment?.status.as_ref()?;
    status.conditions.iter().flatten().find(|condition| condition.type_ == type_)?.reason.clone()
}

async fn messages(bed: &Bed) -> BTreeSet<String> {
    let events = bed.api::<Event>().list(&ListParams::default()).await.unwrap();
    events.items.into_iter().filter_map(|event| event.message).collect()
}

#[tokio::test]
async fn a_deployment_rolls_forward_and_back() {
    let bed = Bed::new("roll").await;
    bed.deployment("web", "i:1", 3, json!({})).await;
    let first = bed.rolled_out("web").await;
    assert_eq!(first.annotations()[REVISION], "1");
    assert_eq!(first.metadata.generation, Some(1), "the revision is written with the status");
    let first_set = bed.sets().await[0].name_any();

    bed.set_image("web", "i:2").await;
    let second = bed.rolled_out("web").await;
    assert_eq!(second.annotations()[REVISION], "2");
    let progressing = |deployment: Option<&Deployment>| {
        reason(deployment, "Progressing").as_deref() == Some("NewReplicaSetAvailable")
    };
    bed.wait("web", progressing).await;

    bed.set_image("web", "i:1").await;
    let third = bed.rolled_out("web").await;
    assert_eq!(third.annotations()[REVISION], "3");
    let sets = bed.sets().await;
    let back = sets.iter().find(|set| set.name_any() == first_set).unwrap();
    assert_eq!(sets.len(), 2, "the old ReplicaSet is taken again");
    assert_eq!(back.annotations()["deployment.kubernetes.io/revision-history"], "1");
    let expected = format!("Scaled up replica set {first_set} from 0 to 3");
    eventually("the Events are written", || async { messages(&bed).await.contains(&expected).then_some(()) })
        .await;
}

#[tokio::test]
async fn a_broken_rollout_stops_misses_its_deadline_and_is_rolled_back() {
    let bed = Bed::new("broken").await;
    bed.deployment("web", "i:1", 4, json!({"progressDeadlineSeconds": 1})).await;
    bed.rolled_out("web").await;
    bed.set_image("web", BROKEN).await;
    let timed_out = |deployment: Option<&Deployment>| {
        reason(deployment, "Progressing").as_deref() == Some("ProgressDeadlineExceeded")
    };
    let stuck = bed.wait("web", timed_out).await.unwrap();
    assert!(stuck.status.unwrap().available_replicas >= Some(3), "one of four may be missing");
    bed.set_image("web", "i:1").await;
    bed.rolled_out("web").await;
}

#[tokio::test]
async fn a_paused_deployment_is_resized_but_not_rolled() {
    let bed = Bed::new("paused").await;
    bed.deployment("web", "i:1", 2, json!({"paused": true})).await;
    let paused = |deployment: Option<&Deployment>| {
        reason(deployment, "Progressing").as_deref() == Some("DeploymentPaused")
    };
    bed.wait("web", paused).await;
    assert_eq!(bed.sets().await.len(), 0);
    bed.patch::<Deployment>("web", json!({"spec": {"paused": false}})).await;
    bed.rolled_out("web").await;
    bed.patch::<Deployment>("web", json!({"spec": {"paused": true}})).await;
    bed.set_image("web", "i:2").await;
    bed.patch::<Deployment>("web", json!({"spec": {"replicas": 4}})).await;
    let resized = |deployment: Option<&Deployment>| {
        let status = deployment.and_then(|deployment| deployment.status.clone()).unwrap_or_default();
        status.available_replicas == Some(4) && status.updated_replicas.is_none()
    };
    bed.wait("web", resized).await;
    assert_eq!(bed.sets().await.len(), 1);
    bed.patch::<Deployment>("web", json!({"spec": {"paused": false}})).await;
    bed.rolled_out("web").await;
}

#[tokio::test]
async fn a_replacement_forgets_what_the_history_has_no_room_for() {
    let bed = Bed::new("recreate").await;
    let strategy = json!({"strategy": {"type": "Recreate"}, "revisionHistoryLimit": 1});
    bed.deployment("web", "i:1", 2, strategy).await;
    bed.rolled_out("web").await;
    for image in ["i:2", "i:3", "i:4"] {
        bed.set_image("web", image).await;
        bed.rolled_out("web").await;
    }
    eventually("one old ReplicaSet is left", || async { (bed.sets().await.len() == 2).then_some(()) }).await;
}

#[tokio::test]
async fn a_pod_that_is_deleted_or_fails_is_replaced() {
    let bed = Bed::new("replace").await;
    bed.deployment("web", "i:1", 2, json!({})).await;
    bed.rolled_out("web").await;
    let pods = bed.pods().await;
    bed.api::<Pod>().delete(&pods[0].name_any(), &DeleteParams::default()).await.unwrap();
    let failed = kube::api::Patch::Merge(json!({"status": {"phase": "Failed"}}));
    bed.api::<Pod>().patch_status(&pods[1].name_any(), &Default::default(), &failed).await.unwrap();
    let before: BTreeSet<_> = pods.iter().map(ResourceExt::name_any).collect();
    eventually("two others serve", || async {
        let set = bed.sets().await.remove(0);
        let others = bed.pods().await.into_iter().filter(|pod| !before.contains(&pod.name_any())).count();
        (others == 2 && set.status.unwrap().available_replicas == Some(2)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn no_pod_is_created_twice_and_the_surplus_goes() {
    let bed = Bed::new("count").await;
    bed.deployment("web", "i:1", 30, json!({})).await;
    bed.rolled_out("web").await;
    let created = |messages: BTreeSet<String>| {
        messages.iter().filter(|message| message.starts_with("Created pod: ")).count()
    };
    eventually("all Events are written", || async { (created(messages(&bed).await) >= 30).then_some(()) })
        .await;
    bed.patch::<Deployment>("web", json!({"spec": {"replicas": 5}})).await;
    bed.rolled_out("web").await;
    eventually("25 are gone", || async { (bed.pods().await.len() == 5).then_some(()) }).await;
    assert_eq!(created(messages(&bed).await), 30);
}

#[tokio::test]
async fn what_was_orphaned_is_adopted() {
    let bed = Bed::new("adopt").await;
    bed.deployment("web", "i:1", 2, json!({})).await;
    bed.rolled_out("web").await;
    let pods: BTreeSet<_> = bed.pods().await.iter().map(ResourceExt::name_any).collect();
    bed.api::<Deployment>().delete("web", &DeleteParams::orphan()).await.unwrap();
    bed.wait::<Deployment>("web", |deployment: Option<&Deployment>| deployment.is_none()).await;
    let set = bed.sets().await.remove(0);
    assert_eq!(set.owner_references(), []);

    let again = bed.deployment("web", "i:1", 2, json!({})).await;
    let adopted = |set: Option<&ReplicaSet>| {
        set.is_some_and(|set| {
            set.owner_references().iter().any(|owner| Some(&owner.uid) == again.uid().as_ref())
        })
    };
    bed.wait(&set.name_any(), adopted).await;
    bed.rolled_out("web").await;
    assert_eq!(bed.pods().await.iter().map(ResourceExt::name_any).collect::<BTreeSet<_>>(), pods);
}

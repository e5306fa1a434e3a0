//! What follows its owner, and what stays.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::bed::{Bed, eventually};

const NOBODY: &str = "11111111-1111-1111-1111-111111111111";

async fn config_map(bed: &Bed, name: &str, owners: Value) -> ConfigMap {
    bed.create(json!({"metadata": {"name": name, "ownerReferences": owners}})).await
}

fn owner(name: &str, uid: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid})
}

async fn gone(bed: &Bed, name: &str) {
    bed.wait::<ConfigMap>(name, |object: Option<&ConfigMap>| object.is_none()).await;
}

#[tokio::test]
async fn dependents_go_with_their_owner() {
    let bed = Bed::new("background").await;
    bed.deployment("web", "i:1", 2, json!({})).await;
    bed.rolled_out("web").await;
    bed.api::<Deployment>().delete("web", &DeleteParams::background()).await.unwrap();
    eventually("nothing is left", || async {
        (bed.sets().await.is_empty() && bed.pods().await.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn in_the_foreground_the_owner_goes_last() {
    let bed = Bed::new("foreground").await;
    bed.deployment("web", "i:1", 1, json!({})).await;
    bed.rolled_out("web").await;
    let pod = bed.pods().await.remove(0).name_any();
    bed.patch::<Pod>(&pod, json!({"metadata": {"finalizers": ["flynn.io/held"]}})).await;
    bed.api::<Deployment>().delete("web", &DeleteParams::foreground()).await.unwrap();
    bed.wait::<Pod>(&pod, |pod: Option<&Pod>| {
        pod.is_none_or(|pod| pod.metadata.deletion_timestamp.is_some())
    })
    .await;
    assert_eq!(bed.sets().await.len(), 1, "its ReplicaSet waits for the Pod");
    assert!(
        bed.api::<Deployment>().get_opt("web").await.unwrap().is_some(),
        "and it waits for the ReplicaSet"
    );
    bed.patch::<Pod>(&pod, json!({"metadata": {"finalizers": null}})).await;
    bed.wait::<Deployment>("web", |deployment: Option<&Deployment>| deployment.is_none()).await;
    assert!(bed.api::<ReplicaSet>().list(&Default::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn an_object_goes_when_its_last_owner_is_gone() {
    let bed = Bed::new("dangling").await;
    config_map(&bed, "dangling", json!([owner("nobody", NOBODY)])).await;
    gone(&bed, "dangling").await;

    let solid = config_map(&bed, "owner", json!([])).await;
    let uid = solid.uid().unwrap();
    config_map(&bed, "half", json!([owner("nobody", NOBODY), owner("owner", &uid)])).await;
    let one_left =
        |object: Option<&ConfigMap>| object.is_some_and(|object| object.owner_references().len() == 1);
    let half = bed.wait("half", one_left).await.unwrap();
    assert_eq!(half.owner_references()[0].uid, uid);

    config_map(&bed, "mistaken", json!([owner("another", &uid)])).await;
    gone(&bed, "mistaken").await;
    bed.api::<ConfigMap>().delete("owner", &DeleteParams::default()).await.unwrap();
    gone(&bed, "half").await;
}

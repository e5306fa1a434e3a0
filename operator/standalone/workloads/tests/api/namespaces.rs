//! A namespace that is deleted empties itself, says what holds it up, and goes.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::Api;
use kube::runtime::wait::await_condition;
use serde_json::json;

use crate::bed::{Bed, eventually};

#[tokio::test]
async fn a_namespace_goes_when_nothing_holds_its_content() {
    let bed = Bed::new("namespace").await;
    bed.deployment("web", "i:1", 3, json!({})).await;
    bed.rolled_out("web").await;
    bed.create::<ConfigMap>(json!({"metadata": {"name": "held", "finalizers": ["flynn.io/held"]}})).await;
    let namespaces: Api<Namespace> = Api::all(bed.client.clone());
    namespaces.delete(&bed.namespace, &Default::default()).await.unwrap();

    let message = eventually("the status names what remains", || async {
        let namespace = namespaces.get(&bed.namespace).await.unwrap();
        let conditions = namespace.status?.conditions?;
        let remaining =
            conditions.into_iter().find(|condition| condition.type_ == "NamespaceFinalizersRemaining")?;
        remaining.message.filter(|_| remaining.status == "True")
    })
    .await;
    let expected =
        "Some content in the namespace has finalizers remaining: flynn.io/held in 1 resource instances";
    assert_eq!(message, expected);
    assert!(bed.pods().await.is_empty() && bed.sets().await.is_empty());

    bed.patch::<ConfigMap>("held", json!({"metadata": {"finalizers": null}})).await;
    let gone =
        await_condition(namespaces, &bed.namespace, |namespace: Option<&Namespace>| namespace.is_none());
    gone.await.unwrap();
}

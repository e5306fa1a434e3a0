//! EndpointSlices follow their Pods.

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::{ListParams, Patch};
use serde_json::{Value, json};

use crate::bed::{Bed, eventually};

async fn service(bed: &Bed) {
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
    let spec = json!({"selector": {"app": "web"}, "ports": ports});
    bed.create::<Service>(json!({"metadata": {"name": "web"}, "spec": spec})).await;
}

/// Every endpoint of the Service, as port and readiness.
async fn endpoints(bed: &Bed) -> Vec<(i32, bool)> {
    let labelled = ListParams::default().labels("kubernetes.io/service-name=web");
    let slices = bed.api::<EndpointSlice>().list(&labelled).await.unwrap().items;
    let mut endpoints = Vec::new();
    for slice in slices {
        let port = slice.ports.iter().flatten().next().and_then(|port| port.port);
        let ready =
            slice.endpoints.iter().flatten().map(|endpoint| endpoint.conditions.clone().unwrap().ready);
        endpoints.extend(ready.map(|ready| (port.unwrap(), ready.unwrap())));
    }
    endpoints.sort_unstable();
    endpoints
}

async fn expect(bed: &Bed, what: &str, expected: &[(i32, bool)]) {
    eventually(what, || async { (endpoints(bed).await == expected).then_some(()) }).await;
}

async fn set_ready(bed: &Bed, pod: &str, value: &str) {
    let status: Value = json!({"status": {"conditions": [{"type": "Ready", "status": value}]}});
    let patch = Patch::Merge(status);
    bed.api::<Pod>().patch_status(pod, &Default::default(), &patch).await.unwrap();
}

#[tokio::test]
async fn endpoints_follow_the_pods_and_their_readiness() {
    let bed = Bed::new("endpoints").await;
    service(&bed).await;
    eventually("a Service without Pods has a slice without endpoints", || async {
        let slices = bed.api::<EndpointSlice>().list(&ListParams::default()).await.unwrap().items;
        let slice = slices.first()?;
        assert_eq!(
            slice.labels()["endpointslice.kubernetes.io/managed-by"],
            "endpointslice-controller.k8s.io"
        );
        Some(())
    })
    .await;
    bed.deployment("web", "i:1", 2, json!({})).await;
    expect(&bed, "both serve", &[(8080, true), (8080, true)]).await;
    let pod = bed.pods().await.remove(0).name_any();
    set_ready(&bed, &pod, "False").await;
    expect(&bed, "one serves", &[(8080, false), (8080, true)]).await;
    set_ready(&bed, &pod, "True").await;
    expect(&bed, "both serve again", &[(8080, true), (8080, true)]).await;
}

#[tokio::test]
async fn a_pod_with_a_port_of_its_own_has_its_own_slice() {
    let bed = Bed::new("ports").await;
    service(&bed).await;
    for (name, port) in [("x", "4001"), ("y", "4002")] {
        let annotations = json!({"standalone.flynn.io/port.8080": port});
        let meta = json!({"name": name, "labels": {"app": "web"}, "annotations": annotations});
        let spec = json!({"containers": [{"name": "c", "image": "i"}]});
        bed.create::<Pod>(json!({"metadata": meta, "spec": spec})).await;
    }
    expect(&bed, "each at its port", &[(4001, true), (4002, true)]).await;
    let moved = json!({"metadata": {"annotations": {"standalone.flynn.io/port.8080": "4009"}}});
    bed.patch::<Pod>("x", moved).await;
    expect(&bed, "one has moved", &[(4002, true), (4009, true)]).await;
    bed.api::<Pod>().delete("y", &Default::default()).await.unwrap();
    expect(&bed, "the other is gone", &[(4009, true)]).await;
}

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::super::desired::groups;
use super::super::desired::tests::{pod, service};
use super::*;

fn http() -> Service {
    service(json!([{"name": "http", "port": 80, "targetPort": "http"}]))
}

fn pods(numbers: std::ops::Range<usize>) -> Vec<Arc<Pod>> {
    numbers
        .map(|n| Arc::new(pod(&format!("p{n:03}"), &format!("10.0.{}.{}", n / 200, n % 200 + 1))))
        .collect()
}

/// What a server makes of the changes.
fn applied(existing: &[Arc<EndpointSlice>], changes: Changes, next: &mut usize) -> Vec<Arc<EndpointSlice>> {
    let mut slices: Vec<_> = existing.to_vec();
    slices.retain(|slice| !changes.delete.contains(slice));
    for (before, after) in changes.update {
        let mut after = after;
        after.metadata.name = before.metadata.name.clone();
        slices.retain(|slice| *slice != before);
        slices.push(Arc::new(after));
    }
    for mut slice in changes.create {
        *next += 1;
        slice.metadata.name.get_or_insert(format!("web-{next}"));
        slices.push(Arc::new(slice));
    }
    slices
}

fn sizes(slices: &[Arc<EndpointSlice>]) -> Vec<usize> {
    let mut sizes: Vec<_> = slices.iter().map(|slice| slice.endpoints.as_ref().unwrap().len()).collect();
    sizes.sort_unstable();
    sizes
}

#[test]
fn slices_fill_up_and_what_is_known_stays_where_it_is() {
    let (service, mut next) = (http(), 0);
    let slices = applied(&[], changes(&service, groups(&service, &pods(0..250)), &[]), &mut next);
    assert_eq!(sizes(&slices), [50, 100, 100]);
    assert_eq!(changes(&service, groups(&service, &pods(0..250)), &slices), Changes::default());

    let more = changes(&service, groups(&service, &pods(0..260)), &slices);
    assert_eq!((more.create.len(), more.update.len(), more.delete.len()), (0, 1, 0));
    let slices = applied(&slices, more, &mut next);
    assert_eq!(sizes(&slices), [60, 100, 100]);

    let fewer = changes(&service, groups(&service, &pods(0..100)), &slices);
    assert_eq!(sizes(&applied(&slices, fewer, &mut next)), [100]);
}

#[test]
fn a_service_without_pods_keeps_one_slice_without_endpoints() {
    let (service, mut next) = (http(), 0);
    let empty = applied(&[], changes(&service, vec![], &[]), &mut next);
    assert_eq!(sizes(&empty), [0]);
    assert_eq!(changes(&service, vec![], &empty), Changes::default());
    let slices = applied(&empty, changes(&service, groups(&service, &pods(0..1)), &empty), &mut next);
    assert_eq!(sizes(&slices), [1]);
    let gone = changes(&service, vec![], &slices);
    assert_eq!((gone.create.len(), gone.update.len(), gone.delete.len()), (0, 1, 0));
}

#[test]
fn each_pod_with_a_port_of_its_own_has_a_slice_of_a_stable_name() {
    let (service, mut next) = (http(), 0);
    let own = |name: &str, port: &str| {
        let mut pod = pod(name, "127.0.0.1");
        let annotation = ("standalone.flynn.io/port.8080".to_owned(), port.to_owned());
        pod.metadata.annotations = Some([annotation].into());
        Arc::new(pod)
    };
    let both = [own("x", "4001"), own("y", "4002")];
    let first = changes(&service, groups(&service, &both), &[]);
    let names: Vec<_> = first.create.iter().map(|slice| slice.metadata.name.clone().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("web-")) && names[0] != names[1]);
    let slices = applied(&[], first, &mut next);
    assert_eq!(changes(&service, groups(&service, &both), &slices), Changes::default());

    let moved = changes(&service, groups(&service, &[own("x", "4009"), own("y", "4002")]), &slices);
    assert_eq!((moved.create.len(), moved.update.len(), moved.delete.len()), (0, 1, 0));
    let one = changes(&service, groups(&service, &both[..1]), &slices);
    assert_eq!((one.create.len(), one.update.len(), one.delete.len()), (0, 0, 1));
}

#[test]
fn a_slice_says_whose_it_is() {
    let slice = &changes(&http(), vec![], &[]).create[0];
    let labels = slice.metadata.labels.as_ref().unwrap();
    assert_eq!(labels[SERVICE_NAME], "web");
    assert_eq!(labels[MANAGED_BY], MANAGER);
    assert!(!labels.contains_key(HEADLESS));
    let owner = &slice.metadata.owner_references.as_ref().unwrap()[0];
    assert_eq!((owner.kind.as_str(), owner.uid.as_str()), ("Service", "uid-web"));
    assert_eq!((owner.controller, owner.block_owner_deletion), (Some(true), Some(true)));
}

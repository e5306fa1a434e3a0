//! How endpoints are put into slices: with the fewest writes, at most a hundred each.
//!
//! | group | slices with its ports | what happens |
//! | --- | --- | --- |
//! | of one Pod | its own, by name | created, or updated if it differs |
//! | shared | some | what is known stays where it is, the rest fills up what has room |
//! | shared | none, or all are full | new ones |
//! | none at all | any | one slice stays without endpoints; the others go |

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::desired::{Group, MANAGED_BY, MANAGER, SERVICE_NAME, families};
use crate::claim::controller_reference;
use crate::hash::fnv1a;

/// How many endpoints a slice has at most.
const FULL: usize = 100;

/// The label of the slices of a Service without an address of its own.
const HEADLESS: &str = "service.kubernetes.io/headless";

/// What has to be written.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    pub(super) create: Vec<EndpointSlice>,
    pub(super) update: Vec<(Arc<EndpointSlice>, EndpointSlice)>,
    pub(super) delete: Vec<Arc<EndpointSlice>>,
}

impl Changes {
    /// Gives what is written an annotation, or takes it away.
    pub(super) fn tell(&mut self, annotation: &str, value: Option<&str>) {
        let updated = self.update.iter_mut().map(|(_, slice)| slice);
        for slice in self.create.iter_mut().chain(updated) {
            let told = value.map(|value| BTreeMap::from([(annotation.to_owned(), value.to_owned())]));
            slice.metadata.annotations = told;
        }
    }
}

/// The difference between the slices that there are and those of the table.
pub(super) fn changes(service: &Service, groups: Vec<Group>, existing: &[Arc<EndpointSlice>]) -> Changes {
    let mut plan = Plan { service, left: existing.to_vec(), changes: Changes::default() };
    let families = families(service);
    for family in &families {
        if !groups.iter().any(|group| group.address_type == *family) {
            plan.placeholder(family);
        }
    }
    for group in groups {
        match &group.pod {
            Some(uid) => plan.alone(&name_of(service, uid), &group),
            None => plan.shared(group),
        }
    }
    plan.changes.delete = plan.left;
    plan.changes
}

struct Plan<'a> {
    service: &'a Service,
    /// The slices that nothing was put into yet.
    left: Vec<Arc<EndpointSlice>>,
    changes: Changes,
}

impl Plan<'_> {
    /// A slice without endpoints, so that whoever watches sees that there are none.
    fn placeholder(&mut self, address_type: &'static str) {
        let reusable = |slice: &Arc<EndpointSlice>| slice.address_type == address_type;
        let known = self.left.iter().position(reusable).map(|index| self.left.remove(index));
        let empty = Group { address_type, ports: Vec::new(), pod: None, endpoints: BTreeMap::new() };
        self.put(known, None, &empty, Vec::new());
    }

    fn alone(&mut self, name: &str, group: &Group) {
        let named = |slice: &Arc<EndpointSlice>| slice.metadata.name.as_deref() == Some(name);
        let known = self.left.iter().position(named).map(|index| self.left.remove(index));
        self.put(known, Some(name), group, group.endpoints.values().cloned().collect());
    }

    fn shared(&mut self, mut group: Group) {
        let alike = |slice: &Arc<EndpointSlice>| {
            slice.address_type == group.address_type
                && slice.ports.as_deref().unwrap_or_default() == group.ports
                && slice.metadata.generate_name.is_some()
        };
        let known: Vec<_> = self.left.extract_if(.., |slice| alike(slice)).collect();
        let mut slices: Vec<(Option<Arc<EndpointSlice>>, Vec<Endpoint>)> = Vec::new();
        for slice in known {
            let endpoints = slice.endpoints.iter().flatten();
            let kept =
                endpoints.filter_map(|endpoint| group.endpoints.remove(target_name(endpoint)?)).collect();
            slices.push((Some(slice), kept));
        }
        let mut rest: Vec<_> = std::mem::take(&mut group.endpoints).into_values().collect();
        for (_, endpoints) in &mut slices {
            let room = FULL.saturating_sub(endpoints.len()).min(rest.len());
            if room > 0 && !endpoints.is_empty() {
                endpoints.extend(rest.drain(..room));
            }
        }
        for (_, endpoints) in &mut slices {
            let room = FULL.saturating_sub(endpoints.len()).min(rest.len());
            endpoints.extend(rest.drain(..room));
        }
        while !rest.is_empty() {
            slices.push((None, rest.drain(..FULL.min(rest.len())).collect()));
        }
        for (slice, endpoints) in slices {
            match slice {
                Some(slice) if endpoints.is_empty() => self.left.push(slice),
                slice => self.put(slice, None, &group, endpoints),
            }
        }
    }

    /// Notes the write that makes a slice have these endpoints, if one is needed.
    fn put(
        &mut self,
        known: Option<Arc<EndpointSlice>>,
        name: Option<&str>,
        group: &Group,
        endpoints: Vec<Endpoint>,
    ) {
        let wanted = self.slice(name, group, endpoints);
        match known {
            None => self.changes.create.push(wanted),
            Some(known) if is_as(&known, &wanted) => {}
            Some(known) => self.changes.update.push((known, wanted)),
        }
    }

    fn slice(&self, name: Option<&str>, group: &Group, endpoints: Vec<Endpoint>) -> EndpointSlice {
        let meta = &self.service.metadata;
        let generated = format!("{}-", meta.name.as_deref().unwrap_or_default());
        EndpointSlice {
            metadata: ObjectMeta {
                name: name.map(str::to_owned),
                generate_name: name.is_none().then_some(generated),
                namespace: meta.namespace.clone(),
                labels: Some(labels(self.service)),
                owner_references: Some(vec![controller_reference(self.service)]),
                ..ObjectMeta::default()
            },
            address_type: group.address_type.to_owned(),
            endpoints: Some(endpoints),
            ports: Some(group.ports.clone()),
        }
    }
}

/// The labels of the Service, and those that say whose the slice is.
fn labels(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.remove(HEADLESS);
    let address = service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()).unwrap_or_default();
    if matches!(address, "" | "None") {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    labels.insert(SERVICE_NAME.to_owned(), service.metadata.name.clone().unwrap_or_default());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    labels
}

/// Whether a slice is as it should be. An annotation is no reason to write.
fn is_as(known: &EndpointSlice, wanted: &EndpointSlice) -> bool {
    let ports = |slice: &EndpointSlice| -> Vec<EndpointPort> { slice.ports.clone().unwrap_or_default() };
    known.metadata.labels == wanted.metadata.labels
        && ports(known) == ports(wanted)
        && known.endpoints.as_deref().unwrap_or_default() == wanted.endpoints.as_deref().unwrap_or_default()
}

fn target_name(endpoint: &Endpoint) -> Option<&str> {
    endpoint.target_ref.as_ref()?.name.as_deref()
}

/// The name of the slice of one Pod. It is the same each time, so that two creations are one.
fn name_of(service: &Service, pod: &str) -> String {
    let service = service.metadata.name.as_deref().unwrap_or_default();
    format!("{service}-{:010x}", fnv1a(pod.as_bytes()) & 0xff_ffff_ffff)
}

#[cfg(test)]
mod tests;

//! The order of a Cluster: what its spec, its metadata and the Nodes that it selects come to.
//!
//! | the Cluster                                            | its order                                             |
//! |--------------------------------------------------------|-------------------------------------------------------|
//! | has `spec.aws`                                         | says what AWS should be made to be                    |
//! | has none, is being deleted, and has our finalizer      | has no `aws`: the finalizer goes, and nothing else    |
//! | has none                                               | is none: nobody looks at AWS                          |

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use crds::{Cluster, ClusterNodes, ConditionType, names};
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use kube::ResourceExt;

use super::{InstanceId, NodeFacts, Order, Owner, RecordName, ZoneId};

impl Order {
    /// What a Cluster asks for; `nodes` are all that Kubernetes has, by name.
    pub fn of<'a>(cluster: &Cluster, nodes: impl Iterator<Item = &'a Node>) -> Option<Self> {
        let deleted_at = cluster.metadata.deletion_timestamp.as_ref().map(|time| time.0);
        let has_finalizer = cluster.finalizers().iter().any(|name| name == names::AWS_FINALIZER);
        if cluster.spec.aws.is_none() && !(deleted_at.is_some() && has_finalizer) {
            return None;
        }
        Some(Self {
            owner: Owner::new(cluster.name_any(), cluster.uid().unwrap_or_default()),
            generation: cluster.metadata.generation.unwrap_or_default(),
            spec: cluster.spec.clone(),
            nodes: members(cluster.spec.nodes.as_ref(), nodes),
            former: listed_records(cluster),
            tcp_ports: BTreeSet::new(),
            had_security_groups: tells_of_security_groups(cluster),
            resync: cluster.annotations().get(names::RESYNC).cloned(),
            deleted_at,
            has_finalizer,
        })
    }
}

/// Every name that the status lists with its zone, in order and once.
fn listed_records(cluster: &Cluster) -> Vec<(RecordName, ZoneId)> {
    let records = cluster.status.iter().flat_map(|status| &status.records);
    let named = records.filter_map(|record| {
        Some((RecordName::new(&record.name), ZoneId::new(record.hosted_zone_id.as_ref()?)))
    });
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

fn tells_of_security_groups(cluster: &Cluster) -> bool {
    let kind = ConditionType::SecurityGroupsReady.to_string();
    let mut conditions = cluster.status.iter().flat_map(|status| &status.conditions);
    conditions.any(|condition| condition.type_ == kind)
}

fn members<'a>(declared: Option<&ClusterNodes>, nodes: impl Iterator<Item = &'a Node>) -> Vec<NodeFacts> {
    let Some(ClusterNodes { selector, instances }) = declared else { return Vec::new() };
    let listed = instances.iter().flatten().map(|id| listed(id));
    let selected = nodes.filter(|node| {
        let has = |(name, value): (&String, &String)| node.labels().get(name) == Some(value);
        selector.as_ref().is_some_and(|selector| selector.match_labels.iter().all(has))
    });
    listed.chain(selected.map(facts)).collect()
}

fn listed(id: &str) -> NodeFacts {
    NodeFacts {
        name: id.to_owned(),
        instance: Some(InstanceId::new(id)),
        ready: true,
        ready_since: None,
        leaving: false,
        ipv6: Vec::new(),
    }
}

fn facts(node: &Node) -> NodeFacts {
    let spec = node.spec.as_ref();
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let is_ready = |condition: &&NodeCondition| condition.type_ == "Ready";
    let ready = conditions.into_iter().flatten().find(is_ready);
    NodeFacts {
        name: node.name_any(),
        instance: spec.and_then(|spec| instance(spec.provider_id.as_deref()?)),
        ready: ready.is_some_and(|condition| condition.status == "True"),
        ready_since: ready.and_then(|condition| condition.last_transition_time.as_ref()).map(|time| time.0),
        leaving: spec.and_then(|spec| spec.unschedulable) == Some(true)
            || node.metadata.deletion_timestamp.is_some(),
        ipv6: ipv6(node),
    }
}

/// The EC2 instance that a `spec.providerID` names: `aws:///us-east-1a/i-0123456789abcdef0`, or without the zone.
fn instance(provider_id: &str) -> Option<InstanceId> {
    let id = provider_id.strip_prefix("aws://")?.rsplit('/').next()?;
    let digits = id.strip_prefix("i-")?;
    let is_id = matches!(digits.len(), 8 | 17) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_id.then(|| InstanceId::new(id))
}

fn ipv6(node: &Node) -> Vec<Ipv6Addr> {
    let addresses = node.status.as_ref().and_then(|status| status.addresses.as_ref());
    let by_number = addresses.into_iter().flatten();
    let by_number = by_number.filter(|address| matches!(address.type_.as_str(), "ExternalIP" | "InternalIP"));
    let mut found: Vec<Ipv6Addr> = by_number.filter_map(|address| address.address.parse().ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(changes: &serde_json::Value) -> Cluster {
        let mut cluster = json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "Cluster",
            "metadata": {"name": "site", "uid": "u", "generation": 3},
            "spec": {
                "domains": [{"name": "site.com"}],
                "nodes": {"selector": {"matchLabels": {"role": "router"}}},
                "aws": {"region": "us-east-1"}
            }
        });
        for (pointer, value) in changes.as_object().unwrap() {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            cluster.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        serde_json::from_value(cluster).unwrap()
    }

    fn node(name: &str, spec: &serde_json::Value, status: &serde_json::Value) -> Node {
        let metadata = json!({"name": name, "labels": {"role": "router"}});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
    }

    #[test]
    fn an_instance_is_named_by_the_end_of_a_provider_id_of_aws() {
        let id = "i-0123456789abcdef0";
        assert_eq!(instance(&format!("aws:///us-east-1a/{id}")), Some(InstanceId::new(id)));
        assert_eq!(instance(&format!("aws://us-east-1a/{id}")), Some(InstanceId::new(id)));
        assert_eq!(instance("aws:///i-0abc1234"), Some(InstanceId::new("i-0abc1234")));
        assert_eq!(instance(&format!("gce://project/zone/{id}")), None);
        assert_eq!(instance("aws:///eu-west-1/fargate-ip-10-0-0-1"), None);
        assert_eq!(instance("aws:///us-east-1a/i-worker1"), None);
        assert_eq!(instance("k3s://server"), None);
    }

    #[test]
    fn a_node_is_told_as_kubernetes_has_it() {
        let status = json!({
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-11-22T12:00:00Z"}
            ],
            "addresses": [
                {"type": "InternalIP", "address": "10.0.0.1"},
                {"type": "InternalIP", "address": "2600:1f18::7"},
                {"type": "ExternalIP", "address": "2600:1f18::7"},
                {"type": "Hostname", "address": "n1"}
            ]
        });
        let spec = json!({"providerID": "aws:///us-east-1a/i-0abc1234", "unschedulable": true});
        let facts = facts(&node("n1", &spec, &status));
        assert_eq!(facts.instance, Some(InstanceId::new("i-0abc1234")));
        assert!(!facts.ready && facts.leaving);
        assert_eq!(facts.ready_since, "2026-11-22T12:00:00Z".parse().ok());
        assert_eq!(facts.ipv6, ["2600:1f18::7".parse::<Ipv6Addr>().unwrap()]);
    }

    #[test]
    fn the_nodes_with_every_label_are_members_and_listed_instances_by_their_ids() {
        let (member, mut other) = (node("n1", &json!({}), &json!({})), Node::default());
        other.metadata.name = Some("n2".into());
        let order = Order::of(&cluster(&json!({})), [&member, &other].into_iter()).unwrap();
        assert_eq!(order.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["n1"]);
        let listed = cluster(&json!({"/spec/nodes": {"instances": ["i-0abc1234"]}}));
        let order = Order::of(&listed, [&member].into_iter()).unwrap();
        assert_eq!(order.nodes, [super::listed("i-0abc1234")]);
    }

    #[test]
    fn without_aws_there_is_an_order_only_while_our_finalizer_holds_up_a_deletion() {
        let order = |changes: serde_json::Value| Order::of(&cluster(&changes), [].into_iter());
        assert_eq!(order(json!({"/spec/aws": null})), None);
        let finalizers = json!([names::AWS_FINALIZER]);
        assert_eq!(order(json!({"/spec/aws": null, "/metadata/finalizers": finalizers})), None);
        let deleted = json!("2026-11-22T12:00:00Z");
        let order = order(json!({
            "/spec/aws": null, "/metadata/finalizers": finalizers, "/metadata/deletionTimestamp": deleted
        }));
        assert!(order.is_some_and(|order| order.has_finalizer && order.deleted_at.is_some()));
    }
}

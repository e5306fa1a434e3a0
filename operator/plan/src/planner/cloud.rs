//! AWS in planning: the order of the active Cluster goes out, and what a look at AWS found comes back for its status.
//!
//! The look itself is the leader's (`aws::plan`), because it waits for answers; planning never does. Until a leader has looked
//! at AWS for what is declared now, the status of a Cluster stays as the last look left it.

use std::sync::Arc;

use crds::{Cluster, ConditionType, Reason};
use kube::ResourceExt as _;

use super::Planner;
use crate::aws::{Order, Report};
use crate::world::uid;
use crate::{Refusal, Step, Unit};

/// What a Cluster's status says of AWS.
pub(super) enum Told {
    /// This; nothing if the Cluster does not ask for AWS.
    Now(Option<Box<Report>>),
    /// What it said before, until somebody has looked.
    Later,
}

impl Planner {
    pub(super) fn plan_cloud(&mut self, step: &mut Step) {
        let active =
            self.plans.active.as_ref().and_then(|active| self.world.clusters.get(&active.name_any()));
        let order =
            active.and_then(|cluster| Order::of(cluster, self.world.nodes.values().map(AsRef::as_ref)));
        let order = order.map(|order| {
            let is_asked = order.security_groups().is_some();
            let ports = self.plans.ports.keys().filter(|_| is_asked);
            Order { tcp_ports: ports.copied().collect(), ..order }
        });
        if self.plans.order.as_deref() == order.as_ref() {
            return;
        }
        self.plans.order = order.map(Arc::new);
        step.cloud = Some(self.plans.order.clone());
    }

    /// Takes in what a look at AWS found.
    pub fn report_cloud(&mut self, report: Report) {
        // What drifted and what should be known was told as events.
        let report = Report { drift: Vec::new(), warnings: Vec::new(), ..report };
        let concerned = self.world.clusters.values().filter(|cluster| uid(&***cluster) == report.uid);
        let concerned: Vec<Unit> = concerned.map(|cluster| Unit::ClusterStatus(cluster.name_any())).collect();
        if self.cloud.as_ref() != Some(&report) {
            self.cloud = Some(report);
            self.world.dirty.extend(concerned);
        }
    }

    pub(super) fn told_of_aws(&self, cluster: &Cluster) -> Told {
        let is_active = self.plans.active.as_ref().is_some_and(|active| uid(&**active) == uid(cluster));
        let Some(aws) = cluster.spec.aws.as_ref().filter(|_| is_active) else { return Told::Now(None) };
        let generation = cluster.metadata.generation.unwrap_or_default();
        let is_about_it = |report: &&Report| report.uid == uid(cluster) && report.generation == generation;
        if let Some(report) = self.cloud.as_ref().filter(is_about_it) {
            return Told::Now(Some(Box::new(report.clone())));
        }
        if has_told(cluster) {
            return Told::Later;
        }
        let pending = || Err(Refusal::new(Reason::Pending, "AWS is being looked at"));
        let associated = Some(pending());
        let secured = aws.security_groups.as_ref().map(|_| pending());
        let published = aws.dns.as_ref().map(|_| pending());
        Told::Now(Some(Box::new(Report { associated, secured, published, ..Report::default() })))
    }
}

/// Whether the status says something of AWS already.
fn has_told(cluster: &Cluster) -> bool {
    let of_aws = [
        ConditionType::AddressesAssociated,
        ConditionType::SecurityGroupsReady,
        ConditionType::RecordsPublished,
    ]
    .map(|kind| kind.to_string());
    let mut conditions = cluster.status.iter().flat_map(|status| &status.conditions);
    conditions.any(|condition| of_aws.contains(&condition.type_))
}

#[cfg(test)]
mod tests {
    use crds::{Aws, ClusterSpec, Dns, Domain, Route};
    use jiff::Timestamp;
    use k8s_openapi::api::core::v1::{Node, NodeSpec};
    use serde_json::Value;

    use super::*;
    use crate::{Kind, ObjectKey, Role, Step};

    fn cluster(generation: i64, aws: Option<Aws>) -> Cluster {
        let domains = vec![Domain { name: "site.com".into(), ..Domain::default() }];
        let mut cluster = Cluster::new("site", ClusterSpec { domains, aws, ..ClusterSpec::default() });
        cluster.metadata.uid = Some("u".into());
        cluster.metadata.generation = Some(generation);
        cluster
    }

    fn aws() -> Option<Aws> {
        Some(Aws { region: "us-east-1".into(), dns: Some(Dns::default()), ..Aws::default() })
    }

    fn step(planner: &mut Planner) -> Step {
        planner.step(Timestamp::from_second(1_000_000).unwrap())
    }

    fn condition(step: &Step, kind: &str) -> Option<String> {
        let [write] = step.statuses.as_slice() else { return None };
        let conditions = write.status["conditions"].as_array()?;
        let found = conditions.iter().find(|condition| condition["type"] == kind)?;
        found["reason"].as_str().map(str::to_owned)
    }

    fn report(generation: i64) -> Report {
        let found = |text: &str| Some(Ok(text.to_owned()));
        let (associated, published) = (found("3/3 nodes"), found("3/3 addresses"));
        Report { uid: "u".into(), generation, associated, published, ..Report::default() }
    }

    /// The Cluster with the status that a step wrote.
    fn with_status(mut cluster: Cluster, step: &Step) -> Cluster {
        let status: Value = step.statuses[0].status.clone();
        cluster.status = serde_json::from_value(status).unwrap();
        cluster
    }

    #[test]
    fn an_order_goes_out_once_and_again_when_what_it_is_made_from_changes() {
        let mut planner = Planner::new(Role::Leader);
        planner.put(cluster(1, aws()).into());
        let orders = |planner: &mut Planner| step(planner).cloud.map(|order| order.is_some());
        assert_eq!(orders(&mut planner), Some(true));
        planner.put(Node::default().into());
        assert_eq!(orders(&mut planner), None, "a node that is not selected");
        let mut asked = cluster(1, aws());
        asked.metadata.annotations = Some([("flynn.io/resync".to_owned(), "now".to_owned())].into());
        planner.put(asked.into());
        assert_eq!(orders(&mut planner), Some(true));
        planner.touch_all();
        assert_eq!(orders(&mut planner), Some(true), "a new leader has none");
        planner.put(cluster(2, None).into());
        assert_eq!(orders(&mut planner), Some(false));
    }

    /// A Cluster with a firewall that lets these networks in to TCP Routes.
    fn walled(generation: i64, cidrs: &[&str]) -> Cluster {
        let groups = serde_json::json!({"tcp": {"cidrs": cidrs}});
        let security_groups = serde_json::from_value(groups).unwrap();
        cluster(generation, aws().map(|aws| Aws { security_groups, ..aws }))
    }

    fn tcp_route(port: u16) -> Route {
        let spec = serde_json::json!({"app": "db", "tcp": {"port": port}});
        let mut route = Route::new("db", serde_json::from_value(spec).unwrap());
        route.metadata.namespace = Some("team".into());
        route
    }

    fn tcp_ports(step: &Step) -> Vec<u16> {
        let order = step.cloud.as_ref().and_then(Option::as_ref);
        order.iter().flat_map(|order| order.tcp_ports.iter().copied()).collect()
    }

    fn reachable(step: &Step) -> Option<String> {
        let of_route = step.statuses.iter().find(|write| write.kind == Kind::Route)?;
        let conditions = of_route.status["conditions"].as_array()?;
        let found = conditions.iter().find(|condition| condition["type"] == "Reachable")?;
        found["reason"].as_str().map(str::to_owned)
    }

    #[test]
    fn the_ports_of_tcp_routes_are_ordered_where_a_firewall_is_declared() {
        let mut planner = Planner::new(Role::Leader);
        planner.put(cluster(1, aws()).into());
        planner.put(tcp_route(5432).into());
        assert!(tcp_ports(&step(&mut planner)).is_empty());
        planner.put(walled(2, &["10.0.0.0/8"]).into());
        assert_eq!(tcp_ports(&step(&mut planner)), [5432]);
        planner.put(tcp_route(6379).into());
        assert_eq!(tcp_ports(&step(&mut planner)), [6379]);
        planner.delete(Kind::Route, &ObjectKey::new("team", "db"));
        assert_eq!(step(&mut planner).cloud.flatten().map(|order| order.tcp_ports.len()), Some(0));
    }

    #[test]
    fn a_tcp_route_says_whether_the_firewall_lets_its_clients_through_and_anew_when_that_changes() {
        let mut planner = Planner::new(Role::Leader);
        planner.put(cluster(1, aws()).into());
        planner.put(tcp_route(5432).into());
        assert_eq!(reachable(&step(&mut planner)), None, "there is no firewall");
        planner.put(walled(2, &[]).into());
        assert_eq!(reachable(&step(&mut planner)).as_deref(), Some("NotReachable"));
        planner.put(walled(3, &["10.0.0.0/8"]).into());
        assert_eq!(reachable(&step(&mut planner)).as_deref(), Some("Reachable"));
    }

    #[test]
    fn a_firewall_that_has_left_the_spec_is_remembered_by_the_status_until_nothing_is_said_of_it() {
        let mut planner = Planner::new(Role::Leader);
        planner.put(walled(1, &[]).into());
        let first = step(&mut planner);
        assert_eq!(condition(&first, "SecurityGroupsReady").as_deref(), Some("Pending"));
        planner.put(with_status(cluster(2, aws()), &first).into());
        let order = step(&mut planner).cloud.flatten().unwrap();
        assert!(order.had_security_groups && order.has_firewall());
        planner.report_cloud(report(2));
        let over = step(&mut planner);
        planner.put(with_status(cluster(2, aws()), &over).into());
        let order = step(&mut planner).cloud.flatten().unwrap();
        assert!(!order.has_firewall());
    }

    #[test]
    fn a_cordoned_node_changes_the_order() {
        let mut planner = Planner::new(Role::Leader);
        let mut cluster = cluster(1, aws());
        cluster.spec.nodes =
            serde_json::from_value(serde_json::json!({"selector": {"matchLabels": {}}})).ok();
        planner.put(cluster.into());
        let node = |unschedulable| Node {
            spec: Some(NodeSpec { unschedulable: Some(unschedulable), ..NodeSpec::default() }),
            ..Node::default()
        };
        planner.put(node(false).into());
        assert!(step(&mut planner).cloud.is_some());
        planner.put(node(false).into());
        assert!(step(&mut planner).cloud.is_none());
        planner.put(node(true).into());
        let order = step(&mut planner).cloud.flatten().unwrap();
        assert!(order.nodes[0].leaving);
    }

    #[test]
    fn a_cluster_without_aws_has_no_order_and_no_condition_of_it() {
        let mut planner = Planner::new(Role::Leader);
        planner.put(cluster(1, None).into());
        let step = step(&mut planner);
        assert!(step.cloud.is_none());
        assert_eq!(condition(&step, "AddressesAssociated"), None);
        assert!(condition(&step, "Ready").is_some());
    }

    #[test]
    fn the_status_says_what_the_last_look_found_and_waits_for_one_after_an_edit() {
        let mut planner = Planner::new(Role::Leader);
        planner.put(cluster(1, aws()).into());
        let first = step(&mut planner);
        assert_eq!(condition(&first, "RecordsPublished").as_deref(), Some("Pending"));
        planner.put(with_status(cluster(1, aws()), &first).into());
        planner.report_cloud(report(1));
        let second = step(&mut planner);
        assert_eq!(condition(&second, "RecordsPublished").as_deref(), Some("RecordsPublished"));
        planner.report_cloud(Report { drift: vec!["something".into()], ..report(1) });
        planner.put(with_status(cluster(2, aws()), &second).into());
        assert!(step(&mut planner).statuses.is_empty(), "nobody has looked since");
        planner.report_cloud(report(2));
        assert_eq!(step(&mut planner).statuses[0].status["observedGeneration"], 2);
    }

    #[test]
    fn a_new_leader_leaves_what_the_one_before_said_until_it_has_looked() {
        let mut planner = Planner::new(Role::Leader);
        planner.put(cluster(1, aws()).into());
        planner.report_cloud(report(1));
        let told = with_status(cluster(1, aws()), &step(&mut planner));
        let mut next = Planner::new(Role::Leader);
        next.put(told.into());
        assert!(step(&mut next).statuses.is_empty());
    }
}

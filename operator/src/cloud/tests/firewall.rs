//! The nodes' firewall in the loop: beside everything else of a pass, and never instead of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::{AwsMode, Reason, SecurityGroups};
use plan::aws::network::{GroupRule, Rule, Source};
use plan::aws::{Fault, GroupId, InterfaceId, Order, RuleId};

use super::site::{Loop, Site, deleted, held, in_mode, minutes, order, refuse};
use super::{End, SETTLED, live_with_each_death};

/// The order with a firewall: TCP Routes of the private network, and a group of a database.
fn walled(order: Order) -> Order {
    let mut order = order;
    let declared = SecurityGroups {
        tcp: crds::ExternalTraffic { cidrs: vec!["10.0.0.0/8".into()] },
        extra: vec!["database".into()],
        ..SecurityGroups::default()
    };
    order.spec.aws.as_mut().unwrap().security_groups = Some(declared);
    order.tcp_ports = [5432].into();
    order
}

/// The order without a firewall of a Cluster that had one.
fn unwalled(order: Order) -> Order {
    Order { had_security_groups: true, ..order }
}

fn declared(order: &mut Order) -> &mut SecurityGroups {
    order.spec.aws.as_mut().unwrap().security_groups.as_mut().unwrap()
}

fn own(order: &Order) -> GroupId {
    GroupId::new(format!("sg-{}", order.owner.group_name()))
}

async fn walled_site(nodes: u32) -> (Arc<Site>, Loop) {
    let site = Site::new(nodes);
    let leader = site.lead(held(walled(order(1..=nodes))));
    minutes(SETTLED).await;
    assert_eq!(is_walled(&site, &walled(order(1..=nodes))), Ok(()));
    assert_eq!(site.settled(&order(1..=nodes)), Ok(()));
    (site, leader)
}

/// Whether exactly the nodes have the groups, beside what they had, and the group its rules.
fn is_walled(site: &Site, order: &Order) -> Result<(), String> {
    let state = site.account.state();
    let rules: Vec<String> = match state.groups.get(&own(order)) {
        Some(group) => group.rules.iter().map(|rule| rule.rule.to_string()).collect(),
        None => return Err("there is no group".into()),
    };
    // 80 and 443 in two families, all between the nodes, and each port.
    if rules.len() != 5 + order.tcp_ports.len() {
        return Err(format!("the rules are {rules:?}"));
    }
    let extra: Vec<_> = order.security_groups().into_iter().flat_map(|groups| &groups.extra).collect();
    let made = state.groups_of(&order.owner).len();
    if made != 1 + extra.len() {
        return Err(format!("{made} groups instead of the nodes' own and {extra:?}"));
    }
    let expected: BTreeSet<GroupId> = extra
        .into_iter()
        .map(|name| GroupId::new(format!("sg-{name}")))
        .chain([own(order), GroupId::new("sg-theirs")])
        .collect();
    let has = |interface: &plan::aws::network::NodeInterface| {
        let is_node = order.nodes.iter().any(|node| node.instance == interface.instance);
        if is_node {
            interface.groups == expected
        } else {
            interface.groups == [GroupId::new("sg-theirs")].into()
        }
    };
    match state.interfaces.values().find(|interface| !has(interface)) {
        Some(wrong) => Err(format!("{wrong:?}")),
        None => Ok(()),
    }
}

/// Whether nothing of the firewall is left.
fn is_open(site: &Site, order: &Order) -> Result<(), String> {
    let state = site.account.state();
    let left = state.groups_of(&order.owner).len();
    let theirs = BTreeSet::from([GroupId::new("sg-theirs")]);
    let is_bare = |interface: &plan::aws::network::NodeInterface| {
        interface.groups == theirs && interface.from_us.is_none()
    };
    if left == 0 && state.interfaces.values().all(is_bare) {
        return Ok(());
    }
    Err(format!("{left} groups, {:?}", state.interfaces))
}

#[tokio::test(start_paused = true)]
async fn nodes_get_the_groups_beside_addresses_and_records_and_in_sync_only_the_reads_of_interfaces_and_groups_are_added()
 {
    let (site, _leader) = walled_site(3).await;
    assert_eq!(site.report().secured, Some(Ok("3/3 nodes".into())));
    assert!(site.told().drift.is_empty(), "{:?}", site.told().drift);
    let writes = site.writes();
    site.account.state().reads.clear();
    minutes(60).await;
    assert_eq!(site.writes(), writes);
    let reads = site.account.state().reads.clone();
    for call in ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"] {
        assert!((55..=80).contains(&reads[call]), "{reads:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_security_groups_no_group_is_read() {
    let site = Site::new(1);
    let _leader = site.lead(held(order([1])));
    minutes(SETTLED).await;
    let reads = site.account.state().reads.clone();
    assert!(reads.keys().all(|call| !call.contains("Group") && !call.contains("Interface")), "{reads:?}");
    assert_eq!(site.report().secured, None);
}

#[tokio::test(start_paused = true)]
async fn a_port_is_opened_when_a_route_has_it_and_closed_when_none_has() {
    let (site, leader) = walled_site(2).await;
    let more = Order { tcp_ports: [5432, 6379].into(), ..walled(order([1, 2])) };
    leader.order(held(more.clone()));
    minutes(2).await;
    assert_eq!(is_walled(&site, &more), Ok(()));
    let none = Order { tcp_ports: BTreeSet::new(), ..walled(order([1, 2])) };
    leader.order(held(none.clone()));
    minutes(2).await;
    assert_eq!(is_walled(&site, &none), Ok(()));
    assert!(site.told().drift.is_empty(), "what was asked for is no drift: {:?}", site.told().drift);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changes_in_the_firewall_is_put_right_and_told() {
    let (site, _leader) = walled_site(3).await;
    let own = own(&order([]));
    {
        let mut state = site.account.state();
        state.groups.get_mut(&own).unwrap().rules.pop();
        let eni = InterfaceId::new("eni-00000002");
        state.interfaces.get_mut(&eni).unwrap().groups.remove(&own);
    }
    minutes(2).await;
    assert_eq!(is_walled(&site, &walled(order(1..=3))), Ok(()));
    let drift = site.told().drift.join("\n");
    assert!(drift.contains("lacked the rules") && drift.contains("lacked the security groups"), "{drift}");
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_somebody_else_is_told_once_and_removed_only_if_that_is_declared() {
    let (site, leader) = walled_site(1).await;
    let own = own(&order([]));
    let ssh = Rule::new("tcp", Some((22, 22)), Source::Network("0.0.0.0/0".parse().unwrap()));
    let foreign = GroupRule { id: RuleId::new("sgr-ssh"), rule: ssh, description: "ssh".into() };
    site.account.state().groups.get_mut(&own).unwrap().rules.push(foreign);
    minutes(30).await;
    let is_there = || site.account.state().groups[&own].rules.iter().any(|rule| rule.description == "ssh");
    assert!(is_there());
    assert_eq!(site.told().warnings.len(), 1, "{:?}", site.told().warnings);
    let mut strict = walled(order([1]));
    declared(&mut strict).strict = true;
    leader.order(held(strict));
    minutes(2).await;
    assert!(!is_there());
    assert!(site.told().drift[0].contains("sgr-ssh"), "{:?}", site.told().drift);
}

#[tokio::test(start_paused = true)]
async fn an_interface_without_room_is_a_condition_and_the_rest_goes_on() {
    let site = Site::new(2);
    {
        let mut state = site.account.state();
        let full = state.interfaces.get_mut(&InterfaceId::new("eni-00000001")).unwrap();
        full.groups.extend(["a", "b", "c"].map(|name| GroupId::new(format!("sg-{name}"))));
    }
    let _leader = site.lead(held(walled(order([1, 2]))));
    minutes(SETTLED).await;
    assert_eq!(site.reason(|report| report.secured).as_deref(), Some("QuotaReached"));
    assert_eq!(site.settled(&order([1, 2])), Ok(()));
    let state = site.account.state();
    let other = &state.interfaces[&InterfaceId::new("eni-00000002")];
    assert!(other.groups.contains(&own(&order([]))));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_or_is_empty_takes_no_group_from_any_node() {
    for call in ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"] {
        let (site, leader) = walled_site(3).await;
        let before = site.account.state().interfaces.clone();
        site.account.state().refused_call = Some(call);
        refuse(&site, Some(Fault::Server));
        leader.order(held(walled(order([1, 2]))));
        minutes(SETTLED).await;
        assert_eq!(site.account.state().interfaces, before, "{call}");
        assert_eq!(site.reason(|report| report.secured).as_deref(), Some("CallFailed"));
    }
    let (site, leader) = walled_site(3).await;
    let before = site.account.state().interfaces.clone();
    site.account.state().hides_groups = true;
    minutes(SETTLED).await;
    assert_eq!(site.account.state().interfaces, before);
    drop(leader);
    let _next = site.lead(held(walled(order(1..=3))));
    minutes(SETTLED).await;
    assert_eq!(site.account.state().interfaces, before);
    assert!(site.report().secured.is_some_and(|found| found.is_err()));
}

#[tokio::test(start_paused = true)]
async fn calls_that_rely_on_one_that_failed_are_left_out() {
    let site = Site::new(1);
    site.account.state().refused_call = Some("ec2:CreateTags");
    refuse(&site, Some(Fault::Denied));
    let _leader = site.lead(held(walled(order([1]))));
    minutes(SETTLED).await;
    let state = site.account.state();
    let groups = &state.interfaces[&InterfaceId::new("eni-00000001")].groups;
    assert_eq!(*groups, [GroupId::new("sg-theirs")].into(), "a group that is not noted is not given");
}

#[tokio::test(start_paused = true)]
async fn modes_that_do_not_apply_change_no_group_and_plan_lists_the_calls_with_the_others() {
    for mode in [AwsMode::Plan, AwsMode::Observe] {
        let site = Site::new(2);
        let _leader = site.lead(in_mode(mode, walled(order([1, 2]))));
        minutes(SETTLED).await;
        assert_eq!(site.writes(), 0);
        assert_eq!(site.reason(|report| report.secured).as_deref(), Some("NotApplied"));
        let planned = site.report().planned_calls.join("\n");
        let is_listed =
            planned.contains("ec2:CreateSecurityGroup") && planned.contains("ec2:AllocateAddress");
        assert_eq!(is_listed, mode == AwsMode::Plan, "{planned}");
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_end_the_nodes_keep_their_groups_until_the_addresses_are_gone() {
    let (site, leader) = walled_site(3).await;
    site.account.state().writes.clear();
    leader.order(deleted(walled(order(1..=3))));
    minutes(SETTLED).await;
    let owner = order([]).owner;
    assert_eq!((is_open(&site, &order([])), site.undone(&owner)), (Ok(()), Ok(())));
    assert!(!site.is_held.load(std::sync::atomic::Ordering::Relaxed));
    let state = site.account.state();
    let last_release = state.writes.iter().rposition(|call| *call == "ec2:ReleaseAddress").unwrap();
    let first_group = state.writes.iter().position(|call| call.contains("Modify")).unwrap();
    assert!(last_release < first_group, "{:?}", state.writes);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_others_use_stays_at_the_end_and_that_is_told() {
    let (site, leader) = walled_site(1).await;
    let database = GroupId::new("sg-database");
    site.account.state().groups.get_mut(&database).unwrap().referenced_by.insert(GroupId::new("sg-rds"));
    leader.order(deleted(walled(order([1]))));
    minutes(SETTLED).await;
    assert!(site.account.state().groups.contains_key(&database));
    assert!(!site.account.state().groups.contains_key(&own(&order([]))));
    assert!(!site.is_held.load(std::sync::atomic::Ordering::Relaxed), "nobody waits for others");
    let told = site.told();
    let stays = told.warnings.iter().find(|warning| warning.reason == Reason::NotOwned).unwrap();
    assert!(stays.message.contains("sg-rds"), "{}", stays.message);
}

#[tokio::test(start_paused = true)]
async fn a_firewall_that_leaves_the_spec_is_taken_away_and_then_no_group_is_read_any_more() {
    let (site, leader) = walled_site(2).await;
    leader.order(held(unwalled(order([1, 2]))));
    minutes(SETTLED).await;
    assert_eq!(is_open(&site, &order([])), Ok(()));
    assert_eq!(site.report().secured, None, "there is nothing to say of it");
    assert_eq!(site.settled(&order([1, 2])), Ok(()), "addresses and records stay");
    leader.order(held(order([1, 2])));
    minutes(1).await;
    site.account.state().reads.clear();
    minutes(SETTLED).await;
    assert!(!site.account.state().reads.contains_key("ec2:DescribeSecurityGroups"));
}

#[tokio::test(start_paused = true)]
async fn whichever_call_a_leader_dies_at_the_firewall_comes_to_the_same_end() {
    let begun = held(walled(order([1, 2])));
    let replaced = held(walled(order([1, 3])));
    let mut moved = replaced.clone();
    declared(&mut moved).extra = vec!["cache".into()];
    moved.tcp_ports = [6379].into();
    let life = [(begun, None), (replaced, Some(2)), (moved.clone(), None), (deleted(moved), None)];
    let end: End = |site, order| match order.deleted_at {
        Some(_) => is_open(site, order),
        None => is_walled(site, order),
    };
    live_with_each_death(3, &life, end, 30).await;
}

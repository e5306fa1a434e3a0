//! The nodes' firewall: rules as declared, groups beside those that are there, nothing of anybody else's taken away.

use crds::{Reason, SecurityGroups};
use jiff::SignedDuration;
use plan::aws::network::{NetworkCall, NetworkObserved, Rule, Source};
use plan::aws::{Failure, Fault, GroupId};

use super::cloud::{Cloud, rule_of};

fn own(cloud: &Cloud) -> String {
    cloud.order.owner.group_name()
}

fn declared(cloud: &mut Cloud) -> &mut SecurityGroups {
    cloud.declared.as_mut().unwrap()
}

fn texts(cloud: &mut Cloud, name: &str) -> Vec<String> {
    let mut texts: Vec<_> = cloud.group(name).rules.iter().map(|rule| rule.rule.to_string()).collect();
    texts.sort();
    texts
}

fn actions(cloud: &Cloud) -> Vec<&'static str> {
    cloud.calls.iter().map(plan::aws::network::NetworkCall::action).collect()
}

#[test]
fn every_node_gets_the_groups_beside_those_that_it_has() {
    let mut cloud = Cloud::new();
    let plan = cloud.settle(usize::MAX);
    assert_eq!(plan.ready, Some(Ok("2/2 nodes".into())));
    let own = own(&cloud);
    for node in ["a", "b"] {
        assert_eq!(cloud.groups_of(node), ["cache", "default", &own, "search"].into());
    }
    let expected = [
        "all from itself",
        "tcp 443 from 0.0.0.0/0",
        "tcp 443 from ::/0",
        "tcp 5432 from 10.0.0.0/8",
        "tcp 80 from 0.0.0.0/0",
        "tcp 80 from ::/0",
    ];
    assert_eq!(texts(&mut cloud, &own), expected);
    assert_eq!(texts(&mut cloud, "cache"), ["all from itself"]);
    assert_eq!(texts(&mut cloud, "search"), Vec::<String>::new(), "its rules are somebody else's");
}

#[test]
fn the_groups_are_the_same_wherever_the_operator_dies() {
    let end = |cloud: &Cloud| (cloud.groups.clone(), cloud.interfaces.clone());
    let mut whole = Cloud::new();
    whole.settle(usize::MAX);
    for n in 1..=whole.calls.len() {
        let mut cloud = Cloud::new();
        cloud.settle(n);
        let rules = |cloud: &Cloud| cloud.groups.iter().map(|group| group.rules.len()).collect::<Vec<_>>();
        assert_eq!(end(&cloud).1, end(&whole).1, "after {n}");
        assert_eq!(rules(&cloud), rules(&whole), "after {n}");
    }
}

#[test]
fn a_rule_that_is_no_longer_declared_goes_and_a_foreign_one_is_reported() {
    let mut cloud = Cloud::settled();
    let own = own(&cloud);
    let theirs = Rule::new("tcp", Some((22, 22)), Source::Network("0.0.0.0/0".parse().unwrap()));
    cloud.group(&own).rules.push(rule_of("sgr-theirs", theirs, "ssh"));
    cloud.ports.clear();
    let plan = cloud.settle(usize::MAX);
    assert_eq!(actions(&cloud), ["ec2:RevokeSecurityGroupIngress"]);
    assert!(plan.warnings[0].message.contains("sgr-theirs (tcp 22 from 0.0.0.0/0)"), "{:?}", plan.warnings);
    assert!(plan.ready.unwrap().unwrap().contains("sgr-theirs"));
    declared(&mut cloud).strict = true;
    let plan = cloud.plan();
    assert_eq!((plan.calls.len(), plan.drift.len()), (1, 1));
    assert_eq!(cloud.settle(usize::MAX).warnings, []);
    assert!(!texts(&mut cloud, &own).contains(&"tcp 22 from 0.0.0.0/0".to_owned()));
}

#[test]
fn a_rule_that_says_the_same_is_taken_whoever_wrote_it() {
    let mut cloud = Cloud::settled();
    let own = own(&cloud);
    cloud.group(&own).rules.iter_mut().for_each(|rule| rule.description = "by hand".into());
    assert_eq!(cloud.plan().calls, []);
}

#[test]
fn a_group_that_somebody_adds_between_the_look_and_the_call_stays() {
    let mut cloud = Cloud::settled();
    let theirs = GroupId::new("sg-theirs");
    cloud.interfaces[0].groups.remove(&GroupId::new("sg-search"));
    let seen = cloud.plan();
    assert_eq!(seen.calls.len(), 1, "{:?}", seen.calls);
    cloud.interfaces[0].groups.insert(theirs.clone());
    cloud.step(&seen);
    cloud.settle(usize::MAX);
    assert!(cloud.interfaces[0].groups.contains(&theirs));
    assert!(cloud.interfaces[0].groups.contains(&GroupId::new("sg-search")));
}

#[test]
fn a_note_that_somebody_removes_is_written_again() {
    let mut cloud = Cloud::settled();
    cloud.interfaces[0].from_us = None;
    cloud.settle(usize::MAX);
    assert_eq!(actions(&cloud), ["ec2:CreateTags"]);
}

#[test]
fn an_interface_without_room_is_a_condition_and_the_other_nodes_go_on() {
    let mut cloud = Cloud::new();
    cloud.interfaces[0].groups.extend(["sg-x", "sg-y"].map(GroupId::new));
    let plan = cloud.plan();
    assert!(!plan.calls.is_empty());
    for _ in 0..3 {
        let plan = cloud.plan();
        if plan.calls.is_empty() {
            break;
        }
        cloud.step(&plan);
    }
    let fault = cloud.plan().ready.unwrap().unwrap_err();
    assert_eq!(fault.reason, Reason::QuotaReached);
    let own = own(&cloud);
    assert!(cloud.groups_of("b").contains(own.as_str()));
}

#[test]
fn a_list_that_is_empty_or_failed_takes_no_group_from_any_node() {
    let mut cloud = Cloud::settled();
    cloud.order.nodes.clear();
    for minutes in [0, 11, 60] {
        cloud.now += SignedDuration::from_mins(minutes);
        let plan = cloud.plan();
        cloud.history = plan.history;
        assert_eq!(plan.calls, []);
        assert_eq!(plan.ready.unwrap().unwrap_err().reason, Reason::NodesNotFound);
    }
    let cloud = Cloud::settled();
    let failure = Failure {
        call: "ec2:DescribeSecurityGroups",
        fault: Fault::Unreachable,
        code: None,
        message: "no answer".into(),
    };
    let failed = NetworkObserved { groups: Err(failure), ..cloud.observe() };
    let plan = cloud.plan_of(&failed);
    assert_eq!((plan.calls.len(), plan.undone), (0, false));
    assert_eq!(plan.ready.unwrap().unwrap_err().reason, Reason::AwsUnreachable);
}

#[test]
fn where_a_list_of_groups_lacks_one_no_node_loses_any() {
    for name in ["flynn", "search", "cache"] {
        let cloud = Cloud::settled();
        let mut lying = cloud.observe();
        lying.groups.as_mut().unwrap().retain(|group| !group.name.starts_with(name));
        let plan = cloud.plan_of(&lying);
        assert!(!plan.undone && plan.ready.unwrap().is_err());
        let taken = plan.calls.iter().find(|call| {
            matches!(
                call,
                NetworkCall::SetGroups { .. } | NetworkCall::TagInterface { .. } | NetworkCall::Revoke { .. }
            )
        });
        assert_eq!(taken, None, "{name}");
    }
}

#[test]
fn a_firewall_that_leaves_the_spec_is_taken_away_without_an_end_of_the_cluster() {
    let mut cloud = Cloud::settled();
    cloud.declared = None;
    cloud.order.had_security_groups = true;
    let plan = cloud.settle(usize::MAX);
    assert!(plan.undone && plan.ready.is_none() && plan.drift.is_empty(), "{plan:?}");
    assert_eq!(cloud.groups_of("a"), ["default"].into());
    assert_eq!(cloud.groups_of("b"), ["default", "search"].into());
}

#[test]
fn what_has_to_be_done_again_although_nothing_else_is_asked_for_was_somebody_elses_doing() {
    let mut cloud = Cloud::settled();
    let own = own(&cloud);
    cloud.group(&own).rules.pop();
    cloud.interfaces[0].groups.remove(&GroupId::new("sg-search"));
    let drift = cloud.plan().drift.join("; ");
    assert!(
        drift.contains("lacked the rules") && drift.contains("lacked the security groups sg-search"),
        "{drift}"
    );
    cloud.ports.insert(6379);
    assert!(cloud.plan().drift.is_empty(), "something else is asked for");
    cloud.settle(usize::MAX);
    assert!(cloud.plan().drift.is_empty());
}

#[test]
fn a_node_that_left_loses_our_groups_after_ten_minutes_and_keeps_its_own() {
    let mut cloud = Cloud::settled();
    cloud.order.nodes.pop();
    cloud.settle(usize::MAX);
    assert_eq!(cloud.groups_of("b").len(), 4);
    cloud.now += SignedDuration::from_mins(10);
    cloud.settle(usize::MAX);
    assert_eq!(cloud.groups_of("b"), ["default", "search"].into(), "search was there before");
    assert_eq!(cloud.interfaces[1].from_us, None);
    assert_eq!(cloud.groups_of("a").len(), 4);
}

#[test]
fn a_teardown_takes_what_is_ours_and_leaves_what_others_use() {
    let mut cloud = Cloud::settled();
    cloud.order.deleted_at = Some(cloud.now);
    let plan = cloud.settle(usize::MAX);
    assert!(plan.undone);
    assert_eq!(
        (cloud.groups_of("a"), cloud.groups_of("b")),
        (["default"].into(), ["default", "search"].into())
    );
    assert_eq!(
        cloud.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(),
        ["default", "search"]
    );

    let mut used = Cloud::settled();
    used.group("cache").referenced_by.insert(GroupId::new("sg-database"));
    used.order.deleted_at = Some(used.now);
    let plan = used.settle(usize::MAX);
    assert!(plan.undone && plan.warnings[0].message.contains("sg-database"), "{:?}", plan.warnings);
    assert!(used.groups.iter().any(|group| group.name == "cache"));
}

#[test]
fn a_group_that_is_not_declared_any_more_leaves_the_nodes_and_then_goes() {
    let mut whole = Cloud::settled();
    declared(&mut whole).extra = vec!["search".into()];
    whole.settle(usize::MAX);
    assert_eq!(actions(&whole).last(), Some(&"ec2:DeleteSecurityGroup"));
    for n in 1..=whole.calls.len() {
        let mut cloud = Cloud::settled();
        declared(&mut cloud).extra = vec!["search".into()];
        cloud.settle(n);
        let plan = cloud.settle(usize::MAX);
        assert_eq!(
            (plan.ready, plan.drift),
            (Some(Ok("2/2 nodes".into())), Vec::<String>::new()),
            "after {n}"
        );
        let own = own(&cloud);
        assert_eq!(cloud.groups_of("a"), ["default", &own, "search"].into(), "after {n}");
        assert!(!cloud.groups.iter().any(|group| group.name == "cache"), "after {n}");
    }
    // One that somebody else made leaves the nodes that have it from us, and stays.
    declared(&mut whole).extra.clear();
    whole.settle(usize::MAX);
    let own = own(&whole);
    assert_eq!(whole.groups_of("a"), ["default", own.as_str()].into());
    assert_eq!(whole.groups_of("b"), ["default", own.as_str(), "search"].into());
}

#[test]
fn a_group_that_is_not_declared_any_more_stays_where_others_use_it_or_a_list_lies() {
    let mut cloud = Cloud::settled();
    cloud.group("cache").referenced_by.insert(GroupId::new("sg-database"));
    declared(&mut cloud).extra = vec!["search".into()];
    let plan = cloud.settle(usize::MAX);
    assert!(plan.warnings[0].message.contains("sg-database"), "{:?}", plan.warnings);
    assert!(plan.ready.unwrap().unwrap().contains("stays: sg-database use it"));
    assert!(cloud.groups.iter().any(|group| group.name == "cache"));

    let mut cloud = Cloud::settled();
    declared(&mut cloud).extra = vec!["search".into()];
    for interfaces in [Vec::new(), cloud.interfaces.clone()] {
        let mut lying = NetworkObserved { interfaces: Ok(interfaces), ..cloud.observe() };
        lying.groups.as_mut().unwrap().iter_mut().for_each(|group| group.attached.clear());
        assert!(
            !cloud.plan_of(&lying).calls.iter().any(|call| matches!(call, NetworkCall::DeleteGroup { .. }))
        );
    }
}

#[test]
fn a_group_that_is_not_declared_any_more_waits_for_a_node_that_left() {
    let mut cloud = Cloud::settled();
    cloud.order.nodes.pop();
    declared(&mut cloud).extra = vec!["search".into()];
    assert_eq!(cloud.settle(usize::MAX).warnings, [], "nobody else uses it");
    assert!(cloud.groups_of("b").contains("cache"));
    cloud.now += SignedDuration::from_mins(10);
    cloud.settle(usize::MAX);
    assert!(!cloud.groups.iter().any(|group| group.name == "cache"));
}

#[test]
fn a_group_of_the_nodes_name_that_is_not_ours_is_not_touched() {
    let mut cloud = Cloud::settled();
    let own = own(&cloud);
    cloud.group(&own).tags.clear();
    let plan = cloud.plan();
    assert_eq!(plan.ready.unwrap().unwrap_err().reason, Reason::NotOwned);
    assert_eq!(plan.calls, []);
}

#[test]
fn a_web_that_is_not_open_to_the_world_has_to_know_the_health_checkers() {
    let mut cloud = Cloud::settled();
    declared(&mut cloud).web.cidrs = vec!["192.0.2.0/24".into()];
    assert_eq!(cloud.settle(usize::MAX).warnings, []);
    cloud.order.spec.aws.as_mut().unwrap().dns = Some(crds::Dns::default());
    let plan = cloud.plan();
    assert!(plan.warnings[0].message.contains("ROUTE53_HEALTHCHECKS"), "{:?}", plan.warnings);
    assert_eq!(plan.calls, []);
}

#[test]
fn without_security_groups_in_the_cluster_nothing_is_called() {
    let mut cloud = Cloud::new();
    cloud.declared = None;
    let plan = cloud.plan();
    assert_eq!((plan.calls.len(), plan.ready), (0, None));
}

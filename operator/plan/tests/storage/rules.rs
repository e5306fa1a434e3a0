//! Rules that overlap, are there twice, or cannot be removed: what is declared stays, and what is told is so.

use plan::aws::Fault;
use plan::aws::network::{NetworkCall, NetworkOutcome, Rule, Source};

use super::cloud::{Cloud, failure, rule_of};

const WORLD: &str = "0.0.0.0/0";

fn from(network: &str, protocol: &str, ports: Option<(i32, i32)>) -> Rule {
    Rule::new(protocol, ports, Source::Network(network.parse().unwrap()))
}

/// The Cluster's two nodes with all that is declared, and in their group this rule of somebody else.
fn with_foreign(rule: Rule) -> (Cloud, String) {
    let mut cloud = Cloud::settled();
    let own = cloud.order.owner.group_name();
    cloud.group(&own).rules.push(rule_of("sgr-theirs", rule, "by hand"));
    (cloud, own)
}

fn be_strict(cloud: &mut Cloud) {
    cloud.declared.as_mut().unwrap().strict = true;
}

/// The ids of the rules that a plan removes.
fn removed(calls: &[NetworkCall]) -> Vec<String> {
    let rules = calls.iter().filter_map(|call| match call {
        NetworkCall::Revoke { rules, .. } => Some(rules.iter().map(|(id, _)| id.to_string())),
        _ => None,
    });
    rules.flatten().collect()
}

#[test]
fn a_foreign_rule_that_lets_in_more_takes_the_place_of_no_declared_one() {
    for wide in [from(WORLD, "-1", None), from(WORLD, "tcp", Some((0, 65535)))] {
        let (mut cloud, own) = with_foreign(wide);
        let plan = cloud.plan();
        assert_eq!((plan.calls.len(), plan.warnings.len()), (0, 1), "{:?}", plan.warnings);
        // One that is missing below it is added all the same: the wide one may go at any time.
        let web = from(WORLD, "tcp", Some((443, 443)));
        cloud.group(&own).rules.retain(|rule| rule.rule != web);
        cloud.settle(usize::MAX);
        assert!(cloud.group(&own).rules.iter().any(|rule| rule.rule == web));
        be_strict(&mut cloud);
        assert_eq!(removed(&cloud.plan().calls), ["sgr-theirs"]);
        cloud.settle(usize::MAX);
        assert_eq!(cloud.group(&own).rules.len(), 6, "what is declared is left, and nothing else");
    }
}

#[test]
fn a_foreign_rule_within_a_declared_one_is_reported_like_any_other() {
    let (cloud, _) = with_foreign(from("192.0.2.0/24", "tcp", Some((80, 80))));
    let plan = cloud.plan();
    assert_eq!(plan.calls, []);
    assert!(
        plan.warnings[0].message.contains("sgr-theirs (tcp 80 from 192.0.2.0/24)"),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_rule_that_is_there_twice_stays_if_it_is_declared_and_goes_by_its_mark_if_not() {
    let declared = from("10.0.0.0/8", "tcp", Some((5432, 5432)));
    let (mut cloud, _) = with_foreign(declared);
    assert_eq!((cloud.plan().calls, cloud.plan().warnings), (Vec::new(), Vec::new()));
    be_strict(&mut cloud);
    assert_eq!(cloud.plan().calls, []);
    cloud.declared.as_mut().unwrap().strict = false;
    cloud.ports.clear();
    let plan = cloud.plan();
    let ours = removed(&plan.calls);
    assert!(ours.len() == 1 && ours[0] != "sgr-theirs", "{ours:?}");
    assert!(plan.warnings[0].message.contains("sgr-theirs"), "{:?}", plan.warnings);
    be_strict(&mut cloud);
    assert_eq!(removed(&cloud.plan().calls).len(), 2);
}

#[test]
fn a_rule_that_could_not_be_removed_is_not_told_as_removed() {
    let (mut cloud, _) = with_foreign(from(WORLD, "tcp", Some((22, 22))));
    be_strict(&mut cloud);
    let plan = cloud.plan();
    assert!(plan.drift[0].contains("sgr-theirs"), "{:?}", plan.drift);
    let [revoke] = &plan.calls[..] else { panic!("{:?}", plan.calls) };
    let refused = NetworkOutcome { call: revoke.clone(), result: Err(failure(revoke, Fault::Denied)) };
    cloud.history = plan.history.clone();
    cloud.history.take(&[refused], cloud.now);
    // Something else is put right meanwhile, and that alone is told.
    cloud.interfaces[0].groups.pop_last();
    let plan = cloud.plan();
    assert_eq!(plan.calls.len(), 1, "{:?}", plan.calls);
    assert!(plan.drift.iter().all(|told| !told.contains("sgr-theirs")), "{:?}", plan.drift);
    assert!(plan.ready.unwrap().is_err());
}

#[test]
fn nothing_is_shut_out_before_what_is_declared_is_let_in_unless_there_is_no_room() {
    for (fault, goes) in [(Fault::Denied, false), (Fault::Throttled, false), (Fault::Quota, true)] {
        let mut cloud = Cloud::settled();
        cloud.ports = [6379].into();
        let plan = cloud.plan();
        let actions: Vec<_> = plan.calls.iter().map(NetworkCall::action).collect();
        assert_eq!(actions, ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]);
        let refused =
            NetworkOutcome { call: plan.calls[0].clone(), result: Err(failure(&plan.calls[0], fault)) };
        cloud.history.take(&[refused], cloud.now);
        assert_eq!(removed(&cloud.plan().calls).len(), usize::from(goes), "{fault:?}");
        cloud.settle(usize::MAX);
        assert_eq!(cloud.plan().ready, Some(Ok("2/2 nodes".into())));
    }
}

#[test]
fn nothing_is_shut_out_for_rules_that_have_no_room_all_the_same() {
    for (networks, goes) in [(28, true), (30, false)] {
        let mut cloud = Cloud::settled();
        let web = &mut cloud.declared.as_mut().unwrap().web;
        web.cidrs = (0..networks).map(|number| format!("10.{number}.0.0/24")).collect();
        let plan = cloud.plan();
        let refused = NetworkOutcome {
            call: plan.calls[0].clone(),
            result: Err(failure(&plan.calls[0], Fault::Quota)),
        };
        cloud.history.take(&[refused], cloud.now);
        let plan = cloud.plan();
        assert_eq!(!removed(&plan.calls).is_empty(), goes, "{networks}: {:?}", plan.calls);
        assert_eq!(plan.ready.unwrap().unwrap_err().reason, crds::Reason::QuotaReached);
    }
}

#[test]
fn ports_for_which_there_is_no_room_keep_the_web_open() {
    let mut cloud = Cloud::new();
    let created = cloud.plan();
    cloud.step(&created);
    let own = cloud.order.owner.group_name();
    let own = cloud.group(&own).id.clone();
    let seen = cloud.plan();
    let of_own = |call: &&NetworkCall| call.place() == own.as_str();
    let added: Vec<_> = seen.calls.iter().filter(of_own).map(ToString::to_string).collect();
    assert!(added.len() == 2 && added[0].contains("tcp 443 from") && !added[0].contains("5432"), "{added:?}");
    assert!(added[1].ends_with("tcp 5432 from 10.0.0.0/8"), "{added:?}");
}

#[test]
fn a_rule_that_cannot_be_changed_keeps_no_node_from_its_groups() {
    let mut cloud = Cloud::settled();
    cloud.ports = [6379].into();
    let plan = cloud.plan();
    let refused: Vec<_> = plan
        .calls
        .iter()
        .map(|call| NetworkOutcome { call: call.clone(), result: Err(failure(call, Fault::Denied)) })
        .collect();
    cloud.history.take(&refused, cloud.now);
    cloud.interfaces[0].groups.pop_last();
    let plan = cloud.plan();
    assert!(matches!(plan.calls[..], [NetworkCall::SetGroups { .. }]), "{:?}", plan.calls);
    assert_eq!(plan.ready.unwrap().unwrap_err().reason, crds::Reason::AccessDenied);
}

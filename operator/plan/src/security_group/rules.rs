//! The rules of a group: what is declared, what is there, and the difference of the two sets.
//!
//! | a rule        | declared | ours (by its description) | then                                                  |
//! |---------------|----------|---------------------------|-------------------------------------------------------|
//! | is missing    | yes      |                           | it is added                                           |
//! | is there      | yes      | either                    | it stays: AWS takes no second one that says the same  |
//! | is there      | no       | yes                       | it is removed                                         |
//! | is there      | no       | no                        | it is reported; removed with `strict`                 |
//!
//! What is missing is added first. Where the group has no room for it, what has to go goes first, if that makes enough: else what was let in stays so.

use std::collections::BTreeSet;

use crds::{Reason, SecurityGroups};
use router_config::IpNet;

use super::{NetworkInputs, NetworkPlan};
use crate::Refusal;
use crate::aws::network::{GroupRule, NetworkCall, Rule, SecurityGroup, Source};
use crate::backend::networks;

/// The ports of HTTP and HTTPS.
const WEB: [i32; 2] = [80, 443];

/// The whole world, in both families.
const WORLD: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// The rules that the nodes' group should have.
pub(super) fn declared(declared: &SecurityGroups, ports: &BTreeSet<u16>) -> Result<BTreeSet<Rule>, Refusal> {
    let web = match declared.web.cidrs.as_slice() {
        [] => networks(&WORLD.map(str::to_owned))?,
        some => networks(some)?,
    };
    let tcp = networks(&declared.tcp.cidrs)?;
    let port_ranges = ranges(ports);
    let of_web = web.iter().flat_map(|network| WEB.map(|port| let_in((port, port), network)));
    let of_tcp = tcp.iter().flat_map(|network| port_ranges.iter().map(|range| let_in(*range, network)));
    let between = Rule::new("-1", None, Source::Itself);
    Ok(without_covered(of_web.chain(of_tcp).chain([between]).collect()))
}

/// How many rules a group has room for, unless the account's quota was raised:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups>.
const ROOM: usize = 60;

/// Plans the rules of a group of ours.
pub(super) fn plan(
    inputs: &NetworkInputs<'_>,
    group: &SecurityGroup,
    declared: &BTreeSet<Rule>,
    strict: bool,
    plan: &mut NetworkPlan,
) -> Result<(), Refusal> {
    let description = inputs.order.owner.rule_description();
    let there: BTreeSet<&Rule> = group.rules.iter().map(|rule| &rule.rule).collect();
    let missing: Vec<_> = declared.iter().filter(|rule| !there.contains(rule)).cloned().collect();
    let undeclared = group.rules.iter().filter(|rule| !declared.contains(&rule.rule));
    let (ours, foreign): (Vec<_>, Vec<_>) = undeclared.partition(|rule| rule.description == description);
    plan.warnings.extend(foreign.iter().filter(|_| !strict).map(|rule| reported(group, rule)));
    let told: Vec<_> = foreign.iter().filter(|_| strict).map(|rule| removed(group, rule)).collect();
    let ends = ours.into_iter().chain(foreign.into_iter().filter(|_| strict));
    let ends: Vec<_> = ends.map(|rule| (rule.id.clone(), rule.rule.clone())).collect();
    // A group that has more already has a quota of its own.
    let fits = group.rules.len() + missing.len() - ends.len() <= ROOM.max(group.rules.len());
    let group = || group.id.clone();
    let mut added = Ok(());
    for rules in by_weight(missing.into_iter()).into_iter().filter(|rules| !rules.is_empty()) {
        let description = description.clone();
        added = added.and(plan.call(inputs, NetworkCall::Authorize { group: group(), rules, description }));
    }
    // What is declared is let in before anything is shut out, unless that makes the room for it.
    let makes_room = |refusal: &Refusal| refusal.reason == Reason::QuotaReached && fits;
    if ends.is_empty() || added.as_ref().is_err_and(|refusal| !makes_room(refusal)) {
        return added;
    }
    let ended = plan.call(inputs, NetworkCall::Revoke { group: group(), rules: ends });
    if ended.is_ok() {
        plan.drift.extend(told);
    }
    added.and(ended)
}

/// What every node serves, and the ports of TCP Routes. AWS adds all rules of a call or none, so that too many Routes keep out nothing else.
fn by_weight(rules: impl Iterator<Item = Rule>) -> [BTreeSet<Rule>; 2] {
    let is_basic = |rule: &Rule| rule.ports.is_none_or(|(first, last)| first == last && WEB.contains(&first));
    let (basic, further) = rules.partition(is_basic);
    [basic, further]
}

fn let_in(ports: (i32, i32), network: &IpNet) -> Rule {
    Rule::new("tcp", Some(ports), Source::Network(*network))
}

/// Ports that follow each other, as ranges: a group has room for 60 rules.
fn ranges(ports: &BTreeSet<u16>) -> Vec<(i32, i32)> {
    let mut ranges: Vec<(i32, i32)> = Vec::new();
    for port in ports.iter().copied().map(i32::from) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == port => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    ranges
}

/// The rules that let in something which no other does.
fn without_covered(rules: BTreeSet<Rule>) -> BTreeSet<Rule> {
    let is_covered = |rule: &Rule| rules.iter().any(|other| other != rule && other.covers(rule));
    rules.iter().filter(|rule| !is_covered(rule)).cloned().collect()
}

fn reported(group: &SecurityGroup, GroupRule { id, rule, .. }: &GroupRule) -> Refusal {
    let message = format!(
        "somebody else's rule {id} ({rule}) is in the security group {} ({}): remove it, or set securityGroups.strict to have it removed",
        group.name, group.id
    );
    Refusal::new(Reason::NotOwned, message)
}

fn removed(group: &SecurityGroup, GroupRule { id, rule, .. }: &GroupRule) -> String {
    format!("the rule {id} ({rule}) of somebody else in the security group {} is removed", group.id)
}

#[cfg(test)]
mod tests {
    use crds::ExternalTraffic;

    use super::*;

    fn text(groups: &SecurityGroups, ports: &[u16]) -> Vec<String> {
        let ports = ports.iter().copied().collect();
        declared(groups, &ports).unwrap().iter().map(ToString::to_string).collect()
    }

    fn cidrs(cidrs: &[&str]) -> ExternalTraffic {
        ExternalTraffic { cidrs: cidrs.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn the_world_reaches_the_web_and_nobody_a_tcp_port_unless_declared() {
        let rules = text(&SecurityGroups::default(), &[5432]);
        let expected = [
            "all from itself",
            "tcp 80 from 0.0.0.0/0",
            "tcp 80 from ::/0",
            "tcp 443 from 0.0.0.0/0",
            "tcp 443 from ::/0",
        ];
        assert_eq!(rules, expected);
    }

    #[test]
    fn ports_that_follow_each_other_are_one_rule_and_networks_within_others_none() {
        let tcp = cidrs(&["10.0.0.0/8", "10.1.0.0/16", "2001:db8::1/32"]);
        let groups = SecurityGroups { web: cidrs(&["192.0.2.0/24"]), tcp, ..SecurityGroups::default() };
        let expected = [
            "all from itself",
            "tcp 80 from 192.0.2.0/24",
            "tcp 443 from 192.0.2.0/24",
            "tcp 3000-3002 from 10.0.0.0/8",
            "tcp 3000-3002 from 2001:db8::/32",
            "tcp 5432 from 10.0.0.0/8",
            "tcp 5432 from 2001:db8::/32",
        ];
        assert_eq!(text(&groups, &[3000, 3001, 3002, 5432]), expected);
    }
}

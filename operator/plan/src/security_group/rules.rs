//! The rules of a group: what is declared, what is there, and the difference of the two sets.
//!
//! | a rule        | declared | ours (by its description) | then                                                  |
//! |---------------|----------|---------------------------|-------------------------------------------------------|
//! | is missing    | yes      |                           | it is added                                           |
//! | is there      | yes      | either                    | it stays: AWS takes no second one that says the same  |
//! | is there      | no       | yes                       | it is removed                                         |
//! | is there      | no       | no                        | it is reported; removed with `strict`                 |

use std::collections::BTreeSet;

use crds::SecurityGroups;
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
    let missing: BTreeSet<Rule> = declared.iter().filter(|rule| !there.contains(rule)).cloned().collect();
    let undeclared = group.rules.iter().filter(|rule| !declared.contains(&rule.rule));
    let (ours, foreign): (Vec<_>, Vec<_>) = undeclared.partition(|rule| rule.description == description);
    plan.warnings.extend(foreign.iter().filter(|_| !strict).map(|rule| reported(group, rule)));
    if strict {
        plan.drift.extend(foreign.iter().map(|rule| removed(group, rule)));
    }
    let ends = ours.into_iter().chain(foreign.into_iter().filter(|_| strict));
    let ends: Vec<_> = ends.map(|rule| (rule.id.clone(), rule.rule.clone())).collect();
    // What is declared is let in before anything is shut out.
    let group = || group.id.clone();
    let added = match missing.is_empty() {
        true => Ok(()),
        false => plan.call(inputs, NetworkCall::Authorize { group: group(), rules: missing, description }),
    };
    let ended = match ends.is_empty() {
        true => Ok(()),
        false => plan.call(inputs, NetworkCall::Revoke { group: group(), rules: ends }),
    };
    added.and(ended)
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
    Refusal::new(crds::Reason::NotOwned, message)
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

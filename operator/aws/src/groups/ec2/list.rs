//! Groups with everything that is known of them. All groups of the region are read, because any of them may name ours in a rule; rules and interfaces only of those that are asked for.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, IpPermission, SecurityGroup as Described, SecurityGroupRule};
use plan::aws::network::{GroupRule, SecurityGroup};
use plan::aws::{Failure, GroupId, RuleId, VpcId};

use super::{interface, rule, tags};
use crate::failure::incomplete;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Ec2;

const LIST: Operation = Operation::read("ec2:DescribeSecurityGroups", &[Lane::Ec2Read]);
const RULES: Operation = Operation::read("ec2:DescribeSecurityGroupRules", &[Lane::Ec2Read]);

/// The most that a page takes.
const PAGE: i32 = 1000;

/// How many ids one filter gets. It takes 200.
const CHUNK: usize = 100;

/// Reads the groups that are asked for.
pub(super) async fn read(
    ec2: &Ec2,
    is_asked_for: impl Fn(&SecurityGroup) -> bool,
) -> Result<Vec<SecurityGroup>, Failure> {
    let all = described(ec2).await?;
    let mut groups: Vec<_> = all.iter().filter_map(bare).filter(is_asked_for).collect();
    let ids: Vec<String> = groups.iter().map(|group| group.id.to_string()).collect();
    let mut rules = rules(ec2, &ids).await?;
    let mut attached = interface::having(ec2, &ids).await?;
    for group in &mut groups {
        group.rules = rules.remove(&group.id).unwrap_or_default();
        group.attached = attached.remove(&group.id).unwrap_or_default();
        group.referenced_by = all.iter().filter_map(|other| names(other, &group.id)).collect();
    }
    Ok(groups)
}

async fn described(ec2: &Ec2) -> Result<Vec<Described>, Failure> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let send =
            || ec2.client.describe_security_groups().max_results(PAGE).set_next_token(token.clone()).send();
        let page = ec2.caller.call(&LIST, send).await?;
        found.extend(page.security_groups.ok_or_else(|| incomplete(LIST.name))?);
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// The rules that let in, by their groups.
async fn rules(ec2: &Ec2, groups: &[String]) -> Result<BTreeMap<GroupId, Vec<GroupRule>>, Failure> {
    let mut found: BTreeMap<GroupId, Vec<GroupRule>> = BTreeMap::new();
    for chunk in groups.chunks(CHUNK) {
        let filter = Filter::builder().name("group-id").set_values(Some(chunk.to_vec())).build();
        let mut token = None;
        loop {
            let send = || {
                let request = ec2.client.describe_security_group_rules().filters(filter.clone());
                request.max_results(PAGE).set_next_token(token.clone()).send()
            };
            let page = ec2.caller.call(&RULES, send).await?;
            let rules = page.security_group_rules.ok_or_else(|| incomplete(RULES.name))?;
            for described in rules.iter().filter(|rule| rule.is_egress() != Some(true)) {
                let (group, rule) = of_group(described).ok_or_else(|| incomplete(RULES.name))?;
                found.entry(group).or_default().push(rule);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Nothing for a group outside of every cloud, which EC2 no longer has.
fn bare(group: &Described) -> Option<SecurityGroup> {
    Some(SecurityGroup {
        id: GroupId::new(group.group_id()?),
        vpc: VpcId::new(group.vpc_id()?),
        name: group.group_name()?.to_owned(),
        tags: tags(group.tags()),
        rules: Vec::new(),
        attached: BTreeSet::new(),
        referenced_by: BTreeSet::new(),
    })
}

fn of_group(described: &SecurityGroupRule) -> Option<(GroupId, GroupRule)> {
    let group = GroupId::new(described.group_id()?);
    let id = RuleId::new(described.security_group_rule_id()?);
    let rule = rule::observed(described, &group)?;
    let description = described.description().unwrap_or_default().to_owned();
    Some((group, GroupRule { id, rule, description }))
}

/// The group, if it is another one with a rule that names this one: of either direction, since EC2 deletes no group that is named.
fn names(other: &Described, id: &GroupId) -> Option<GroupId> {
    let permissions = other.ip_permissions().iter().chain(other.ip_permissions_egress());
    let names = |permission: &IpPermission| {
        permission.user_id_group_pairs().iter().any(|pair| pair.group_id() == Some(id.as_str()))
    };
    let other_id = GroupId::new(other.group_id()?);
    (other_id != *id && permissions.into_iter().any(names)).then_some(other_id)
}

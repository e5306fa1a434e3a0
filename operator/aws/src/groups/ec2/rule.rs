//! Rules of a security group: as EC2 lists them one by one, and as it takes them in.

use aws_sdk_ec2::types::builders::IpPermissionBuilder;
use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, ReferencedSecurityGroup, SecurityGroupRule,
    UserIdGroupPair,
};
use plan::aws::GroupId;
use plan::aws::network::{Protocol, Rule, Source};

/// What a rule lets in; nothing if EC2 does not say from where.
pub(super) fn observed(rule: &SecurityGroupRule, group: &GroupId) -> Option<Rule> {
    let ports = rule.from_port().zip(rule.to_port());
    Some(Rule::new(rule.ip_protocol()?, ports, source(rule, group)?))
}

fn source(rule: &SecurityGroupRule, group: &GroupId) -> Option<Source> {
    if let Some(network) = rule.cidr_ipv4().or(rule.cidr_ipv6()) {
        return Some(Source::Network(network.parse().ok()?));
    }
    if let Some(list) = rule.prefix_list_id() {
        return Some(Source::PrefixList(list.to_owned()));
    }
    let other = rule.referenced_group_info().and_then(ReferencedSecurityGroup::group_id)?;
    Some(match other == group.as_str() {
        true => Source::Itself,
        false => Source::Group(GroupId::new(other)),
    })
}

/// The rule as EC2 takes it.
pub(super) fn permission(rule: &Rule, group: &GroupId, description: &str) -> IpPermission {
    let protocol = match &rule.protocol {
        Protocol::All => "-1".to_owned(),
        other => other.to_string(),
    };
    // -1 are all types of ICMP, and all ports of what has any.
    let (first, last) = rule.ports.unwrap_or((-1, -1));
    let builder = IpPermission::builder().ip_protocol(protocol).from_port(first).to_port(last);
    from(builder, &rule.source, group, description).build()
}

fn from(
    builder: IpPermissionBuilder,
    source: &Source,
    group: &GroupId,
    description: &str,
) -> IpPermissionBuilder {
    match source {
        Source::Network(network) if network.addr().is_ipv4() => {
            let range = IpRange::builder().cidr_ip(network.to_string());
            builder.ip_ranges(range.description(description).build())
        }
        Source::Network(network) => {
            let range = Ipv6Range::builder().cidr_ipv6(network.to_string());
            builder.ipv6_ranges(range.description(description).build())
        }
        Source::Itself => from(builder, &Source::Group(group.clone()), group, description),
        Source::Group(other) => {
            let pair = UserIdGroupPair::builder().group_id(other.as_str());
            builder.user_id_group_pairs(pair.description(description).build())
        }
        Source::PrefixList(list) => {
            let list = PrefixListId::builder().prefix_list_id(list);
            builder.prefix_list_ids(list.description(description).build())
        }
    }
}

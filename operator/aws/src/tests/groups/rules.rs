//! Groups with their rules: as they are listed, and as rules are added and removed.

use std::collections::{BTreeMap, BTreeSet};

use plan::aws::network::{Rule, Source};
use plan::aws::{Fault, GroupId, RuleId, VpcId};

use super::super::endpoint::{Reply, Request, refusal};
use super::{ec2, ids, interface, interfaces, owner, says};

fn group(id: &str, vpc: &str, name: &str, uid: &str, permissions: &str) -> String {
    format!(
        "<item><groupId>{id}</groupId><vpcId>{vpc}</vpcId><groupName>{name}</groupName>{permissions}
         <tagSet><item><key>flynn.io/cluster</key><value>{uid}</value></item></tagSet></item>"
    )
}

fn naming(direction: &str, id: &str) -> String {
    format!("<{direction}><item><groups><item><groupId>{id}</groupId></item></groups></item></{direction}>")
}

fn rule(id: &str, group: &str, egress: bool, inside: &str) -> String {
    format!(
        "<item><securityGroupRuleId>{id}</securityGroupRuleId><groupId>{group}</groupId><isEgress>{egress}</isEgress>{inside}</item>"
    )
}

const TCP: &str = "<ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>80</toPort>";
const ALL: &str = "<ipProtocol>-1</ipProtocol><fromPort>-1</fromPort><toPort>-1</toPort>";

/// Ours in two clouds, `search` in both, and others of which two name ours.
fn played(request: &Request) -> Reply {
    let ours = owner().uid;
    match request.action() {
        "DescribeSecurityGroups" if !request.form.contains_key("NextToken") => {
            let items = group("sg-1", "vpc-1", "nodes", &ours, &naming("ipPermissions", "sg-1"))
                + &group("sg-2", "vpc-2", "nodes", &ours, "")
                + &group("sg-3", "vpc-1", "search", "", &naming("ipPermissions", "sg-1"));
            says(
                request,
                &format!("<securityGroupInfo>{items}</securityGroupInfo><nextToken>more</nextToken>"),
            )
        }
        "DescribeSecurityGroups" => {
            let items = group("sg-4", "vpc-2", "search", "", "")
                + &group("sg-5", "vpc-1", "app", "", &naming("ipPermissionsEgress", "sg-1"));
            says(request, &format!("<securityGroupInfo>{items}</securityGroupInfo>"))
        }
        "DescribeSecurityGroupRules" => {
            let network = |cidr: &str| format!("{TCP}<{cidr}><description>flynn/x</description>");
            let from =
                |id: &str| format!("{ALL}<referencedGroupInfo><groupId>{id}</groupId></referencedGroupInfo>");
            let items = rule("sgr-1", "sg-1", false, &network("cidrIpv4>10.0.0.0/8</cidrIpv4"))
                + &rule("sgr-2", "sg-1", false, &network("cidrIpv6>2001:db8::/32</cidrIpv6"))
                + &rule("sgr-3", "sg-1", false, &from("sg-1"))
                + &rule("sgr-4", "sg-1", false, &from("sg-3"))
                + &rule("sgr-5", "sg-3", false, &network("prefixListId>pl-1</prefixListId"))
                + &rule("sgr-6", "sg-1", true, &format!("{ALL}<cidrIpv4>0.0.0.0/0</cidrIpv4>"));
            says(request, &format!("<securityGroupRuleSet>{items}</securityGroupRuleSet>"))
        }
        _ => interfaces(
            request,
            &(interface("a", 0, 0, &["sg-1", "sg-3"], None) + &interface("b", 0, 0, &["sg-1"], None)),
        ),
    }
}

#[tokio::test]
async fn our_groups_come_from_everywhere_and_named_ones_from_their_clouds() {
    let (endpoint, account) = ec2(played).await;
    let (clouds, names) = ([VpcId::new("vpc-1")].into(), ["search".to_owned()].into());
    let groups = account.groups.list(&owner(), &clouds, &names).await.unwrap();
    let listed: Vec<_> = groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(listed, ["sg-1", "sg-2", "sg-3"]);
    let (ours, search) = (&groups[0], &groups[2]);
    assert!(owner().owns(&ours.tags) && !owner().owns(&search.tags));
    assert_eq!((ours.name.as_str(), ours.vpc.as_str()), ("nodes", "vpc-1"));
    assert_eq!(ours.referenced_by, ids(&["sg-3", "sg-5"]), "in either direction, and not by itself");
    assert_eq!(ours.attached.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(search.attached.len(), 1);
    let asked = endpoint.requests();
    let of_rules = asked.iter().find(|request| request.action() == "DescribeSecurityGroupRules").unwrap();
    let values: Vec<_> = (1..=3).map(|i| of_rules.form[&format!("Filter.1.Value.{i}")].as_str()).collect();
    assert_eq!((of_rules.form["Filter.1.Name"].as_str(), values), ("group-id", vec!["sg-1", "sg-2", "sg-3"]));
}

#[tokio::test]
async fn rules_that_let_in_are_read_in_our_words() {
    let (_endpoint, account) = ec2(played).await;
    let names = ["search".to_owned()].into();
    let groups = account.groups.list(&owner(), &[VpcId::new("vpc-1")].into(), &names).await.unwrap();
    let told = |i: usize| -> Vec<_> {
        let rules = groups[i].rules.iter();
        rules.map(|rule| (rule.id.to_string(), rule.rule.to_string(), rule.description.clone())).collect()
    };
    let expected = [
        ("sgr-1", "tcp 80 from 10.0.0.0/8", "flynn/x"),
        ("sgr-2", "tcp 80 from 2001:db8::/32", "flynn/x"),
        ("sgr-3", "all from itself", ""),
        ("sgr-4", "all from sg-3", ""),
    ];
    assert_eq!(told(0), expected.map(|(id, rule, text)| (id.to_owned(), rule.to_owned(), text.to_owned())));
    assert_eq!(told(2)[0].1, "tcp 80 from pl-1");
}

#[tokio::test]
async fn without_a_group_nothing_else_is_asked() {
    let (endpoint, account) = ec2(played).await;
    let other = plan::aws::Owner::new("site", "another");
    assert_eq!(account.groups.list(&other, &BTreeSet::new(), &BTreeSet::new()).await.unwrap(), []);
    assert_eq!(endpoint.actions(), ["DescribeSecurityGroups"; 2]);
}

#[tokio::test]
async fn a_rule_that_says_not_from_where_is_no_rule_that_can_be_left_out() {
    let (_endpoint, account) = ec2(|request| match request.action() {
        "DescribeSecurityGroupRules" => says(
            request,
            &format!("<securityGroupRuleSet>{}</securityGroupRuleSet>", rule("sgr-1", "sg-1", false, TCP)),
        ),
        _ => played(request),
    })
    .await;
    let failure = account.groups.list(&owner(), &BTreeSet::new(), &BTreeSet::new()).await.unwrap_err();
    assert_eq!((failure.fault, failure.call), (Fault::Server, "ec2:DescribeSecurityGroupRules"));
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_no_shorter_list() {
    for action in ["DescribeSecurityGroups", "DescribeSecurityGroupRules", "DescribeNetworkInterfaces"] {
        let (_endpoint, account) = ec2(move |request| {
            let (status, text) = played(request)?;
            let whole = request.action() != action;
            Some((status, if whole { text } else { text[..text.rfind("<item>")?].to_owned() }))
        })
        .await;
        let failure = account.groups.list(&owner(), &BTreeSet::new(), &BTreeSet::new()).await.unwrap_err();
        assert_eq!(failure.fault, Fault::Server, "{action}");
    }
}

fn network(text: &str) -> Source {
    Source::Network(text.parse().unwrap())
}

#[tokio::test]
async fn rules_are_added_with_their_mark_in_one_call() {
    let (endpoint, account) = ec2(|request| says(request, "<return>true</return>")).await;
    let rules = BTreeSet::from([
        Rule::new("-1", None, Source::Itself),
        Rule::new("tcp", Some((80, 80)), network("10.0.0.0/8")),
        Rule::new("tcp", Some((3000, 3002)), network("2001:db8::/32")),
        Rule::new("udp", Some((53, 53)), Source::PrefixList("pl-1".into())),
        Rule::new("icmp", None, Source::Group(GroupId::new("sg-2"))),
    ]);
    account.groups.authorize(&GroupId::new("sg-1"), &rules, "flynn/x").await.unwrap();
    let form = &endpoint.requests()[0].form;
    assert_eq!(
        (form["Action"].as_str(), form["GroupId"].as_str()),
        ("AuthorizeSecurityGroupIngress", "sg-1")
    );
    let sources =
        ["IpRanges.1.CidrIp", "Ipv6Ranges.1.CidrIpv6", "Groups.1.GroupId", "PrefixListIds.1.PrefixListId"];
    let sent: BTreeMap<_, _> = (1..=5)
        .map(|i| {
            let field = |name: &str| form.get(&format!("IpPermissions.{i}.{name}")).map(String::as_str);
            let ports = format!("{}-{}", field("FromPort").unwrap(), field("ToPort").unwrap());
            let source = sources.iter().find_map(|name| field(name)).unwrap();
            (source, (field("IpProtocol").unwrap(), ports))
        })
        .collect();
    let expected = [
        ("10.0.0.0/8", ("tcp", "80-80")),
        ("2001:db8::/32", ("tcp", "3000-3002")),
        ("pl-1", ("udp", "53-53")),
        ("sg-1", ("-1", "-1--1")),
        ("sg-2", ("icmp", "-1--1")),
    ];
    assert_eq!(
        sent,
        expected.map(|(source, (protocol, ports))| (source, (protocol, ports.to_owned()))).into()
    );
    let marks = form.iter().filter(|(key, value)| key.ends_with("Description") && *value == "flynn/x");
    assert_eq!(marks.count(), 5);
}

#[tokio::test]
async fn rules_are_removed_by_their_ids() {
    let (endpoint, account) = ec2(|request| says(request, "<return>true</return>")).await;
    account.groups.revoke(&GroupId::new("sg-1"), &["sgr-1", "sgr-2"].map(RuleId::new)).await.unwrap();
    let form = &endpoint.requests()[0].form;
    assert_eq!((form["Action"].as_str(), form["GroupId"].as_str()), ("RevokeSecurityGroupIngress", "sg-1"));
    assert_eq!(
        (form["SecurityGroupRuleId.1"].as_str(), form["SecurityGroupRuleId.2"].as_str()),
        ("sgr-1", "sgr-2")
    );
}

#[tokio::test]
async fn a_rule_that_is_there_already_and_one_that_is_gone_are_told() {
    let group = GroupId::new("sg-1");
    let faults = [
        ("InvalidPermission.Duplicate", Fault::Conflict),
        ("RulesPerSecurityGroupLimitExceeded", Fault::Quota),
        ("InvalidSecurityGroupRuleId.NotFound", Fault::NotFound),
    ];
    for (code, fault) in faults {
        let (_endpoint, account) = ec2(move |_| refusal(400, code, "No.")).await;
        let added = account.groups.authorize(&group, &BTreeSet::new(), "flynn/x").await;
        assert_eq!(added.unwrap_err().fault, fault);
        assert_eq!(account.groups.revoke(&group, &[RuleId::new("sgr-1")]).await.unwrap_err().fault, fault);
    }
}

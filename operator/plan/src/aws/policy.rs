//! The least that IAM has to allow the operator, for what a Cluster and its Blobstores (`policy/storage.rs`) declare.
//!
//! Each statement names the resources and, where AWS knows a condition key for it, the mark: nothing that another owner made can be changed with these
//! rights, whatever the operator believes. (AWS: Service Authorization Reference, pages EC2 and Route 53.)

mod storage;

use std::collections::BTreeSet;

use crds::{Aws, Blobstore, ClusterSpec};
use serde_json::{Value, json};

use super::RecordName;

/// The policy for these Clusters and Blobstores, as IAM takes it; one without statements allows nothing.
#[must_use]
pub fn policy<'a>(
    clusters: impl IntoIterator<Item = &'a ClusterSpec>,
    blobstores: impl IntoIterator<Item = &'a Blobstore>,
) -> Value {
    let declared: Vec<_> = clusters.into_iter().filter_map(|spec| Some((spec, spec.aws.as_ref()?))).collect();
    let writes = declared.iter().any(|(_, aws)| aws.mode == crds::AwsMode::Apply);
    let of_buckets = match declared.as_slice() {
        [] => Vec::new(),
        _ => storage::statements(blobstores, writes),
    };
    let of_clusters = declared.into_iter().flat_map(|(spec, aws)| statements_of(spec, aws));
    let mut statements: Vec<Value> = Vec::new();
    for statement in of_clusters.chain(of_buckets) {
        if !statements.contains(&statement) {
            statements.push(statement);
        }
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statements_of(spec: &ClusterSpec, aws: &Aws) -> Vec<Value> {
    let writes = aws.mode == crds::AwsMode::Apply;
    let mut statements = vec![json!({
        "Sid": "ReadInstances", "Effect": "Allow", "Resource": "*",
        "Action": ["ec2:DescribeAddresses", "ec2:DescribeInstances"],
        "Condition": { "StringEquals": { "ec2:Region": aws.region } },
    })];
    if aws.elastic_ips.is_some() && writes {
        statements.extend(of_elastic_ips(aws));
    }
    if aws.security_groups.is_some() {
        statements.push(json!({
            "Sid": "ReadFirewall", "Effect": "Allow", "Resource": "*",
            "Action": [
                "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups",
            ],
            "Condition": { "StringEquals": { "ec2:Region": aws.region } },
        }));
    }
    if aws.security_groups.is_some() && writes {
        statements.extend(of_security_groups(aws));
    }
    if aws.dns.is_some() {
        statements.push(json!({
            "Sid": "ReadRecords", "Effect": "Allow", "Resource": "*",
            "Action": [
                "route53:GetChange", "route53:GetHealthCheckStatus", "route53:ListHealthChecks", "route53:ListHostedZones",
                "route53:ListResourceRecordSets",
            ],
        }));
    }
    if aws.dns.is_some() && writes {
        statements.extend(of_records(spec, aws));
    }
    statements
}

/// The resources of this kind in EC2.
fn ec2(aws: &Aws, resource: &str) -> String {
    format!("arn:{}:ec2:{}:*:{resource}/*", partition(&aws.region), aws.region)
}

fn of_elastic_ips(aws: &Aws) -> Vec<Value> {
    let arn = |resource: &str| ec2(aws, resource);
    vec![
        json!({
            "Sid": "AllocateMarked", "Effect": "Allow", "Action": "ec2:AllocateAddress", "Resource": arn("elastic-ip"),
            "Condition": { "Null": { "aws:RequestTag/flynn.io/cluster": "false" } },
        }),
        json!({
            "Sid": "MarkWhileAllocating", "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": arn("elastic-ip"),
            "Condition": { "StringEquals": { "ec2:CreateAction": "AllocateAddress" } },
        }),
        json!({
            "Sid": "MoveMarked", "Effect": "Allow", "Resource": arn("elastic-ip"),
            "Action": ["ec2:AssociateAddress", "ec2:DisassociateAddress", "ec2:ReleaseAddress"],
            "Condition": { "Null": { "aws:ResourceTag/flynn.io/cluster": "false" } },
        }),
        json!({
            "Sid": "MoveToNodes", "Effect": "Allow", "Resource": [arn("instance"), arn("network-interface")],
            "Action": ["ec2:AssociateAddress", "ec2:DisassociateAddress"],
        }),
    ]
}

/// A group is given to an interface together with all that it has, so that this right is for groups of anybody; on interfaces, only our own note is written.
fn of_security_groups(aws: &Aws) -> Vec<Value> {
    let arn = |resource: &str| ec2(aws, resource);
    vec![
        json!({
            "Sid": "CreateMarkedGroups", "Effect": "Allow", "Action": "ec2:CreateSecurityGroup", "Resource": arn("security-group"),
            "Condition": { "Null": { "aws:RequestTag/flynn.io/cluster": "false" } },
        }),
        json!({
            "Sid": "CreateGroupsInClouds", "Effect": "Allow", "Action": "ec2:CreateSecurityGroup", "Resource": arn("vpc"),
        }),
        json!({
            "Sid": "MarkGroupsWhileCreating", "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": arn("security-group"),
            "Condition": { "StringEquals": { "ec2:CreateAction": "CreateSecurityGroup" } },
        }),
        json!({
            "Sid": "ChangeMarkedGroups", "Effect": "Allow", "Resource": arn("security-group"),
            "Action": [
                "ec2:AuthorizeSecurityGroupIngress", "ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupIngress",
            ],
            "Condition": { "Null": { "aws:ResourceTag/flynn.io/cluster": "false" } },
        }),
        json!({
            "Sid": "AttachGroups", "Effect": "Allow", "Action": "ec2:ModifyNetworkInterfaceAttribute",
            "Resource": [arn("network-interface"), arn("security-group")],
        }),
        json!({
            "Sid": "NoteGroups", "Effect": "Allow", "Action": ["ec2:CreateTags", "ec2:DeleteTags"],
            "Resource": arn("network-interface"),
            "Condition": {
                "ForAllValues:StringLike": { "aws:TagKeys": ["flynn.io/groups/*"] },
                "Null": { "aws:TagKeys": "false" },
            },
        }),
    ]
}

fn of_records(spec: &ClusterSpec, aws: &Aws) -> Vec<Value> {
    let arn = |resource: &str| format!("arn:{}:route53:::{resource}", partition(&aws.region));
    let zones = spec.domains.iter().map(|domain| domain.hosted_zone_id.as_deref().unwrap_or("*"));
    let zones: BTreeSet<String> = zones.map(|zone| arn(&format!("hostedzone/{zone}"))).collect();
    let names = spec.domains.iter().flat_map(|domain| {
        let apex = RecordName::new(&domain.name);
        // As Route 53 normalizes names for this condition: `*` as its octal code, no dot at the end.
        [apex.to_string(), format!("\\052.{apex}")].into_iter().take(1 + usize::from(domain.wildcard_record))
    });
    let names: Vec<String> = names.collect();
    vec![
        json!({
            "Sid": "ChangeOwnNames", "Effect": "Allow", "Action": "route53:ChangeResourceRecordSets", "Resource": zones,
            "Condition": { "ForAllValues:StringEquals": {
                "route53:ChangeResourceRecordSetsNormalizedRecordNames": names,
                "route53:ChangeResourceRecordSetsRecordTypes": ["A", "AAAA", "CNAME"],
            } },
        }),
        json!({
            "Sid": "CheckNodes", "Effect": "Allow", "Resource": arn("healthcheck/*"),
            "Action": [
                "route53:ChangeTagsForResource", "route53:CreateHealthCheck", "route53:DeleteHealthCheck", "route53:UpdateHealthCheck",
            ],
        }),
    ]
}

/// The part of AWS that a region belongs to.
pub(crate) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

#[cfg(test)]
mod tests {
    use crds::{AwsMode, Dns, Domain, ElasticIps, SecurityGroups};

    use super::*;

    fn spec(mode: AwsMode) -> ClusterSpec {
        let domain = |name: &str, zone: Option<&str>, wildcard_record| Domain {
            name: name.into(),
            hosted_zone_id: zone.map(Into::into),
            wildcard_record,
            ..Domain::default()
        };
        ClusterSpec {
            domains: vec![domain("site.com", Some("Z1"), true), domain("old.com", Some("Z2"), false)],
            aws: Some(Aws {
                region: "eu-west-1".into(),
                mode,
                elastic_ips: Some(ElasticIps::default()),
                dns: Some(Dns::default()),
                security_groups: Some(SecurityGroups::default()),
            }),
            ..ClusterSpec::default()
        }
    }

    fn actions(policy: &Value) -> BTreeSet<String> {
        let statements = policy["Statement"].as_array().unwrap();
        let actions = statements.iter().flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        });
        actions.map(|action| action.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn records_are_changed_in_the_declared_zones_and_names_only() {
        let policy = policy([&spec(AwsMode::Apply)], []);
        let statements = policy["Statement"].as_array().unwrap();
        let change = statements.iter().find(|statement| statement["Sid"] == "ChangeOwnNames").unwrap();
        assert_eq!(
            change["Resource"],
            json!(["arn:aws:route53:::hostedzone/Z1", "arn:aws:route53:::hostedzone/Z2"])
        );
        let condition = &change["Condition"]["ForAllValues:StringEquals"];
        let names = &condition["route53:ChangeResourceRecordSetsNormalizedRecordNames"];
        assert_eq!(*names, json!(["site.com", "\\052.site.com", "old.com"]));
    }

    #[test]
    fn without_apply_nothing_but_reads_is_allowed() {
        for mode in [AwsMode::Plan, AwsMode::Observe] {
            let actions = actions(&policy([&spec(mode)], []));
            let reads =
                |action: &String| [":Describe", ":List", ":Get"].iter().any(|verb| action.contains(verb));
            assert!(actions.iter().all(reads), "{actions:?}");
        }
    }

    #[test]
    fn every_call_of_a_plan_is_allowed_to_a_cluster_that_applies() {
        let actions = actions(&policy([&spec(AwsMode::Apply)], []));
        for call in [
            "ec2:AllocateAddress",
            "ec2:AssociateAddress",
            "ec2:DisassociateAddress",
            "ec2:ReleaseAddress",
            "ec2:CreateSecurityGroup",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:ModifyNetworkInterfaceAttribute",
            "ec2:CreateTags",
            "ec2:DeleteTags",
            "route53:CreateHealthCheck",
            "route53:UpdateHealthCheck",
            "route53:DeleteHealthCheck",
            "route53:ChangeResourceRecordSets",
        ] {
            assert!(actions.contains(call), "{call}");
        }
    }

    #[test]
    fn without_security_groups_none_may_be_read_or_changed() {
        let mut spec = spec(AwsMode::Apply);
        spec.aws.as_mut().unwrap().security_groups = None;
        let text = policy([&spec], []).to_string();
        assert!(!text.contains("SecurityGroup") && !text.contains("NetworkInterfaces"), "{text}");
    }

    #[test]
    fn groups_of_others_are_neither_changed_nor_deleted_and_only_our_note_is_written_on_interfaces() {
        let policy = policy([&spec(AwsMode::Apply)], []);
        let statements = policy["Statement"].as_array().unwrap();
        let conditions = |action: &str, resource: &str| -> Vec<Value> {
            let about = statements.iter().filter(|statement| {
                statement["Action"].to_string().contains(action)
                    && statement["Resource"].to_string().contains(resource)
            });
            about.map(|statement| statement["Condition"].clone()).collect()
        };
        for action in ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "DeleteSecurityGroup"] {
            let marked = json!({ "Null": { "aws:ResourceTag/flynn.io/cluster": "false" } });
            assert_eq!(conditions(action, "security-group/"), [marked], "{action}");
        }
        for action in ["CreateTags", "DeleteTags"] {
            let [condition] = conditions(action, "network-interface/").try_into().unwrap();
            assert_eq!(condition["ForAllValues:StringLike"]["aws:TagKeys"], json!(["flynn.io/groups/*"]));
            assert_eq!(condition["Null"]["aws:TagKeys"], "false", "a call without tags is none of ours");
        }
    }

    #[test]
    fn a_cluster_without_aws_needs_nothing() {
        let spec = ClusterSpec { aws: None, ..spec(AwsMode::Apply) };
        assert_eq!(policy([&spec], [])["Statement"], json!([]));
    }
}

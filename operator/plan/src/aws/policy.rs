//! The least that IAM has to allow the operator, for what a Cluster declares.
//!
//! Each statement names the resources and, where AWS knows a condition key for it, the mark: nothing that another owner made can be changed with these
//! rights, whatever the operator believes. (AWS: Service Authorization Reference, pages EC2 and Route 53.)

use std::collections::BTreeSet;

use crds::{Aws, ClusterSpec};
use serde_json::{Value, json};

use super::RecordName;

/// The policy for these Clusters, as IAM takes it; one without statements allows nothing.
#[must_use]
pub fn policy<'a>(clusters: impl IntoIterator<Item = &'a ClusterSpec>) -> Value {
    let declared = clusters.into_iter().filter_map(|spec| Some((spec, spec.aws.as_ref()?)));
    let mut statements: Vec<Value> = Vec::new();
    for statement in declared.flat_map(|(spec, aws)| statements_of(spec, aws)) {
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

fn of_elastic_ips(aws: &Aws) -> Vec<Value> {
    let arn = |resource: &str| format!("arn:{}:ec2:{}:*:{resource}/*", partition(&aws.region), aws.region);
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
    use crds::{AwsMode, Dns, Domain, ElasticIps};

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
        let policy = policy([&spec(AwsMode::Apply)]);
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
            let actions = actions(&policy([&spec(mode)]));
            let reads =
                |action: &String| [":Describe", ":List", ":Get"].iter().any(|verb| action.contains(verb));
            assert!(actions.iter().all(reads), "{actions:?}");
        }
    }

    #[test]
    fn every_call_of_a_plan_is_allowed_to_a_cluster_that_applies() {
        let actions = actions(&policy([&spec(AwsMode::Apply)]));
        for call in [
            "ec2:AllocateAddress",
            "ec2:AssociateAddress",
            "ec2:DisassociateAddress",
            "ec2:ReleaseAddress",
            "route53:CreateHealthCheck",
            "route53:UpdateHealthCheck",
            "route53:DeleteHealthCheck",
            "route53:ChangeResourceRecordSets",
        ] {
            assert!(actions.contains(call), "{call}");
        }
    }

    #[test]
    fn a_cluster_without_aws_needs_nothing() {
        let spec = ClusterSpec { aws: None, ..spec(AwsMode::Apply) };
        assert_eq!(policy([&spec])["Statement"], json!([]));
    }
}

//! What the answer says of AWS: when it is asked, what is told beside the calls, and how a read that failed reads.

use crds::{Aws, ClusterSpec, Dns};
use plan::Refusal;
use plan::aws::{
    AllocationId, History, InstanceId, NodeFacts, Observed, Owner, RecordName, RecordSet, RecordType, Report,
    Routing, ZoneId, plan,
};

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn order() -> Order {
    let aws = Aws { region: "us-east-1".into(), dns: Some(Dns::default()), ..Aws::default() };
    Order {
        owner: Owner::new("site", "u"),
        generation: 1,
        spec: ClusterSpec { aws: Some(aws), ..ClusterSpec::default() },
        nodes: Vec::new(),
        former: Vec::new(),
        tcp_ports: Default::default(),
        had_security_groups: false,
        resync: None,
        deleted_at: None,
        has_finalizer: false,
    }
}

fn in_mode(mode: AwsMode) -> Order {
    let mut order = order();
    order.spec.aws.as_mut().unwrap().mode = mode;
    order
}

fn question(aws: bool) -> Question<'static> {
    Question { aws, against: Against::Cluster, existing: None }
}

async fn note(order: Option<&Order>, aws: bool) -> Option<String> {
    let said = find(order, question(aws), NOW).await.unwrap()?;
    assert!(!said.asked && said.calls.is_empty());
    Some(said.notes.join(" "))
}

#[tokio::test]
async fn aws_is_asked_only_where_it_is_declared_and_allowed() {
    assert_eq!(note(None, false).await, None);
    assert!(note(None, true).await.is_some_and(|note| note.contains("no active Cluster has spec.aws")));
    assert!(note(Some(&order()), false).await.is_some_and(|note| note.contains("--aws")));
    let going = Order { deleted_at: Some(NOW), ..in_mode(AwsMode::Plan) };
    assert!(note(Some(&going), true).await.is_some_and(|note| note.contains("being deleted")));
}

fn record(action: RecordAction, address: &str) -> Call {
    let set = RecordSet {
        name: RecordName::new("site.com"),
        type_: RecordType::A,
        routing: Routing::Simple,
        ttl_seconds: Some(60),
        values: vec![address.to_owned()],
        health_check: None,
        alias: None,
        unmodelled: false,
    };
    Call::ChangeRecords { zone: ZoneId::new("Z1"), changes: vec![RecordChange { action, set }] }
}

#[test]
fn each_note_belongs_to_its_calls() {
    let told = |calls: &[Call]| notes(&order(), question(true), calls);
    assert!(told(&[]).is_empty());
    assert!(told(&[record(RecordAction::Upsert, "203.0.113.7")]).is_empty());
    let added = told(&[record(RecordAction::Create, "203.0.113.7")]);
    assert!(added.len() == 1 && added[0].contains("203.0.113.7"), "{added:?}");
    assert_eq!(told(&[record(RecordAction::Create, "site.com.")]), [""; 0], "a wildcard is not probed");
    assert_eq!(told(&[record(RecordAction::Delete, "203.0.113.7")]), [WAITS]);
    assert_eq!(told(&[Call::ReleaseAddress { address: AllocationId::new("eipalloc-1") }]), [WAITS]);
    assert_eq!(told(&[Call::AllocateAddress { node: "n1".into() }]), [FOLLOWS]);
}

#[test]
fn a_mode_that_makes_no_call_and_a_cluster_that_is_not_known_are_told() {
    let calls = [record(RecordAction::Upsert, "203.0.113.7")];
    for mode in [AwsMode::Plan, AwsMode::Observe] {
        let told = notes(&in_mode(mode), question(true), &calls);
        assert!(told[0].contains(&format!("mode: {mode:?}")), "{told:?}");
        assert!(notes(&in_mode(mode), question(true), &[]).is_empty());
    }
    let offline = Question { against: Against::None, ..question(true) };
    assert_eq!(notes(&order(), offline, &[]), [UNKNOWN_CLUSTER]);
}

#[test]
fn what_calls_bring_about_is_no_finding_and_what_a_person_has_to_mend_is_one() {
    let pending = Err(Refusal::new(Reason::Pending, "0/3 nodes"));
    let blocked = Err(Refusal::new(Reason::NodesNotFound, "no Node has the labels a=b"));
    let applied = Report { associated: Some(blocked), published: Some(pending), ..Report::default() };
    let facts = NodeFacts {
        name: "n1".into(),
        instance: Some(InstanceId::new("i-00000001")),
        ready: true,
        ready_since: None,
        leaving: false,
        ipv6: Vec::new(),
    };
    // Nobody knows its instance.
    let order = Order { nodes: vec![facts], ..order() };
    let report = plan(&order, &Observed::default(), &History::default(), NOW).report;
    let found = findings(&Foresight { calls: Vec::new(), report, applied });
    let told: Vec<_> = found.iter().map(|found| (found.of.as_str(), found.state.as_str())).collect();
    assert_eq!(told, [("AddressesAssociated", "NodesNotFound"), ("node n1", "NoAddress")]);
    assert!(found[1].message.contains("i-00000001"), "{found:?}");
}

#[test]
fn reads_that_failed_are_told_once_for_each_cause_with_its_code_and_the_next_step() {
    let failure = |call, fault, code: Option<&str>, message: &str| Failure {
        call,
        fault,
        code: code.map(str::to_owned),
        message: message.to_owned(),
    };
    let list = "route53:ListResourceRecordSets";
    let failures = [
        failure(
            "ec2:DescribeAddresses",
            Fault::Denied,
            Some("UnauthorizedOperation"),
            "You are not allowed.",
        ),
        failure(list, Fault::Unreachable, None, "connection refused"),
        failure("ec2:DescribeInstances", Fault::Unreachable, None, "connection refused"),
        failure(list, Fault::Unreachable, None, "connection refused"),
    ];
    let text = unread(&failures);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let denied = "  ec2:DescribeAddresses: UnauthorizedOperation: You are not allowed; allow the call: ";
    assert!(lines[0].starts_with(denied) && lines[0].contains("aws-policy"), "{text}");
    let unreachable = "  route53:ListResourceRecordSets, ec2:DescribeInstances: connection refused; check the region, the network and AWS_ENDPOINT_URL, and try again";
    assert_eq!(lines[1], unreachable);
    let nothing = unread(&[failure(list, Fault::NoCredentials, None, "no credentials in chain. Attempted:")]);
    assert!(nothing.contains(": no credentials were found; give this command credentials"), "{nothing}");
}

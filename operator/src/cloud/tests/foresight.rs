//! What somebody foresees who only looks, beside what a leader lists or does.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crds::{AwsMode, Cluster, ClusterStatus, NodeAddressStatus};
use jiff::Timestamp;
use plan::aws::network::NetworkCall;
use plan::aws::{
    AllocationId, AssociationId, Call, Fault, GroupId, HealthCheckConfig, HealthCheckId, InstanceId,
    InterfaceId, Order, Owner, VpcId, ZoneId,
};

use super::site::{Site, held, in_mode, instance, minutes, order, refuse};
use super::{SETTLED, settled_site};
use crate::cloud::Surroundings;
use crate::cloud::foresight::{Foresight, foresee, onlooker, silent};
use crate::effects::cloud::make;

fn now(site: &Arc<Site>) -> Timestamp {
    Surroundings::now(site)
}

async fn calls(site: &Arc<Site>, order: &Order, silent: &BTreeSet<IpAddr>) -> Vec<String> {
    let Foresight { calls, .. } = foresee(&site.account.clients(), order, silent, now(site)).await.unwrap();
    calls.iter().map(ToString::to_string).collect()
}

/// What a leader lists that has looked on for long.
async fn listed(site: &Arc<Site>, order: &Order) -> Vec<String> {
    let _leader = site.lead(in_mode(AwsMode::Plan, order.clone()));
    minutes(SETTLED).await;
    Site::report(site).planned_calls
}

/// The order with another TTL, and so a change of every record.
fn slower(order: Order) -> Order {
    let mut order = order;
    let dns = order.spec.aws.as_mut().and_then(|aws| aws.dns.as_mut());
    dns.unwrap().ttl_seconds = 7;
    order
}

/// The order that publishes the addresses which instances have anyway.
fn without_elastic_ips(order: Order) -> Order {
    let mut order = order;
    order.spec.aws.as_mut().unwrap().elastic_ips = None;
    order
}

#[tokio::test(start_paused = true)]
async fn what_is_foreseen_is_word_for_word_what_a_leader_lists_that_has_looked_on_for_long() {
    let fresh = Site::new(3);
    let (begun, _) = settled_site(3).await;
    let (replaced, _) = settled_site(3).await;
    replaced.account.state().run(&instance(4));
    replaced.account.state().terminate(&instance(3));
    let (shrunk, _) = settled_site(3).await;
    let (handed_over, _) = settled_site(3).await;
    handed_over.account.state().checks.clear();
    let cases = [
        (&fresh, order(1..=3), "AllocateAddress"),
        (&begun, slower(order(1..=3)), "Upsert site.com"),
        (&replaced, order([1, 2, 4]), "AssociateAddress"),
        (&shrunk, order([1, 2]), "Delete site.com"),
        (&handed_over, order(1..=3), "CreateHealthCheck"),
        (&handed_over, without_elastic_ips(order(1..=3)), "CreateHealthCheck"),
    ];
    for (site, order, word) in cases {
        let foreseen = calls(site, &order, &BTreeSet::new()).await;
        assert!(foreseen.iter().any(|call| call.contains(word)), "{word}: {foreseen:#?}");
        assert_eq!(foreseen, listed(site, &order).await);
    }
}

#[tokio::test(start_paused = true)]
async fn where_aws_is_as_ordered_no_call_is_foreseen_and_looking_writes_nothing() {
    let (site, leader) = settled_site(3).await;
    drop(leader);
    let writes = site.writes();
    assert!(calls(&site, &order(1..=3), &BTreeSet::new()).await.is_empty());
    assert!(!calls(&site, &slower(order(1..=3)), &BTreeSet::new()).await.is_empty());
    assert_eq!(site.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_answer_its_leader_is_not_foreseen_in_dns() {
    let (site, leader) = settled_site(3).await;
    let address = IpAddr::V4(site.account.state().instances[&instance(2)].public_address.unwrap());
    site.dead.lock().unwrap().insert(address);
    minutes(3).await;
    let mut cluster = Cluster::new("site", order([]).spec);
    let status = ClusterStatus { addresses: Site::report(&site).addresses, ..ClusterStatus::default() };
    cluster.status = Some(status);
    assert_eq!(silent(&cluster), BTreeSet::from([address]));
    drop(leader);
    let order = order(1..=3);
    assert!(calls(&site, &order, &silent(&cluster)).await.is_empty());
    assert!(!calls(&site, &order, &BTreeSet::new()).await.is_empty());
}

#[test]
fn an_address_that_dns_names_or_will_name_counts_as_answering() {
    let told = |address: &str, dns: &str| NodeAddressStatus {
        address: Some(address.into()),
        dns: Some(dns.into()),
        ..NodeAddressStatus::default()
    };
    let addresses = ["Published", "Pending", "Held", "Withdrawn"].iter().zip(1..);
    let addresses = addresses.map(|(word, n)| told(&format!("203.0.113.{n}"), word)).collect();
    let mut cluster = Cluster::new("site", order([]).spec);
    cluster.status = Some(ClusterStatus { addresses, ..ClusterStatus::default() });
    let expected = ["203.0.113.3", "203.0.113.4"].map(|address| address.parse().unwrap());
    assert_eq!(silent(&cluster), expected.into());
}

#[tokio::test(start_paused = true)]
async fn of_what_cannot_be_read_nothing_is_foreseen() {
    for call in [
        "ec2:DescribeAddresses",
        "ec2:DescribeInstances",
        "route53:ListHostedZones",
        "route53:ListResourceRecordSets",
        "route53:ListHealthChecks",
    ] {
        let site = Site::new(3);
        site.account.state().refused_call = Some(call);
        refuse(&site, Some(Fault::Denied));
        let foresight = foresee(&site.account.clients(), &order(1..=3), &BTreeSet::new(), now(&site)).await;
        let failures = foresight.err().unwrap_or_default();
        let told: Vec<_> = failures.iter().map(|failure| (failure.call, failure.fault)).collect();
        assert_eq!(told, [(call, Fault::Denied)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_told_beside_the_calls_whatever_the_mode() {
    for mode in [AwsMode::Apply, AwsMode::Plan, AwsMode::Observe] {
        let site = Site::new(3);
        site.account.state().zones.clear();
        let order = in_mode(mode, held(order(1..=3)));
        let foresight = foresee(&site.account.clients(), &order, &BTreeSet::new(), now(&site)).await.unwrap();
        assert_eq!(foresight.calls.len(), 3, "{:?}", foresight.calls);
        let reason = foresight.applied.published.unwrap().unwrap_err().reason;
        assert_eq!(reason.to_string(), "HostedZoneNotFound");
    }
}

#[tokio::test]
async fn who_only_looks_can_make_no_call_that_writes() {
    let clients = onlooker("us-east-1").await;
    let owner = Owner::new("site", "u");
    let (address, association) = (AllocationId::new("eipalloc-1"), AssociationId::new("eipassoc-1"));
    let config = HealthCheckConfig {
        address: [203, 0, 113, 7].into(),
        protocol: crds::DnsHealthCheckProtocol::Tcp,
        port: 80,
        path: None,
        interval_seconds: 10,
        failure_threshold: 3,
    };
    let id = HealthCheckId::new("c");
    let writes = [
        Call::AllocateAddress { node: "n1".into() },
        Call::AssociateAddress {
            address: address.clone(),
            instance: InstanceId::new("i-00000001"),
            interface: InterfaceId::new("eni-1"),
        },
        Call::DisassociateAddress { address: address.clone(), association },
        Call::ReleaseAddress { address },
        Call::CreateHealthCheck { reference: owner.reference(&config, 0), config: config.clone() },
        Call::UpdateHealthCheck { id: id.clone(), version: 1, config },
        Call::DeleteHealthCheck { id },
        Call::ChangeRecords { zone: ZoneId::new("Z1"), changes: Vec::new() },
        Call::Network(NetworkCall::DeleteGroup { group: GroupId::new("sg-1") }),
        Call::Network(NetworkCall::CreateGroup {
            vpc: VpcId::new("vpc-1"),
            name: "flynn".into(),
            tags: owner.tags("nodes"),
        }),
    ];
    for call in writes {
        let failure = make(&clients, &owner, &call).await.unwrap_err();
        assert_eq!(failure.fault, Fault::NotLeader, "{call}: {failure}");
    }
}

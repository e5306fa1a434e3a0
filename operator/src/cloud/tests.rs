//! The loop over a fake account, in played time: where it ends, what it survives, and what it never does.

mod account;
mod firewall;
mod foresight;
mod groups;
mod site;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crds::AwsMode;
use plan::aws::{Fault, Order, RecordType};
use tokio::time::{sleep, timeout};

use site::{Loop, Site, deleted, held, in_mode, instance, minutes, order, refuse};

/// Long enough for all waits of a plan to end.
const SETTLED: u64 = 40;

async fn settled_site(nodes: u32) -> (Arc<Site>, Loop) {
    let site = Site::new(nodes);
    let leader = site.lead(held(order(1..=nodes)));
    minutes(SETTLED).await;
    assert_eq!(site.settled(&order(1..=nodes)), Ok(()));
    (site, leader)
}

#[tokio::test(start_paused = true)]
async fn without_an_order_for_aws_no_client_is_made_and_nobody_called() {
    let site = Site::new(1);
    let leader = site.lead_with(None);
    minutes(60).await;
    leader.order(Order { spec: crds::ClusterSpec::default(), ..order([1]) });
    minutes(60).await;
    assert_eq!(site.clients.load(Ordering::Relaxed), 0);
    let reads = site.account.state().all_reads();
    assert_eq!((reads, site.writes()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn three_nodes_get_addresses_and_records_and_the_finalizer_comes_first() {
    let site = Site::new(3);
    let _leader = site.lead(order(1..=3));
    minutes(5).await;
    assert_eq!(site.settled(&order(1..=3)), Ok(()));
    assert!(site.is_held.load(Ordering::Relaxed));
    let report = site.report();
    assert!(matches!(report.associated, Some(Ok(_))), "{:?}", report.associated);
    assert!(matches!(report.published, Some(Ok(_))), "{:?}", report.published);
    assert!(site.told().drift.is_empty(), "{:?}", site.told().drift);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_takes_no_finalizer_gets_nothing_and_is_asked_again_within_seconds() {
    let site = Site::new(3);
    site.refusals.store(3, Ordering::Relaxed);
    let _leader = site.lead(order(1..=3));
    sleep(Duration::from_secs(30)).await;
    assert!(site.is_held.load(Ordering::Relaxed) && site.writes() > 0);
}

#[tokio::test(start_paused = true)]
async fn in_sync_nothing_is_written_and_the_reads_are_few_however_many_nodes() {
    for nodes in [3, 50] {
        let (site, _leader) = settled_site(nodes).await;
        let writes = site.writes();
        site.account.state().reads.clear();
        minutes(60).await;
        assert_eq!(site.writes(), writes);
        let mut reads = site.account.state().reads.clone();
        println!("reads in an hour with {nodes} nodes in sync: {reads:?}");
        let of_health = reads.remove("route53:GetHealthCheckStatus").unwrap_or_default();
        assert!(of_health <= 4 * 60 * 4, "{of_health} questions about health in an hour");
        assert_eq!(reads.len(), 5, "{reads:?}");
        assert!(reads.values().all(|count| (55..=80).contains(count)), "{reads:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changes_is_put_right_within_two_minutes_and_told() {
    let (site, _leader) = settled_site(3).await;
    {
        let mut state = site.account.state();
        let sets = state.records.values_mut().flatten();
        sets.filter(|set| set.type_ == RecordType::A).take(1).for_each(|set| set.ttl_seconds = Some(9));
        let first = state.addresses.values().find_map(|address| address.association.clone()).unwrap();
        state.disassociate(&first.id);
    }
    minutes(2).await;
    assert_eq!(site.settled(&order(1..=3)), Ok(()));
    let ttls = site.account.state();
    assert!(ttls.records.values().flatten().all(|set| set.ttl_seconds != Some(9)));
    assert!(site.told().drift.len() >= 2, "{:?}", site.told().drift);
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_put_right_only_by_a_later_pass_is_told_then_and_once() {
    let (site, _leader) = settled_site(3).await;
    {
        let mut state = site.account.state();
        (state.refusal, state.refused_call) = (Some(Fault::Throttled), Some("ec2:AssociateAddress"));
        let first = state.addresses.values().find_map(|address| address.association.clone()).unwrap();
        state.disassociate(&first.id);
    }
    minutes(3).await;
    assert!(site.told().drift.is_empty(), "nothing is put right yet: {:?}", site.told().drift);
    refuse(&site, None);
    minutes(10).await;
    assert_eq!(site.settled(&order(1..=3)), Ok(()));
    let drift = site.told().drift.clone();
    assert!(drift.len() == 1 && drift[0].contains("Elastic IP"), "{drift:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_value_of_the_annotation_has_aws_looked_at_at_once() {
    let (site, leader) = settled_site(1).await;
    sleep(Duration::from_secs(5)).await;
    let before = site.account.state().reads["ec2:DescribeAddresses"];
    leader.order(held(Order { resync: Some("now".into()), ..order([1]) }));
    sleep(Duration::from_secs(2)).await;
    assert!(site.account.state().reads["ec2:DescribeAddresses"] > before);
}

#[tokio::test(start_paused = true)]
async fn modes_that_do_not_apply_write_nothing() {
    for mode in [AwsMode::Plan, AwsMode::Observe] {
        let site = Site::new(3);
        let _leader = site.lead(in_mode(mode, order(1..=3)));
        minutes(60).await;
        assert_eq!(site.writes(), 0);
        assert!(!site.is_held.load(Ordering::Relaxed));
        assert_eq!(site.reason(|report| report.associated).as_deref(), Some("NotApplied"));
        assert_eq!(site.report().planned_calls.is_empty(), mode == AwsMode::Observe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_answers_nobody_leaves_dns_and_comes_back() {
    let (site, _leader) = settled_site(3).await;
    let address = site.account.state().instances[&instance(2)].public_address.unwrap();
    let is_published = || {
        let state = site.account.state();
        state.records.values().flatten().any(|set| set.values.contains(&address.to_string()))
    };
    assert!(is_published());
    site.dead.lock().unwrap().insert(address.into());
    minutes(2).await;
    assert!(!is_published());
    site.dead.lock().unwrap().clear();
    minutes(3).await;
    assert!(is_published());
}

#[tokio::test(start_paused = true)]
async fn refused_calls_change_nothing_are_told_and_are_made_less_often() {
    for (fault, reason) in [
        (Fault::NoCredentials, "NoCredentials"),
        (Fault::Denied, "AccessDenied"),
        (Fault::SignatureRefused, "SignatureRefused"),
        (Fault::Unreachable, "AwsUnreachable"),
    ] {
        let (site, _leader) = settled_site(3).await;
        let writes = site.writes();
        site.account.state().reads.clear();
        refuse(&site, Some(fault));
        minutes(60).await;
        assert_eq!(site.reason(|report| report.associated).as_deref(), Some(reason));
        assert_eq!(site.reason(|report| report.published).as_deref(), Some(reason));
        let looks = site.account.state().reads["ec2:DescribeAddresses"];
        assert!(looks < 130, "{looks} looks in an hour of {fault:?}");
        refuse(&site, None);
        minutes(3).await;
        assert_eq!((site.settled(&order(1..=3)), site.writes()), (Ok(()), writes));
        assert_eq!(site.reason(|report| report.published), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_alone_is_never_taken_for_an_empty_one() {
    for call in [
        "ec2:DescribeAddresses",
        "ec2:DescribeInstances",
        "route53:ListHostedZones",
        "route53:ListResourceRecordSets",
        "route53:ListHealthChecks",
    ] {
        for begins_anew in [false, true] {
            let (site, mut leader) = settled_site(3).await;
            let writes = site.writes();
            site.account.state().refused_call = Some(call);
            refuse(&site, Some(Fault::Server));
            if begins_anew {
                leader = site.lead(held(order(1..=3)));
            }
            minutes(SETTLED).await;
            assert_eq!(site.writes(), writes, "{call}, a new leader: {begins_anew}");
            let reasons = [site.reason(|report| report.associated), site.reason(|report| report.published)];
            assert!(reasons.contains(&Some("CallFailed".to_owned())), "{call}: {reasons:?}");
            drop(leader);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_of_records_is_not_believed_however_often_it_comes() {
    let (site, leader) = settled_site(3).await;
    let writes = site.writes();
    site.account.state().hides_records = true;
    leader.order(held(order([1, 2])));
    minutes(SETTLED).await;
    assert_eq!(site.writes(), writes, "{:?}", site.account.state().writes);
    assert_eq!(site.reason(|report| report.published).as_deref(), Some("CallFailed"));
    site.account.state().hides_records = false;
    minutes(SETTLED).await;
    assert_eq!(site.settled(&order([1, 2])), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_does_not_call_well_what_it_has_not_probed() {
    let (site, leader) = settled_site(3).await;
    let addresses = site.account.state().addresses.values().map(|address| address.address.into()).collect();
    *site.dead.lock().unwrap() = addresses;
    minutes(5).await;
    assert_eq!(site.reason(|report| report.published).as_deref(), Some("TooFewHealthy"));
    drop(leader);
    let _next = site.lead(held(order(1..=3)));
    let mut reasons = Vec::new();
    for _ in 0..120 {
        sleep(Duration::from_secs(1)).await;
        reasons.push(site.reason(|report| report.published).unwrap_or_default());
    }
    reasons.dedup();
    assert_eq!(reasons, ["Probing", "TooFewHealthy"]);
}

#[tokio::test(start_paused = true)]
async fn who_may_soon_not_lead_any_more_does_not_go_on() {
    let site = Site::new(3);
    let leader = site.lead(order(1..=3));
    refuse(&site, Some(Fault::NotLeader));
    minutes(1).await;
    assert_eq!(site.writes(), 0);
    drop(leader);
    refuse(&site, None);
    let _next = site.lead(held(order(1..=3)));
    minutes(5).await;
    assert_eq!(site.settled(&order(1..=3)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_cluster_is_undone_and_let_go_and_what_is_not_its_own_stays() {
    let (site, leader) = settled_site(3).await;
    site.is_held.store(true, Ordering::Relaxed);
    leader.order(deleted(order(1..=3)));
    minutes(SETTLED).await;
    assert_eq!(site.undone(&order([]).owner), Ok(()));
    assert!(!site.is_held.load(Ordering::Relaxed));
    leader.order_nothing();
    let reads = site.account.state().all_reads();
    minutes(60).await;
    assert!(site.account.state().all_reads() <= reads + 10);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_deleted_in_another_mode_or_without_aws_goes_and_leaves_everything() {
    let without_aws = |mut order: Order| {
        order.spec.aws = None;
        order
    };
    for order in [in_mode(AwsMode::Plan, order(1..=3)), without_aws(order(1..=3))] {
        let (site, leader) = settled_site(3).await;
        let writes = site.writes();
        site.is_held.store(true, Ordering::Relaxed);
        leader.order(deleted(order));
        minutes(SETTLED).await;
        assert!(!site.is_held.load(Ordering::Relaxed));
        assert_eq!(site.writes(), writes);
    }
}

/// A part of a life: what is ordered from now on, and the node that is lost before.
type Part = (Order, Option<u32>);

/// Whether all is as it has to be at the end of a part.
type End = fn(&Site, &Order) -> Result<(), String>;

/// Lives it; a leader that dies is followed by one that remembers nothing. Whether one died.
async fn live(site: &Arc<Site>, life: &[Part], end: End) -> bool {
    let mut has_died = false;
    for (order, terminated) in life {
        terminated.iter().for_each(|number| site.account.state().terminate(&instance(*number)));
        let leader = site.lead(order.clone());
        if timeout(Duration::from_secs(60 * SETTLED), site.account.died.notified()).await.is_ok() {
            has_died = true;
            drop(leader);
            let _next = site.lead(order.clone());
            minutes(SETTLED).await;
        }
        assert_eq!(end(site, order), Ok(()), "{:?}", site.account.state().writes);
    }
    has_died
}

/// Lives it as often as it has calls, on a site of so many machines: each time a leader dies at another one, before or after it is carried out.
/// There are more than `least`.
async fn live_with_each_death(machines: u32, life: &[Part], end: End, least: usize) {
    for is_carried_out in [true, false] {
        for call in 0.. {
            let site = Site::new(machines);
            site.account.state().death = Some((call, is_carried_out));
            if !live(&site, life, end).await {
                assert!(call > least, "a life has more than {call} calls");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_a_leader_dies_at_the_next_one_comes_to_the_same_end() {
    let (begun, replaced) = (held(order([1, 2, 3])), held(order([1, 2, 4])));
    let life = [(begun, None), (replaced.clone(), Some(3)), (deleted(replaced), None)];
    let end: End = |site, order| match order.deleted_at {
        Some(_) => site.undone(&order.owner),
        None => site.settled(order),
    };
    live_with_each_death(4, &life, end, 15).await;
}

#[tokio::test(start_paused = true)]
async fn two_leaders_at_once_do_no_harm() {
    let site = Site::new(4);
    let both = [site.lead(held(order([1, 2, 3]))), site.lead(held(order([1, 2, 3])))];
    minutes(SETTLED).await;
    assert_eq!(site.settled(&order([1, 2, 3])), Ok(()));
    site.account.state().terminate(&instance(3));
    both[0].order(held(order([1, 2, 4])));
    minutes(1).await;
    both[1].order(held(order([1, 2, 4])));
    minutes(SETTLED).await;
    assert_eq!(site.settled(&order([1, 2, 4])), Ok(()));
}

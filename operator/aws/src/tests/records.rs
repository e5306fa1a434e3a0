//! Zones and records, against the double.

use route53_double::action::Action;
use route53_double::settings::{Settings, Sync};

use plan::aws::{
    ChangeId, Fault, RecordAction, RecordChange, RecordName, RecordSet, RecordType, Routing, ZoneId,
};

use super::endpoint::Endpoint;
use super::{Bed, clients, http, multivalue, owner, simple, wildcard};
use crate::Fence;

fn lists(bed: &Bed) -> usize {
    bed.double.calls_by_action().get(&Action::ListResourceRecordSets).copied().unwrap_or_default()
}

/// `count` simple sets in the zone.
fn crowd(count: usize, prefix: &str) -> Vec<RecordSet> {
    (0..count).map(|i| simple(&format!("{prefix}{i:04}.site.test"), "192.0.2.9")).collect()
}

fn ours(sets: &[RecordSet]) -> Vec<&RecordSet> {
    sets.iter().filter(|set| !matches!(set.routing, Routing::Simple)).collect()
}

#[tokio::test]
async fn zones_are_listed_whole_and_told_apart() {
    let bed = Bed::new().await;
    for i in 0..120 {
        bed.double.create_zone(&format!("z{i}.test")).unwrap();
    }
    let zones = bed.cloud.zones.list().await.unwrap();
    assert_eq!(zones.len(), 121);
    let zone = zones.iter().find(|zone| zone.id == bed.zone).unwrap();
    assert_eq!((zone.name.as_str(), zone.private), ("site.test", false));
    assert_eq!(bed.double.calls_by_action()[&Action::ListHostedZones], 2);
}

#[tokio::test]
async fn a_set_comes_back_as_it_was_written() {
    let bed = Bed::new().await;
    let check = bed.cloud.health_checks.create(&owner(), "r/1", &http("192.0.2.1")).await.unwrap().id;
    let alias = RecordSet {
        ttl_seconds: None,
        values: Vec::new(),
        alias: Some((bed.zone.clone(), RecordName::new("www.site.test"), true)),
        ..simple("alias.site.test", "")
    };
    let mail = RecordSet {
        type_: RecordType::Other("MX".into()),
        values: vec!["10 mail.site.test.".into()],
        ..simple("site.test", "")
    };
    let v6 = RecordSet { type_: RecordType::Aaaa, ..multivalue("site.test", "2001:db8::1", Some(&check)) };
    let mut sets = vec![multivalue("site.test", "192.0.2.1", Some(&check)), v6, mail, wildcard("site.test")];
    sets.extend([simple("www.site.test", "192.0.2.7"), alias]);
    bed.hold(&sets).await;
    let mut read = bed.read(&["site.test", "*.site.test", "www.site.test", "alias.site.test"]).await;
    read.retain(|set| !matches!(&set.type_, RecordType::Other(other) if other == "NS" || other == "SOA"));
    read.sort_by_key(|set| (set.name.clone(), set.type_.clone()));
    sets.sort_by_key(|set| (set.name.clone(), set.type_.clone()));
    assert_eq!(read, sets);
}

#[tokio::test]
async fn a_name_is_read_across_the_pages_that_it_fills() {
    let bed = Bed::new().await;
    let address = |i: usize| format!("192.0.{}.{}", 2 + i / 100, i % 100);
    let crowded: Vec<_> = (0..90).map(|i| multivalue("site.test", &address(i), None)).collect();
    let v6 = |i: usize| RecordSet {
        type_: RecordType::Aaaa,
        ..multivalue("site.test", &format!("2001:db8::{:x}", i + 1), None)
    };
    let crowded: Vec<_> = crowded.into_iter().chain((0..90).map(v6)).collect();
    bed.hold(&crowded).await;
    let text = |i: usize| RecordSet {
        type_: RecordType::Other("TXT".into()),
        routing: Routing::Multivalue { identifier: format!("{i}") },
        values: vec![format!("\"{i}\"")],
        ..simple("site.test", "")
    };
    let caa = |i: usize| RecordSet {
        type_: RecordType::Other("CAA".into()),
        routing: Routing::Multivalue { identifier: format!("{i}") },
        values: vec![format!("0 issue \"ca{i}.test\"")],
        ..simple("site.test", "")
    };
    bed.hold(&(0..90).map(text).chain((0..90).map(caa)).collect::<Vec<_>>()).await;
    bed.hold(&crowd(20, "w")).await;
    let sets = bed.read(&["site.test"]).await;
    assert_eq!((sets.len(), ours(&sets).len()), (362, 360));
    assert_eq!(lists(&bed), 2);
}

#[tokio::test]
async fn the_apex_and_the_wildcard_of_a_small_zone_are_one_reading() {
    let bed = Bed::new().await;
    bed.hold(&[multivalue("site.test", "192.0.2.1", None)]).await;
    bed.hold(&crowd(20, "w")).await;
    let sets = bed.read(&["site.test", "*.site.test"]).await;
    assert_eq!((ours(&sets).len(), lists(&bed)), (1, 1), "the wildcard is not there, and that is known");
    bed.hold(&[wildcard("site.test")]).await;
    let sets = bed.read(&["site.test", "*.site.test"]).await;
    assert_eq!((ours(&sets).len(), lists(&bed)), (2, 1));
}

#[tokio::test]
async fn reading_costs_no_more_in_a_zone_of_a_thousand_other_records() {
    let bed = Bed::new().await;
    bed.hold(&[multivalue("site.test", "192.0.2.1", None), wildcard("site.test")]).await;
    bed.hold(&crowd(500, "a")).await;
    bed.hold(&crowd(500, "0")).await;
    let sets = bed.read(&["site.test", "*.site.test"]).await;
    assert_eq!(ours(&sets).len(), 2);
    assert!(lists(&bed) <= 2, "{}", lists(&bed));
    bed.double.forget_calls();
    assert_eq!(bed.read(&["nothing.site.test"]).await, []);
    assert_eq!(lists(&bed), 1);
}

#[tokio::test]
async fn a_name_below_that_is_read_in_part_on_the_way_is_read_whole() {
    let bed = Bed::new().await;
    let sub = |i: usize| multivalue("sub.site.test", &format!("192.0.{}.{}", 2 + i / 100, i % 100), None);
    bed.hold(&(0..90).map(sub).collect::<Vec<_>>()).await;
    bed.hold(&crowd(250, "a")).await;
    let sets = bed.read(&["site.test", "sub.site.test"]).await;
    assert_eq!(ours(&sets).len(), 90, "each once");
}

#[tokio::test]
async fn a_change_is_pending_and_then_in_sync() {
    let bed = Bed::with(Settings { sync: Sync::OnCommand, ..Settings::instant() }).await;
    let change =
        RecordChange { action: RecordAction::Upsert, set: multivalue("site.test", "192.0.2.1", None) };
    let id = bed.cloud.zones.change(&bed.zone, &[change]).await.unwrap();
    assert!(!bed.cloud.zones.is_in_sync(&id).await.unwrap());
    bed.double.sync();
    assert!(bed.cloud.zones.is_in_sync(&id).await.unwrap());
    assert!(bed.cloud.zones.is_in_sync(&ChangeId::new("C0FORGOTTEN")).await.unwrap());
}

#[tokio::test]
async fn a_refused_batch_says_what_is_wrong_with_each_of_its_changes() {
    let bed = Bed::new().await;
    let create = |name: &str, value: &str| {
        let set = RecordSet { values: vec![value.to_owned()], ..multivalue(name, "192.0.2.1", None) };
        RecordChange { action: RecordAction::Create, set }
    };
    let changes = [
        create("elsewhere.example", "192.0.2.1"),
        create("site.test", "192.0.2.1"),
        create("www.site.test", "no-address"),
    ];
    let failure = bed.cloud.zones.change(&bed.zone, &changes).await.unwrap_err();
    assert_eq!((failure.fault, failure.code.as_deref()), (Fault::Invalid, Some("InvalidChangeBatch")));
    assert!(
        failure.message.contains("elsewhere.example") && failure.message.contains("no-address"),
        "{failure}"
    );
    assert_eq!(ours(&bed.read(&["site.test"]).await).len(), 0, "all or none");
}

#[tokio::test]
async fn a_set_of_a_policy_that_we_never_make_is_not_sent() {
    let bed = Bed::new().await;
    let plain = simple("site.test", "192.0.2.1");
    let other = RecordSet { routing: Routing::Other { identifier: "eu".into() }, ..plain.clone() };
    for set in [other, RecordSet { unmodelled: true, ..plain }] {
        let change = RecordChange { action: RecordAction::Delete, set };
        let failure = bed.cloud.zones.change(&bed.zone, &[change]).await.unwrap_err();
        assert_eq!(failure.fault, Fault::Invalid);
    }
    assert_eq!(bed.double.calls(), []);
}

#[tokio::test]
async fn a_set_with_a_field_that_we_do_not_know_is_told_apart() {
    let sets = "<ResourceRecordSet><Name>site.test.</Name><Type>A</Type><SetIdentifier>eu</SetIdentifier>
        <Region>eu-west-1</Region><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord>
        </ResourceRecords></ResourceRecordSet>
        <ResourceRecordSet><Name>site.test.</Name><Type>AAAA</Type><TTL>60</TTL><ResourceRecords><ResourceRecord>
        <Value>2001:db8::1</Value></ResourceRecord></ResourceRecords>
        <TrafficPolicyInstanceId>policy</TrafficPolicyInstanceId></ResourceRecordSet>";
    let endpoint = Endpoint::start(move |_| {
        let list = format!("<ResourceRecordSets>{sets}</ResourceRecordSets><IsTruncated>false</IsTruncated>");
        let answer = format!("{list}<MaxItems>300</MaxItems>");
        Some((200, format!("<ListResourceRecordSetsResponse>{answer}</ListResourceRecordSetsResponse>")))
    })
    .await;
    let (cloud, _) = clients(endpoint.url(), Fence::open());
    let names = [RecordName::new("site.test")].into();
    let sets = cloud.zones.records(&ZoneId::new("Z1"), &names).await.unwrap();
    let told: Vec<_> = sets.iter().map(|set| (set.unmodelled, set.routing.clone())).collect();
    assert_eq!(told, [(true, Routing::Other { identifier: "eu".into() }), (true, Routing::Simple)]);
}

#[tokio::test]
async fn a_zone_that_is_not_there_is_not_found() {
    let bed = Bed::new().await;
    let names = [RecordName::new("site.test")].into();
    let failure = bed.cloud.zones.records(&ZoneId::new("ZNOTHERE"), &names).await.unwrap_err();
    assert_eq!((failure.fault, failure.call), (Fault::NotFound, "route53:ListResourceRecordSets"));
}

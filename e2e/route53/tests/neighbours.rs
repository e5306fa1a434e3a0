//! Rules for a set beside others.

use aws_sdk_route53::types::{AliasTarget, ResourceRecordSet, RrType};

use crate::bed::{Bed, Create, Delete, Upsert, a, multi, set};

fn cname(name: &str, target: &str) -> ResourceRecordSet {
    set(name, RrType::Cname, &[target]).build().unwrap()
}

fn weighted(name: &str, identifier: &str, kind: RrType, value: &str) -> ResourceRecordSet {
    set(name, kind, &[value]).set_identifier(identifier).weight(1).build().unwrap()
}

fn alias(zone: &str, name: &str, target: &str) -> ResourceRecordSet {
    let target = AliasTarget::builder().hosted_zone_id(zone).dns_name(target).evaluate_target_health(false);
    ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::A)
        .alias_target(target.build().unwrap())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_cname_at_the_apex_is_refused() {
    let bed = Bed::new().await;
    bed.refuses(Upsert, cname("site.test", "other.test"), "InvalidChangeBatch", "is not permitted at apex")
        .await;
}

#[tokio::test]
async fn a_cname_beside_another_type_is_refused() {
    let bed = Bed::new().await;
    bed.change([(Create, a("www.site.test", &["192.0.2.1"]))]).await.unwrap();
    let record = cname("www.site.test", "site.test");
    bed.refuses(Create, record.clone(), "InvalidChangeBatch", "conflicts with other records").await;
    bed.change([(Delete, a("www.site.test", &["192.0.2.1"])), (Create, record)]).await.unwrap();
}

#[tokio::test]
async fn another_type_beside_a_cname_is_refused() {
    let bed = Bed::new().await;
    bed.change([(Create, cname("www.site.test", "site.test"))]).await.unwrap();
    let record = set("www.site.test", RrType::Txt, &["\"text\""]).build().unwrap();
    bed.refuses(Create, record, "InvalidChangeBatch", "conflicting RRSet of type  CNAME").await;
}

#[tokio::test]
async fn a_cname_with_two_values_is_refused() {
    let record = set("www.site.test", RrType::Cname, &["a.test", "b.test"]).build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidChangeBatch", "one value").await;
}

#[tokio::test]
async fn a_weighted_set_beside_a_multivalue_set_is_refused() {
    let bed = Bed::new().await;
    bed.change([(Create, multi("site.test", "192.0.2.1", None))]).await.unwrap();
    let record = weighted("site.test", "two", RrType::A, "192.0.2.2");
    bed.refuses(Create, record, "InvalidChangeBatch", "other RRSets exist").await;
}

#[tokio::test]
async fn a_simple_set_beside_a_multivalue_set_is_refused() {
    let bed = Bed::new().await;
    bed.change([(Create, multi("site.test", "192.0.2.1", None))]).await.unwrap();
    bed.refuses(Upsert, a("site.test", &["192.0.2.2"]), "InvalidChangeBatch", "other RRSets exist").await;
}

#[tokio::test]
async fn a_multivalue_set_beside_a_simple_set_is_refused_but_in_a_batch_that_replaces_it() {
    let bed = Bed::new().await;
    let simple = a("site.test", &["192.0.2.1"]);
    bed.change([(Create, simple.clone())]).await.unwrap();
    let record = multi("site.test", "192.0.2.1", None);
    bed.refuses(Create, record.clone(), "InvalidChangeBatch", "non multivalue answer rrset exists").await;
    bed.change([(Delete, simple), (Create, record)]).await.unwrap();
}

#[tokio::test]
async fn an_upsert_that_changes_the_policy_of_its_set_is_refused() {
    let bed = Bed::new().await;
    bed.change([(Create, weighted("site.test", "192.0.2.1", RrType::A, "192.0.2.1"))]).await.unwrap();
    let record = multi("site.test", "192.0.2.1", None);
    bed.refuses(Upsert, record, "InvalidChangeBatch", "non multivalue answer rrset exists").await;
}

#[tokio::test]
async fn more_than_a_hundred_sets_of_one_name_and_type_are_refused() {
    let bed = Bed::new().await;
    let addresses: Vec<_> = (0..100).map(|n| format!("192.0.2.{n}")).collect();
    bed.change(addresses.iter().map(|address| (Create, multi("site.test", address, None)))).await.unwrap();
    let record = multi("site.test", "192.0.2.100", None);
    bed.refuses(Create, record, "InvalidChangeBatch", "100 RRSets exist").await;
    bed.change([(Upsert, multi("site.test", "192.0.2.1", None))]).await.unwrap();
}

#[tokio::test]
async fn sets_of_one_name_and_different_types_keep_their_own_policies() {
    let bed = Bed::new().await;
    let text = set("site.test", RrType::Txt, &["\"text\""]).build().unwrap();
    bed.change([(Create, multi("site.test", "192.0.2.1", None)), (Create, text)]).await.unwrap();
    assert_eq!(bed.sets().await.len(), 2);
}

#[tokio::test]
async fn a_value_twice_in_a_set_is_refused() {
    let bed = Bed::new().await;
    let record = a("a.site.test", &["192.0.2.1", "192.0.2.1"]);
    bed.refuses(Create, record, "InvalidChangeBatch", "Duplicate Resource Record").await;
    let record = set("a.site.test", RrType::Aaaa, &["2001:db8::1", "2001:db8:0::1"]).build().unwrap();
    bed.refuses(Create, record, "InvalidChangeBatch", "Duplicate Resource Record").await;
}

#[tokio::test]
async fn an_alias_to_nothing_or_to_another_zone_is_refused() {
    let bed = Bed::new().await;
    bed.refuses(
        Create,
        alias(&bed.zone, "a.site.test", "b.site.test"),
        "InvalidChangeBatch",
        "was not found",
    )
    .await;
    let elsewhere = alias("Z2FDTNDATAQYW2", "a.site.test", "d111111abcdef8.cloudfront.test");
    bed.refuses(Create, elsewhere, "InvalidChangeBatch", "does not lie within the target zone").await;
    bed.change([(Create, a("b.site.test", &["192.0.2.1"]))]).await.unwrap();
    bed.change([(Create, alias(&bed.zone, "a.site.test", "b.site.test"))]).await.unwrap();
}

#[tokio::test]
async fn a_second_soa_is_refused() {
    let soa = "ns.site.test. host.site.test. 1 7200 900 1209600 86400";
    let record = set("a.site.test", RrType::Soa, &[soa]).build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidChangeBatch", "exactly one SOA").await;
}

#[tokio::test]
async fn a_wildcard_cname_may_be_weighted() {
    let bed = Bed::new().await;
    bed.change([(Create, weighted("*.site.test", "owner", RrType::Cname, "site.test"))]).await.unwrap();
    assert_eq!(bed.sets().await[0].name, "\\052.site.test.");
}

//! Rules for one record set alone.

use aws_sdk_route53::types::{AliasTarget, RrType};

use crate::bed::{Bed, Create, a, multi, set};

#[tokio::test]
async fn a_missing_ttl_is_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).set_ttl(None).build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidInput", "found none").await;
}

#[tokio::test]
async fn a_negative_ttl_is_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).ttl(-1).build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidInput", "TTL").await;
}

#[tokio::test]
async fn a_set_without_values_is_refused() {
    Bed::new().await.refuses(Create, a("a.site.test", &[]), "InvalidInput", "found none").await;
}

#[tokio::test]
async fn more_than_a_hundred_values_in_a_set_are_refused() {
    let values: Vec<_> = (0..101).map(|n| format!("192.0.2.{n}")).collect();
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    let bed = Bed::new().await;
    bed.refuses(Create, a("a.site.test", &values), "InvalidChangeBatch", "more than 100 records").await;
    bed.change([(Create, a("a.site.test", &values[..100]))]).await.unwrap();
}

#[tokio::test]
async fn a_set_identifier_without_a_policy_is_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).set_identifier("one").build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidInput", "found none").await;
}

#[tokio::test]
async fn a_policy_without_a_set_identifier_is_refused() {
    let bed = Bed::new().await;
    let multi = set("a.site.test", RrType::A, &["192.0.2.1"]).multi_value_answer(true).build().unwrap();
    bed.refuses(Create, multi, "InvalidInput", "Missing field 'SetIdentifier'").await;
    let weighted = set("a.site.test", RrType::A, &["192.0.2.1"]).weight(1).build().unwrap();
    bed.refuses(Create, weighted, "InvalidInput", "Missing field 'SetIdentifier'").await;
}

#[tokio::test]
async fn two_policies_in_one_set_are_refused() {
    let both = set("a.site.test", RrType::A, &["192.0.2.1"])
        .set_identifier("one")
        .weight(1)
        .multi_value_answer(true);
    Bed::new().await.refuses(Create, both.build().unwrap(), "InvalidInput", "more than one").await;
}

#[tokio::test]
async fn an_overlong_set_identifier_is_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).set_identifier("x".repeat(129)).weight(1);
    Bed::new().await.refuses(Create, record.build().unwrap(), "InvalidInput", "128").await;
}

#[tokio::test]
async fn a_weight_over_255_is_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).set_identifier("one").weight(256);
    Bed::new().await.refuses(Create, record.build().unwrap(), "InvalidInput", "255").await;
}

#[tokio::test]
async fn several_values_in_a_multivalue_set_are_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1", "192.0.2.2"]).set_identifier("one");
    let record = record.multi_value_answer(true).build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidChangeBatch", "only one value").await;
}

#[tokio::test]
async fn several_values_in_a_weighted_set_are_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1", "192.0.2.2"]).set_identifier("one").weight(1);
    Bed::new().await.refuses(Create, record.build().unwrap(), "InvalidChangeBatch", "only one value").await;
}

#[tokio::test]
async fn a_multivalue_cname_is_refused() {
    let record =
        set("a.site.test", RrType::Cname, &["site.test"]).set_identifier("one").multi_value_answer(true);
    Bed::new().await.refuses(Create, record.build().unwrap(), "InvalidInput", "multivalue").await;
}

#[tokio::test]
async fn a_health_check_on_a_simple_set_is_refused() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).health_check_id(check).build().unwrap();
    bed.refuses(Create, record, "InvalidInput", "SetIdentifier").await;
}

#[tokio::test]
async fn an_alias_with_a_ttl_is_refused() {
    let bed = Bed::new().await;
    let target =
        AliasTarget::builder().hosted_zone_id(&bed.zone).dns_name("site.test").evaluate_target_health(false);
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).alias_target(target.build().unwrap());
    bed.refuses(Create, record.build().unwrap(), "InvalidInput", "more than one").await;
}

#[tokio::test]
async fn an_asterisk_beside_other_characters_is_refused() {
    Bed::new()
        .await
        .refuses(Create, a("*a.site.test", &["192.0.2.1"]), "InvalidChangeBatch", "Unsupported")
        .await;
}

#[tokio::test]
async fn a_wildcard_of_type_ns_is_refused() {
    let record = set("*.site.test", RrType::Ns, &["ns.site.test"]).build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidChangeBatch", "wildcard").await;
}

#[tokio::test]
async fn a_name_with_an_empty_label_is_refused() {
    Bed::new()
        .await
        .refuses(Create, a("a..site.test", &["192.0.2.1"]), "InvalidChangeBatch", "DomainLabelEmpty")
        .await;
}

#[tokio::test]
async fn a_routing_policy_that_is_not_played_is_refused() {
    let record = set("a.site.test", RrType::A, &["192.0.2.1"]).set_identifier("one");
    let record = record.failover(aws_sdk_route53::types::ResourceRecordSetFailover::Primary).build().unwrap();
    Bed::new().await.refuses(Create, record, "InvalidInput", "Failover").await;
}

#[tokio::test]
async fn invalid_values_are_refused() {
    let bed = Bed::new().await;
    for (kind, value, problem) in [
        (RrType::A, "not-an-ip", "ARRDATAIllegalIPv4Address"),
        (RrType::Aaaa, "192.0.2.1", "AAAARRDATAIllegalIPv6Address"),
        (RrType::Cname, "a..test", "DomainLabelEmpty"),
        (RrType::Txt, "no quotes", "quotation marks"),
        (RrType::Mx, "mail.site.test", "RRDATANotValid"),
    ] {
        let record = set("v.site.test", kind, &[value]).build().unwrap();
        bed.refuses(Create, record, "InvalidChangeBatch", problem).await;
    }
}

#[tokio::test]
async fn what_a_set_says_is_listed_as_it_was_sent() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let record = multi("site.test.", "192.0.2.1", Some(&check));
    bed.change([(Create, record.clone())]).await.unwrap();
    assert_eq!(bed.sets().await, [record]);
}

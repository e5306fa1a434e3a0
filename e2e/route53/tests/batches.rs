//! Rules for a batch.

use aws_sdk_route53::types::{ChangeAction, RrType};

use crate::bed::{Bed, Create, Delete, Upsert, a, multi, set};

#[tokio::test]
async fn one_bad_change_keeps_the_whole_batch_out() {
    let bed = Bed::new().await;
    let batch = [
        (Create, a("good.site.test", &["192.0.2.1"])),
        (Create, a("bad.site.test", &["not-an-ip"])),
        (Delete, a("absent.site.test", &["192.0.2.1"])),
    ];
    let refused = bed.change(batch).await.unwrap_err();
    refused.is("InvalidChangeBatch", "ARRDATAIllegalIPv4Address");
    refused.is("InvalidChangeBatch", "but it was not found");
    assert_eq!(bed.sets().await, []);
}

#[tokio::test]
async fn an_upsert_replaces_only_its_own_set() {
    let bed = Bed::new().await;
    let sets = ["192.0.2.1", "192.0.2.2"].map(|address| (Create, multi("site.test", address, None)));
    bed.change(sets).await.unwrap();
    let mut changed = multi("site.test", "192.0.2.1", None);
    changed.ttl = Some(5);
    bed.change([(Upsert, changed)]).await.unwrap();
    let ttls: Vec<_> = bed.sets().await.iter().map(|set| set.ttl).collect();
    assert_eq!(ttls, [Some(5), Some(60)]);
}

#[tokio::test]
async fn creating_what_exists_is_refused() {
    let bed = Bed::new().await;
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    let again = a("a.site.test", &["192.0.2.2"]);
    bed.refuses(Create, again, "InvalidChangeBatch", "[name='a.site.test.', type='A'] but it already exists")
        .await;
}

#[tokio::test]
async fn deleting_what_is_not_there_is_refused() {
    let bed = Bed::new().await;
    bed.change([(Create, multi("a.site.test", "192.0.2.1", None))]).await.unwrap();
    let other = multi("b.site.test", "192.0.2.1", None);
    bed.refuses(Delete, other, "InvalidChangeBatch", "but it was not found").await;
    bed.change([(Delete, multi("a.site.test", "192.0.2.1", None))]).await.unwrap();
    let again = multi("a.site.test", "192.0.2.1", None);
    bed.refuses(Delete, again, "InvalidChangeBatch", "but it was not found").await;
}

#[tokio::test]
async fn a_delete_must_name_every_value() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let weighted = |weight| {
        let record = set("w.site.test", RrType::A, &["192.0.2.1"]).set_identifier("one").weight(weight);
        record.health_check_id(&check).build().unwrap()
    };
    let stored = a("a.site.test", &["192.0.2.1", "192.0.2.2"]);
    bed.change([(Create, stored), (Create, weighted(1))]).await.unwrap();
    let mut ttl = a("a.site.test", &["192.0.2.1", "192.0.2.2"]);
    ttl.ttl = Some(61);
    let mut unchecked = weighted(1);
    unchecked.health_check_id = None;
    for wrong in [a("a.site.test", &["192.0.2.1"]), ttl, weighted(2), unchecked] {
        bed.refuses(Delete, wrong, "InvalidChangeBatch", "do not match the current values").await;
    }
    let in_other_order = a("a.site.test", &["192.0.2.2", "192.0.2.1"]);
    bed.change([(Delete, in_other_order), (Delete, weighted(1))]).await.unwrap();
}

#[tokio::test]
async fn one_set_twice_in_a_batch_is_refused() {
    let bed = Bed::new().await;
    let record = || a("a.site.test", &["192.0.2.1"]);
    for actions in [[Create, Create], [Upsert, Upsert], [Create, Delete], [Delete, Delete]] {
        let refused = bed.change(actions.map(|action| (action, record()))).await.unwrap_err();
        refused.is("InvalidChangeBatch", "invalid set of changes for a resource record set 'A a.site.test.'");
    }
}

#[tokio::test]
async fn names_outside_of_the_zone_are_refused() {
    let bed = Bed::new().await;
    for name in ["other.test", "foosite.test", "test"] {
        bed.refuses(
            Create,
            a(name, &["192.0.2.1"]),
            "InvalidChangeBatch",
            "is not permitted in zone site.test.",
        )
        .await;
    }
}

#[tokio::test]
async fn the_records_of_the_zone_itself_stay() {
    let bed = Bed::new().await;
    let listed = bed.client.list_resource_record_sets().hosted_zone_id(&bed.zone).send().await.unwrap();
    for record in listed.resource_record_sets {
        bed.refuses(Delete, record, "InvalidChangeBatch", "A HostedZone must contain").await;
    }
}

#[tokio::test]
async fn a_health_check_that_does_not_exist_is_refused() {
    let record = multi("site.test", "192.0.2.1", Some("00000000-0000-4000-8000-00000000ffff"));
    Bed::new().await.refuses(Create, record, "NoSuchHealthCheck", "does not exist").await;
}

#[tokio::test]
async fn an_unknown_zone_is_refused() {
    let bed = Bed::new().await;
    let refused =
        bed.change_zone("Z9999999999999", [(Create, a("site.test", &["192.0.2.1"]))]).await.unwrap_err();
    refused.is("NoSuchHostedZone", "Z9999999999999");
}

#[tokio::test]
async fn more_than_a_thousand_values_are_refused_and_upserts_count_twice() {
    let bed = Bed::new().await;
    let batch = |action: ChangeAction, count: usize| {
        let record = |n| a(&format!("n{n}.site.test"), &["192.0.2.1"]);
        (0..count).map(move |n| (action.clone(), record(n))).collect::<Vec<_>>()
    };
    bed.change(batch(Create, 1_001)).await.unwrap_err().is("InvalidChangeBatch", "records limit of 1000");
    bed.change(batch(Upsert, 501)).await.unwrap_err().is("InvalidChangeBatch", "records limit of 1000");
    bed.change(batch(Upsert, 500)).await.unwrap();
    bed.change(batch(Delete, 500)).await.unwrap();
    bed.change(batch(Create, 1_000)).await.unwrap();
}

#[tokio::test]
async fn more_than_32000_characters_of_values_are_refused_and_upserts_count_twice() {
    let bed = Bed::new().await;
    let text = format!("\"{}\"", "x".repeat(248));
    let batch = |action: ChangeAction, count: usize| {
        let record = |n| set(&format!("n{n}.site.test"), RrType::Txt, &[&text]).build().unwrap();
        (0..count).map(|n| (action.clone(), record(n))).collect::<Vec<_>>()
    };
    bed.change(batch(Create, 129)).await.unwrap_err().is("InvalidChangeBatch", "characters limit of 32000");
    bed.change(batch(Upsert, 65)).await.unwrap_err().is("InvalidChangeBatch", "characters limit of 32000");
    bed.change(batch(Upsert, 64)).await.unwrap();
}

//! What the name server answers: health and weights.

use std::collections::BTreeSet;

use aws_sdk_route53::types::RrType;
use hickory_proto::rr::RecordType;

use crate::bed::{Bed, Create, in_time, multi, set};

/// One multivalue set with a health check for each of so many addresses.
async fn bed_with(count: usize) -> (Bed, Vec<String>) {
    let bed = Bed::new().await;
    let addresses: Vec<_> = (1..=count).map(|n| format!("192.0.2.{n}")).collect();
    for address in &addresses {
        let check = bed.health_check(address).await;
        bed.change([(Create, multi("site.test", address, Some(&check)))]).await.unwrap();
    }
    (bed, addresses)
}

async fn answered(bed: &Bed, name: &str) -> Vec<String> {
    bed.double.ask(name, RecordType::A).await.unwrap().values()
}

fn set_health(bed: &Bed, address: &str, healthy: bool) {
    bed.double.set_health(address.parse().unwrap(), healthy);
}

#[tokio::test]
async fn unhealthy_addresses_leave_the_answer_and_come_back() {
    let (bed, addresses) = bed_with(3).await;
    assert_eq!(answered(&bed, "site.test.").await, addresses, "new checks count as healthy");
    set_health(&bed, "192.0.2.2", false);
    assert_eq!(answered(&bed, "site.test.").await, ["192.0.2.1", "192.0.2.3"]);
    set_health(&bed, "192.0.2.2", true);
    assert_eq!(answered(&bed, "site.test.").await, addresses);
}

#[tokio::test]
async fn all_unhealthy_answers_all() {
    let (bed, addresses) = bed_with(3).await;
    for address in &addresses {
        set_health(&bed, address, false);
    }
    assert_eq!(answered(&bed, "site.test.").await, addresses);
}

#[tokio::test]
async fn a_set_without_a_check_counts_as_healthy() {
    let (bed, _) = bed_with(1).await;
    bed.change([(Create, multi("site.test", "192.0.2.9", None))]).await.unwrap();
    set_health(&bed, "192.0.2.1", false);
    assert_eq!(answered(&bed, "site.test.").await, ["192.0.2.9"]);
}

#[tokio::test]
async fn an_answer_holds_at_most_eight_sets_and_in_time_every_one() {
    let (bed, addresses) = bed_with(12).await;
    let seen_all = async {
        let mut seen = BTreeSet::new();
        while seen.len() < addresses.len() {
            let answer = answered(&bed, "site.test.").await;
            assert_eq!(answer.len(), 8);
            seen.extend(answer);
        }
    };
    in_time(seen_all).await;
}

#[tokio::test]
async fn the_record_of_a_deleted_check_is_not_answered() {
    let (bed, _) = bed_with(2).await;
    let checks = bed.client.list_health_checks().send().await.unwrap().health_checks;
    bed.client.delete_health_check().health_check_id(&checks[0].id).send().await.unwrap();
    assert_eq!(answered(&bed, "site.test.").await, ["192.0.2.2"]);
}

#[tokio::test]
async fn inverted_and_disabled_checks_change_the_answer() {
    let (bed, addresses) = bed_with(2).await;
    let checks = bed.client.list_health_checks().send().await.unwrap().health_checks;
    let update = || bed.client.update_health_check().health_check_id(&checks[0].id);
    update().inverted(true).send().await.unwrap();
    assert_eq!(answered(&bed, "site.test.").await, ["192.0.2.2"]);
    set_health(&bed, "192.0.2.1", false);
    assert_eq!(answered(&bed, "site.test.").await, addresses);
    update().inverted(false).disabled(true).send().await.unwrap();
    assert_eq!(answered(&bed, "site.test.").await, addresses);
}

#[tokio::test]
async fn one_weighted_set_is_answered_and_none_of_weight_zero() {
    let bed = Bed::new().await;
    let weighted = |address: &str, weight| {
        let record = set("w.site.test", RrType::A, &[address]).set_identifier(address).weight(weight);
        (Create, record.build().unwrap())
    };
    bed.change([weighted("192.0.2.1", 100), weighted("192.0.2.2", 255), weighted("192.0.2.3", 0)])
        .await
        .unwrap();
    let seen_two = async {
        let mut seen = BTreeSet::new();
        while seen.len() < 2 {
            let answer = answered(&bed, "w.site.test.").await;
            assert_eq!(answer.len(), 1);
            seen.extend(answer);
        }
        seen
    };
    assert!(!in_time(seen_two).await.contains("192.0.2.3"));
}

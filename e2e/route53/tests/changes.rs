//! The way of a change to the name server.

use std::time::Duration;

use aws_sdk_route53::types::ChangeStatus;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use route53_double::settings::{Settings, Sync};

use crate::bed::{Bed, Create, a, in_time, refused};

async fn status(bed: &Bed, id: &str) -> ChangeStatus {
    bed.client.get_change().id(id).send().await.unwrap().change_info.unwrap().status
}

#[tokio::test]
async fn a_change_is_pending_and_not_served_until_it_is_in_sync() {
    let bed = Bed::with(Settings { sync: Sync::OnCommand, ..Settings::instant() }).await;
    let id = bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    assert_eq!(status(&bed, &id).await, ChangeStatus::Pending);
    assert_eq!(bed.sets().await.len(), 1, "the API lists it at once");
    assert_eq!(bed.double.ask("a.site.test.", RecordType::A).await.unwrap().code, ResponseCode::NXDomain);

    bed.double.sync();
    assert_eq!(status(&bed, &id).await, ChangeStatus::Insync);
    assert_eq!(bed.double.ask("a.site.test.", RecordType::A).await.unwrap().values(), ["192.0.2.1"]);
}

#[tokio::test]
async fn a_change_comes_in_sync_by_itself() {
    let bed =
        Bed::with(Settings { sync: Sync::After(Duration::from_millis(20)), ..Settings::instant() }).await;
    let id = bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    let in_sync = async { while status(&bed, &id).await != ChangeStatus::Insync {} };
    in_time(in_sync).await;
    assert_eq!(bed.double.ask("a.site.test.", RecordType::A).await.unwrap().values(), ["192.0.2.1"]);
}

#[tokio::test]
async fn an_unknown_change_is_refused() {
    let bed = Bed::new().await;
    let error = bed.client.get_change().id("C9999999999999").send().await.unwrap_err();
    refused(&error).is("NoSuchChange", "C9999999999999");
}

#[tokio::test]
async fn a_change_to_a_zone_that_works_on_one_is_refused() {
    let bed = Bed::with(Settings { processing: Duration::from_secs(3_600), ..Settings::instant() }).await;
    let other = bed.double.create_zone("other.test").unwrap();
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    let next = (Create, a("b.site.test", &["192.0.2.1"]));
    bed.change([next]).await.unwrap_err().is("PriorRequestNotComplete", "prior request");
    bed.change_zone(&other, [(Create, a("b.other.test", &["192.0.2.1"]))]).await.unwrap();
}

#[tokio::test]
async fn a_zone_takes_the_next_change_when_it_is_done() {
    let bed = Bed::with(Settings { processing: Duration::from_millis(20), ..Settings::instant() }).await;
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    let taken = async {
        while let Err(refused) = bed.change([(Create, a("b.site.test", &["192.0.2.1"]))]).await {
            refused.is("PriorRequestNotComplete", "");
        }
    };
    in_time(taken).await;
}

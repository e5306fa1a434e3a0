//! What is tried again, what the fence keeps back, and what the observer is told.

use std::sync::atomic::{AtomicU32, Ordering};

use route53_double::action::Action;
use route53_double::fault::Fault as Played;

use plan::aws::{Fault, InstanceId, RecordAction, RecordChange, RecordName, ZoneId};

use super::endpoint::{Endpoint, refusal};
use super::{Bed, clients, http, multivalue, owner};
use crate::Fence;
use crate::caller::ATTEMPT;

fn refuse(status: u16, code: &str) -> Played {
    Played::Refuse { status, code: code.to_owned() }
}

fn change() -> RecordChange {
    RecordChange { action: RecordAction::Upsert, set: multivalue("site.test", "192.0.2.1", None) }
}

#[tokio::test]
async fn a_read_outlives_two_faults_that_pass() {
    let bed = Bed::new().await;
    let faults = [
        (Played::Throttle, "Throttled"),
        (Played::server_error(), "Server"),
        (Played::Drop, "Unreachable"),
        (refuse(403, "SignatureDoesNotMatch"), "SignatureRefused"),
    ];
    for (fault, _) in &faults {
        bed.double.order(None, 2, fault.clone());
        assert_eq!(bed.cloud.zones.list().await.unwrap().len(), 1);
    }
    let told: Vec<_> = bed.log.attempts().into_iter().map(|(_, outcome)| outcome).collect();
    let expected: Vec<_> = faults.iter().flat_map(|(_, word)| [*word, *word, "Ok"]).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn the_third_fault_is_the_answer() {
    let bed = Bed::new().await;
    bed.double.order(None, 3, Played::Throttle);
    let failure = bed.cloud.zones.list().await.unwrap_err();
    assert_eq!((failure.fault, failure.code.as_deref()), (Fault::Throttled, Some("Throttling")));
    assert_eq!(bed.log.attempts(), [("ListHostedZones", "Throttled"); 3]);
}

#[tokio::test]
async fn what_will_not_pass_is_not_tried_again() {
    let bed = Bed::new().await;
    for code in ["AccessDenied", "ExpiredToken", "InvalidInput", "NoSuchHostedZone", "LimitsExceeded"] {
        bed.double.order(None, 1, refuse(400, code));
        let failure = bed.cloud.zones.list().await.unwrap_err();
        assert_eq!(failure.code.as_deref(), Some(code));
    }
    assert_eq!(bed.log.attempts().len(), 5);
}

#[tokio::test]
async fn a_change_of_records_waits_for_the_one_before() {
    let bed = Bed::new().await;
    bed.double.order(Some(Action::ChangeResourceRecordSets), 2, refuse(400, "PriorRequestNotComplete"));
    bed.cloud.zones.change(&bed.zone, &[change()]).await.unwrap();
    assert_eq!(bed.double.calls_by_action()[&Action::ChangeResourceRecordSets], 3);
}

#[tokio::test]
async fn the_fence_keeps_every_write_back_and_no_read() {
    let bed = Bed::new().await;
    let (cloud, log) = clients(&bed.double.endpoint(), Fence::closed());
    let check = plan::aws::HealthCheckId::new("c");
    let address = plan::aws::AllocationId::new("eipalloc-1");
    let failures = [
        cloud.zones.change(&bed.zone, &[change()]).await.unwrap_err(),
        cloud.health_checks.create(&owner(), "r/1", &http("192.0.2.1")).await.unwrap_err(),
        cloud.health_checks.update(&check, 1, &http("192.0.2.1")).await.unwrap_err(),
        cloud.health_checks.delete(&check).await.unwrap_err(),
        cloud.addresses.allocate(&owner(), "n1").await.unwrap_err(),
        cloud.addresses.associate(&address, &plan::aws::InterfaceId::new("eni-1")).await.unwrap_err(),
        cloud.addresses.disassociate(&plan::aws::AssociationId::new("a")).await.unwrap_err(),
        cloud.addresses.release(&address).await.unwrap_err(),
    ];
    assert!(failures.iter().all(|failure| failure.fault == Fault::NotLeader), "{failures:?}");
    assert_eq!(bed.double.calls(), []);
    assert!(log.attempts().iter().all(|(_, outcome)| *outcome == "NotLeader"));
    assert_eq!(cloud.zones.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_fence_is_asked_before_each_attempt_for_as_long_as_one_can_take() {
    let bed = Bed::new().await;
    let asked = AtomicU32::new(0);
    let once = move |longest| longest == ATTEMPT && asked.fetch_add(1, Ordering::Relaxed) == 0;
    let (cloud, log) = clients(&bed.double.endpoint(), Fence::new(once));
    bed.double.order(None, 1, Played::Throttle);
    let failure = cloud.zones.change(&bed.zone, &[change()]).await.unwrap_err();
    assert_eq!(failure.fault, Fault::NotLeader);
    let action = "ChangeResourceRecordSets";
    assert_eq!(log.attempts(), [(action, "Throttled"), (action, "NotLeader")]);
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_unreachable() {
    let endpoint = Endpoint::start(|_| None).await;
    let url = endpoint.url().to_owned();
    drop(endpoint);
    let (cloud, log) = clients(&url, Fence::open());
    let failure = cloud.addresses.list().await.unwrap_err();
    assert_eq!((failure.fault, failure.code.as_ref()), (Fault::Unreachable, None));
    assert_eq!(log.attempts(), [("DescribeAddresses", "Unreachable"); 3]);
}

#[tokio::test]
async fn a_message_does_not_repeat_the_request_that_was_refused() {
    let said = "The signature does not match.\n\nThe Canonical String was\nx-amz-security-token:SECRET";
    let endpoint = Endpoint::start(move |_| refusal(403, "SignatureDoesNotMatch", said)).await;
    let (cloud, _) = clients(endpoint.url(), Fence::open());
    let failure = cloud.addresses.list().await.unwrap_err();
    assert_eq!(
        (failure.fault, failure.message.as_str()),
        (Fault::SignatureRefused, "The signature does not match.")
    );
}

#[tokio::test]
async fn an_answer_without_its_list_is_no_empty_list() {
    let bodies =
        ["<html>Welcome</html>", "", "<DescribeAddressesResponse><addr", "<ListHostedZonesResponse><Hosted"];
    for body in bodies {
        let endpoint = Endpoint::start(move |_| Some((200, body.to_owned()))).await;
        let (cloud, _) = clients(endpoint.url(), Fence::open());
        assert_eq!(cloud.addresses.list().await.unwrap_err().fault, Fault::Server, "{body}");
        let ids = [InstanceId::new("i-1")].into();
        assert_eq!(cloud.instances.describe(&ids).await.unwrap_err().fault, Fault::Server, "{body}");
        assert_eq!(cloud.zones.list().await.unwrap_err().fault, Fault::Server, "{body}");
        let names = [RecordName::new("site.test")].into();
        let records = cloud.zones.records(&ZoneId::new("Z1"), &names).await;
        assert_eq!(records.unwrap_err().fault, Fault::Server, "{body}");
        assert_eq!(cloud.health_checks.list(&owner()).await.unwrap_err().fault, Fault::Server, "{body}");
    }
}

//! Faults on order, the throttle, and the log of calls.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_route53::Client;
use aws_sdk_route53::config::retry::RetryConfig;
use aws_sdk_route53::error::SdkError;
use route53_double::action::Action;
use route53_double::fault::Fault;
use route53_double::settings::Settings;
use route53_double::throttle::{Rate, Rates};

use crate::bed::{Bed, Create, a, in_time, refused};

/// Buckets that do not fill while a test runs.
fn rates(account: f64, actions: &[(Action, f64)]) -> Option<Rates> {
    let rate = |burst| Rate { burst, per_second: 0.0 };
    let actions = actions.iter().map(|(action, burst)| (*action, rate(*burst)));
    Some(Rates { account: rate(account), action: rate(100.0), actions: actions.collect::<HashMap<_, _>>() })
}

#[tokio::test]
async fn requests_over_the_rate_of_the_account_are_refused() {
    let bed = Bed::with(Settings { rates: rates(3.0, &[]), ..Settings::instant() }).await;
    for _ in 0..3 {
        bed.client.list_hosted_zones().send().await.unwrap();
    }
    let error = bed.client.get_health_check_count().send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    refused(&error).is("Throttling", "Rate exceeded");
}

#[tokio::test]
async fn requests_over_the_rate_of_their_action_are_refused_and_others_are_not() {
    let rates = rates(100.0, &[(Action::GetHealthCheckStatus, 1.0), (Action::CreateHealthCheck, 1.0)]);
    let bed = Bed::with(Settings { rates, ..Settings::instant() }).await;
    let check = bed.health_check("192.0.2.1").await;
    let status = || bed.client.get_health_check_status().health_check_id(&check).send();
    status().await.unwrap();
    refused(&status().await.unwrap_err()).is("Throttling", "Rate exceeded");
    let create = bed
        .client
        .create_health_check()
        .caller_reference("2")
        .health_check_config(crate::bed::http("192.0.2.2"));
    refused(&create.send().await.unwrap_err()).is("Throttling", "Rate exceeded");
    bed.client.get_health_check().health_check_id(&check).send().await.unwrap();
}

#[tokio::test]
async fn the_next_calls_of_an_action_are_throttled_on_order() {
    let bed = Bed::new().await;
    bed.double.order(Some(Action::ChangeResourceRecordSets), 2, Fault::Throttle);
    bed.client.list_hosted_zones().send().await.unwrap();
    for _ in 0..2 {
        bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap_err().is("Throttling", "");
    }
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
}

#[tokio::test]
async fn the_retries_of_the_sdk_take_these_refusals_for_passing_ones() {
    let bed = Bed::new().await;
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let patient = Client::from_conf(bed.client.config().to_builder().retry_config(retries).build());
    let busy = Fault::Refuse { status: 400, code: "PriorRequestNotComplete".to_owned() };
    for fault in [Fault::Throttle, Fault::server_error(), busy, Fault::Drop] {
        bed.double.order(None, 1, fault);
        patient.list_hosted_zones().send().await.unwrap();
    }
    assert_eq!(bed.double.calls().len(), 8);
}

#[tokio::test]
async fn any_refusal_can_be_ordered() {
    let bed = Bed::new().await;
    bed.double.order(None, 1, Fault::server_error());
    bed.double.order(None, 1, Fault::Refuse { status: 403, code: "ExpiredToken".to_owned() });
    let first = bed.client.list_hosted_zones().send().await.unwrap_err();
    assert_eq!(first.raw_response().unwrap().status().as_u16(), 500);
    refused(&first).is("InternalError", "");
    refused(&bed.client.list_hosted_zones().send().await.unwrap_err()).is("ExpiredToken", "");
}

#[tokio::test]
async fn a_lost_reply_leaves_the_change_applied() {
    let bed = Bed::new().await;
    let create = || {
        bed.client
            .create_health_check()
            .caller_reference("1")
            .health_check_config(crate::bed::http("192.0.2.1"))
    };
    bed.double.order(Some(Action::CreateHealthCheck), 1, Fault::LoseReply);
    let lost = create().send().await.unwrap_err();
    assert!(matches!(lost, SdkError::DispatchFailure(_)), "{lost:?}");
    assert_eq!(bed.client.get_health_check_count().send().await.unwrap().health_check_count, 1);
    assert!(!bed.double.calls()[0].answered);
}

#[tokio::test]
async fn a_dropped_call_changes_nothing() {
    let bed = Bed::new().await;
    bed.double.order(Some(Action::CreateHostedZone), 1, Fault::Drop);
    let create = bed.client.create_hosted_zone().name("new.test").caller_reference("new").send().await;
    assert!(matches!(create.unwrap_err(), SdkError::DispatchFailure(_)));
    assert_eq!(bed.double.calls()[0].status, None);
    assert_eq!(bed.client.list_hosted_zones().send().await.unwrap().hosted_zones.len(), 1);
}

#[tokio::test]
async fn a_delayed_call_is_carried_out_after_its_time() {
    let bed = Bed::new().await;
    let delay = Duration::from_millis(50);
    bed.double.order(Some(Action::ListHostedZones), 1, Fault::delay(delay));
    let started = Instant::now();
    assert_eq!(bed.client.list_hosted_zones().send().await.unwrap().hosted_zones.len(), 1);
    assert!(started.elapsed() >= delay);
}

#[tokio::test]
async fn a_call_is_carried_out_though_its_client_gave_up() {
    let bed = Bed::new().await;
    bed.double.order(None, 1, Fault::delay(Duration::from_millis(50)));
    let arrived = async {
        while bed.double.faults_left() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        biased;
        () = arrived => {}
        _ = bed.health_check("192.0.2.1") => panic!("the call was not delayed"),
    }
    let carried_out = async {
        while bed.double.calls().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    in_time(carried_out).await;
    assert_eq!(bed.client.get_health_check_count().send().await.unwrap().health_check_count, 1);
}

#[tokio::test]
async fn calls_are_counted_by_action() {
    let bed = Bed::new().await;
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap();
    bed.change([(Create, a("a.site.test", &["192.0.2.1"]))]).await.unwrap_err();
    bed.client.list_hosted_zones().send().await.unwrap();
    let expected = BTreeMap::from([(Action::ListHostedZones, 1), (Action::ChangeResourceRecordSets, 2)]);
    assert_eq!(bed.double.calls_by_action(), expected);
    assert_eq!(bed.double.calls()[1].code.as_deref(), Some("InvalidChangeBatch"));
    bed.double.forget_calls();
    assert_eq!(bed.double.calls(), []);
}

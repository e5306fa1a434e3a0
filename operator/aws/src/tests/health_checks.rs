//! Health checks, against the double.

use aws_sdk_route53::types::{HealthCheckRegion, HealthCheckType};
use route53_double::action::Action;
use route53_double::fault::Fault as Played;
use route53_double::settings::Settings;

use plan::aws::{DnsHealthCheckProtocol, Fault, HealthCheckConfig, Owner};

use super::{Bed, config, http, owner};

/// A client of the SDK for what somebody else does.
fn somebody(bed: &Bed) -> aws_sdk_route53::Client {
    aws_sdk_route53::Client::new(&config(&bed.double.endpoint()))
}

async fn listed(bed: &Bed) -> Option<HealthCheckConfig> {
    let mut checks = bed.cloud.health_checks.list(&owner()).await.unwrap();
    assert_eq!(checks.len(), 1);
    checks.remove(0).config
}

async fn create(bed: &Bed, config: &HealthCheckConfig) -> plan::aws::HealthCheck {
    let reference = owner().reference(config, 1);
    bed.cloud.health_checks.create(&owner(), &reference, config).await.unwrap()
}

#[tokio::test]
async fn a_check_comes_back_as_it_was_created_whatever_its_protocol() {
    let https =
        HealthCheckConfig { protocol: DnsHealthCheckProtocol::Https, port: 8443, ..http("192.0.2.2") };
    let tcp = HealthCheckConfig { protocol: DnsHealthCheckProtocol::Tcp, path: None, ..http("2001:db8::3") };
    for config in [http("192.0.2.1"), https, tcp] {
        let bed = Bed::new().await;
        let created = create(&bed, &config).await;
        assert_eq!(created.config, Some(config.clone()));
        assert_eq!((created.version, created.reference), (1, owner().reference(&config, 1)));
        assert_eq!(listed(&bed).await, Some(config));
    }
}

#[tokio::test]
async fn only_the_checks_of_the_owner_are_listed_from_every_page() {
    let bed = Bed::with(Settings { max_health_checks: 2000, ..Settings::instant() }).await;
    let other = Owner::new("site", "another");
    for i in 0..=200 {
        let config = http(&format!("192.0.2.{}", 1 + i));
        let owner = if i % 200 == 0 { owner() } else { other.clone() };
        bed.cloud.health_checks.create(&owner, &owner.reference(&config, 1), &config).await.unwrap();
    }
    bed.double.forget_calls();
    assert_eq!(bed.cloud.health_checks.list(&owner()).await.unwrap().len(), 2);
    assert_eq!(bed.double.calls_by_action()[&Action::ListHealthChecks], 3);
}

#[tokio::test]
async fn creating_again_with_the_same_reference_gives_the_check_that_is_there() {
    let bed = Bed::new().await;
    let first = create(&bed, &http("192.0.2.1")).await;
    assert_eq!(create(&bed, &http("192.0.2.1")).await.id, first.id);
    let other = HealthCheckConfig { port: 81, ..http("192.0.2.1") };
    let failure = bed.cloud.health_checks.create(&owner(), &first.reference, &other).await.unwrap_err();
    assert_eq!((failure.fault, failure.code.as_deref()), (Fault::Conflict, Some("HealthCheckAlreadyExists")));
}

#[tokio::test]
async fn the_reference_of_a_deleted_check_is_a_conflict() {
    let bed = Bed::new().await;
    let check = create(&bed, &http("192.0.2.1")).await;
    bed.cloud.health_checks.delete(&check.id).await.unwrap();
    bed.cloud.health_checks.delete(&check.id).await.expect("one that is gone is a success");
    let again = bed.cloud.health_checks.create(&owner(), &check.reference, &http("192.0.2.1")).await;
    assert_eq!(again.unwrap_err().fault, Fault::Conflict);
}

#[tokio::test]
async fn a_lost_reply_to_a_creation_leaves_one_check() {
    let bed = Bed::new().await;
    bed.double.order(Some(Action::CreateHealthCheck), 1, Played::LoseReply);
    create(&bed, &http("192.0.2.1")).await;
    assert_eq!(bed.cloud.health_checks.list(&owner()).await.unwrap().len(), 1);
    assert_eq!(bed.log.attempts()[..2], [("CreateHealthCheck", "Unreachable"), ("CreateHealthCheck", "Ok")]);
}

#[tokio::test]
async fn a_check_that_cannot_be_named_is_created_all_the_same() {
    let bed = Bed::new().await;
    bed.double.order(
        Some(Action::ChangeTagsForResource),
        1,
        Played::Refuse { status: 403, code: "AccessDenied".into() },
    );
    create(&bed, &http("192.0.2.1")).await;
    assert_eq!(bed.log.attempts(), [("CreateHealthCheck", "Ok"), ("ChangeTagsForResource", "Denied")]);
}

#[tokio::test]
async fn the_tag_of_a_check_names_its_cluster_and_its_address() {
    let bed = Bed::new().await;
    let check = create(&bed, &http("192.0.2.1")).await;
    let request = somebody(&bed).list_tags_for_resource().resource_id(check.id.as_str());
    let request = request.resource_type(aws_sdk_route53::types::TagResourceType::Healthcheck);
    let set = request.send().await.unwrap().resource_tag_set.unwrap();
    let name = set.tags().iter().find(|tag| tag.key() == Some("Name")).and_then(|tag| tag.value());
    assert_eq!(name, Some("flynn site 192.0.2.1"));
}

#[tokio::test]
async fn an_update_names_the_version_that_it_is_about() {
    let bed = Bed::new().await;
    let check = create(&bed, &http("192.0.2.1")).await;
    let wanted =
        HealthCheckConfig { port: 8080, path: Some("/up".into()), failure_threshold: 5, ..http("192.0.2.1") };
    bed.cloud.health_checks.update(&check.id, check.version, &wanted).await.unwrap();
    assert_eq!(listed(&bed).await, Some(wanted.clone()));
    let failure = bed.cloud.health_checks.update(&check.id, check.version, &wanted).await.unwrap_err();
    assert_eq!(
        (failure.fault, failure.code.as_deref()),
        (Fault::Conflict, Some("HealthCheckVersionMismatch"))
    );
}

#[tokio::test]
async fn what_somebody_turned_is_told_and_an_update_turns_it_back() {
    let bed = Bed::new().await;
    let https = HealthCheckConfig { protocol: DnsHealthCheckProtocol::Https, ..http("192.0.2.1") };
    let check = create(&bed, &https).await;
    let client = somebody(&bed);
    let change = || client.update_health_check().health_check_id(check.id.as_str());
    let regions = [HealthCheckRegion::EuWest1, HealthCheckRegion::UsEast1, HealthCheckRegion::UsWest1];
    let turned = [
        change().inverted(true),
        change().disabled(true),
        change().enable_sni(true),
        change().fully_qualified_domain_name("elsewhere.test"),
        change().set_regions(Some(regions.to_vec())),
    ];
    for change in turned {
        let version = change.send().await.unwrap().health_check.unwrap().health_check_version;
        assert_eq!(listed(&bed).await, None);
        bed.cloud.health_checks.update(&check.id, version, &https).await.unwrap();
        assert_eq!(listed(&bed).await, Some(https.clone()));
    }
}

#[tokio::test]
async fn a_check_of_a_kind_that_we_never_make_has_no_settings() {
    let bed = Bed::new().await;
    let settings = aws_sdk_route53::types::HealthCheckConfig::builder().ip_address("192.0.2.1");
    let settings = settings.r#type(HealthCheckType::HttpStrMatch).search_string("ok").build().unwrap();
    let reference = owner().reference(&http("192.0.2.1"), 1);
    let request = somebody(&bed).create_health_check().caller_reference(reference);
    request.health_check_config(settings).send().await.unwrap();
    assert_eq!(listed(&bed).await, None);
}

#[tokio::test]
async fn health_is_how_many_checkers_find_it_healthy() {
    let bed = Bed::new().await;
    let check = create(&bed, &http("192.0.2.1")).await;
    for healthy in [true, false] {
        bed.double.set_health("192.0.2.1".parse().unwrap(), healthy);
        let health = bed.cloud.health_checks.health(&check.id).await.unwrap();
        assert!(health.of >= 8, "{health:?}");
        assert_eq!((health.is_healthy(), health.healthy == health.of), (healthy, healthy));
    }
}

#[tokio::test]
async fn the_quota_of_health_checks_is_a_quota() {
    let bed = Bed::with(Settings { max_health_checks: 0, ..Settings::instant() }).await;
    let failure = bed.cloud.health_checks.create(&owner(), "r/1", &http("192.0.2.1")).await.unwrap_err();
    assert_eq!((failure.fault, failure.code.as_deref()), (Fault::Quota, Some("TooManyHealthChecks")));
}

//! Rules for health checks.

use aws_sdk_route53::operation::create_health_check::CreateHealthCheckOutput;
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
use route53_double::settings::Settings;

use crate::bed::{Bed, Create, Refused, http, multi, refused};

async fn create(
    bed: &Bed,
    reference: &str,
    config: HealthCheckConfig,
) -> Result<CreateHealthCheckOutput, Refused> {
    let request = bed.client.create_health_check().caller_reference(reference).health_check_config(config);
    request.send().await.map_err(|error| refused(&error))
}

fn id(created: CreateHealthCheckOutput) -> String {
    created.health_check.unwrap().id
}

#[tokio::test]
async fn the_same_reference_and_settings_return_the_check() {
    let bed = Bed::new().await;
    let first = create(&bed, "one", http("192.0.2.1")).await.unwrap();
    assert!(first.location.ends_with(&first.health_check.as_ref().unwrap().id));
    let second = create(&bed, "one", http("192.0.2.1")).await.unwrap();
    assert_eq!(id(first), id(second));
}

#[tokio::test]
async fn the_same_reference_with_other_settings_is_refused() {
    let bed = Bed::new().await;
    create(&bed, "one", http("192.0.2.1")).await.unwrap();
    let refused = create(&bed, "one", http("192.0.2.2")).await.unwrap_err();
    refused.is("HealthCheckAlreadyExists", "caller reference");
}

#[tokio::test]
async fn the_reference_of_a_deleted_check_is_refused() {
    let bed = Bed::new().await;
    let check = id(create(&bed, "one", http("192.0.2.1")).await.unwrap());
    bed.client.delete_health_check().health_check_id(&check).send().await.unwrap();
    let refused = create(&bed, "one", http("192.0.2.1")).await.unwrap_err();
    refused.is("HealthCheckAlreadyExists", "caller reference");
}

#[tokio::test]
async fn an_update_for_an_old_version_is_refused() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let update = |version| {
        let request = bed.client.update_health_check().health_check_id(&check).health_check_version(version);
        request.resource_path("/other").send()
    };
    let updated = update(1).await.unwrap().health_check.unwrap();
    assert_eq!(updated.health_check_version, 2);
    assert_eq!(updated.health_check_config.unwrap().resource_path.as_deref(), Some("/other"));
    refused(&update(1).await.unwrap_err()).is("HealthCheckVersionMismatch", "2");
}

#[tokio::test]
async fn an_update_to_settings_that_are_not_allowed_is_refused_and_changes_nothing() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let update = bed.client.update_health_check().health_check_id(&check).port(70_000).send().await;
    refused(&update.unwrap_err()).is("InvalidInput", "Port");
    let got =
        bed.client.get_health_check().health_check_id(&check).send().await.unwrap().health_check.unwrap();
    assert_eq!((got.health_check_version, got.health_check_config.unwrap().port), (1, Some(80)));
}

#[tokio::test]
async fn an_update_can_reset_the_path() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let element = aws_sdk_route53::types::ResettableElementName::ResourcePath;
    let update = bed.client.update_health_check().health_check_id(&check).reset_elements(element);
    let updated = update.send().await.unwrap().health_check.unwrap();
    assert_eq!(updated.health_check_config.unwrap().resource_path, None);
}

#[tokio::test]
async fn a_check_that_records_name_can_be_deleted() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    bed.change([(Create, multi("site.test", "192.0.2.1", Some(&check)))]).await.unwrap();
    let delete = || bed.client.delete_health_check().health_check_id(&check).send();
    delete().await.unwrap();
    refused(&delete().await.unwrap_err()).is("NoSuchHealthCheck", &check);
}

#[tokio::test]
async fn a_check_over_the_quota_is_refused() {
    let bed = Bed::with(Settings { max_health_checks: 1, ..Settings::instant() }).await;
    bed.health_check("192.0.2.1").await;
    let refused = create(&bed, "two", http("192.0.2.2")).await.unwrap_err();
    refused.is("TooManyHealthChecks", "1");
    create(&bed, "192.0.2.1", http("192.0.2.1")).await.unwrap();
}

#[tokio::test]
async fn local_addresses_are_refused_unless_allowed() {
    let bed = Bed::new().await;
    for address in
        ["127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "224.0.0.1", "::1", "fd00::1", "x"]
    {
        create(&bed, address, http(address)).await.unwrap_err().is("InvalidInput", "IPAddress");
    }
    let bed = Bed::with(Settings { allow_local_addresses: true, ..Settings::instant() }).await;
    create(&bed, "local", http("127.0.0.1")).await.unwrap();
}

#[tokio::test]
async fn settings_out_of_range_are_refused() {
    let bed = Bed::new().await;
    let tcp = HealthCheckConfig::builder().r#type(HealthCheckType::Tcp).ip_address("192.0.2.1");
    let with = |change: fn(&mut HealthCheckConfig)| {
        let mut config = http("192.0.2.1");
        change(&mut config);
        config
    };
    for (config, problem) in [
        (tcp.clone().build().unwrap(), "Port"),
        (tcp.port(443).resource_path("/").build().unwrap(), "ResourcePath"),
        (with(|config| config.port = Some(0)), "Port"),
        (with(|config| config.request_interval = Some(7)), "RequestInterval"),
        (with(|config| config.failure_threshold = Some(11)), "FailureThreshold"),
        (with(|config| config.resource_path = Some("ping".to_owned())), "ResourcePath"),
        (with(|config| config.search_string = Some("ok".to_owned())), "SearchString"),
        (with(|config| config.r#type = HealthCheckType::HttpStrMatch), "SearchString"),
        (with(|config| config.r#type = HealthCheckType::Calculated), "Type"),
        (with(|config| config.ip_address = None), "either IPAddress"),
    ] {
        create(&bed, "reference", config).await.unwrap_err().is("InvalidInput", problem);
    }
}

#[tokio::test]
async fn a_new_check_has_no_data_and_then_what_the_checkers_see() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let status = || async {
        let got = bed.client.get_health_check_status().health_check_id(&check).send().await.unwrap();
        let reports =
            got.health_check_observations.into_iter().filter_map(|observation| observation.status_report);
        reports.filter_map(|report| report.status).collect::<Vec<_>>()
    };
    assert_eq!(status().await, Vec::<String>::new());
    bed.double.set_health("192.0.2.1".parse().unwrap(), false);
    assert_eq!(status().await.len(), 8);
    assert!(status().await.iter().all(|status| status.starts_with("Failure: ")));
    bed.double.set_health("192.0.2.1".parse().unwrap(), true);
    assert!(status().await.iter().all(|status| status.starts_with("Success: ")));
}

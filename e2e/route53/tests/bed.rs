//! A double with one zone, `site.test`, and a client of the real SDK.

use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_route53::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_route53::error::ProvideErrorMetadata;
pub(crate) use aws_sdk_route53::types::ChangeAction::{Create, Delete, Upsert};
use aws_sdk_route53::types::builders::ResourceRecordSetBuilder;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HealthCheckConfig, HealthCheckType, ResourceRecord, ResourceRecordSet,
    RrType,
};
use aws_sdk_route53::{Client, Config};
use route53_double::Route53;
use route53_double::settings::Settings;

pub(crate) struct Bed {
    pub(crate) double: Route53,
    pub(crate) client: Client,
    pub(crate) zone: String,
}

/// What a refused call told.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Bed {
    /// Changes take effect at once, nothing is throttled.
    pub(crate) async fn new() -> Self {
        Self::with(Settings::instant()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let double = Route53::start(settings).await.unwrap();
        let zone = double.create_zone("site.test").unwrap();
        let client = client(&double.endpoint(), "AKIDEXAMPLE");
        Self { double, client, zone }
    }

    /// Sends a batch and returns the id of the change.
    pub(crate) async fn change(
        &self,
        changes: impl IntoIterator<Item = (ChangeAction, ResourceRecordSet)>,
    ) -> Result<String, Refused> {
        self.change_zone(&self.zone, changes).await
    }

    pub(crate) async fn change_zone(
        &self,
        zone: &str,
        changes: impl IntoIterator<Item = (ChangeAction, ResourceRecordSet)>,
    ) -> Result<String, Refused> {
        let change =
            |(action, set)| Change::builder().action(action).resource_record_set(set).build().unwrap();
        let changes = changes.into_iter().map(change).collect();
        let batch = ChangeBatch::builder().set_changes(Some(changes)).build().unwrap();
        let sent =
            self.client.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch).send().await;
        sent.map(|output| output.change_info.unwrap().id).map_err(|error| refused(&error))
    }

    /// Sends one change that must be refused with this code and a message that says this.
    pub(crate) async fn refuses(
        &self,
        action: ChangeAction,
        set: ResourceRecordSet,
        code: &str,
        message: &str,
    ) {
        let refused = self.change([(action, set)]).await.expect_err("the change is refused");
        refused.is(code, message);
    }

    /// The sets of the zone that it was not made with: name, type and identifier.
    pub(crate) async fn sets(&self) -> Vec<ResourceRecordSet> {
        let listed = self.client.list_resource_record_sets().hosted_zone_id(&self.zone).send().await.unwrap();
        let own = |set: &ResourceRecordSet| !matches!(set.r#type, RrType::Ns | RrType::Soa);
        listed.resource_record_sets.into_iter().filter(own).collect()
    }

    /// Makes an HTTP check of an address and returns its id.
    pub(crate) async fn health_check(&self, address: &str) -> String {
        let request = self.client.create_health_check().caller_reference(address);
        let created = request.health_check_config(http(address)).send().await.unwrap();
        created.health_check.unwrap().id
    }
}

impl Refused {
    pub(crate) fn is(&self, code: &str, message: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.message.contains(message), "{:?} does not say {message:?}", self.message);
    }
}

pub(crate) fn refused(error: &(impl ProvideErrorMetadata + Debug)) -> Refused {
    let code = error.code().unwrap_or_else(|| panic!("no refusal: {error:?}")).to_owned();
    Refused { code, message: error.message().unwrap_or_default().to_owned() }
}

/// A client that does not try again.
pub(crate) fn client(endpoint: &str, access_key: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(access_key, "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

/// What must come, if not at once.
pub(crate) async fn in_time<T>(wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), wanted).await.expect("it comes in time")
}

/// A set with a TTL of one minute.
pub(crate) fn set(name: &str, kind: RrType, values: &[&str]) -> ResourceRecordSetBuilder {
    let record = |value: &&str| ResourceRecord::builder().value(*value).build().unwrap();
    ResourceRecordSet::builder()
        .name(name)
        .r#type(kind)
        .ttl(60)
        .set_resource_records(Some(values.iter().map(record).collect()))
}

pub(crate) fn a(name: &str, values: &[&str]) -> ResourceRecordSet {
    set(name, RrType::A, values).build().unwrap()
}

/// One multivalue set, named by its address.
pub(crate) fn multi(name: &str, address: &str, health_check: Option<&str>) -> ResourceRecordSet {
    set(name, RrType::A, &[address])
        .set_identifier(address)
        .multi_value_answer(true)
        .set_health_check_id(health_check.map(str::to_owned))
        .build()
        .unwrap()
}

pub(crate) fn http(address: &str) -> HealthCheckConfig {
    let config = HealthCheckConfig::builder().r#type(HealthCheckType::Http).ip_address(address);
    config.port(80).resource_path("/ping").build().unwrap()
}

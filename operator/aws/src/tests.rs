//! The clients against the strict double of Route 53, and against an endpoint that plays EC2, S3 and IAM.

mod addresses;
mod attempts;
mod buckets;
mod endpoint;
mod environment;
mod groups;
mod health_checks;
mod instances;
mod keys;
mod principals;
mod records;
mod surface;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_route53::config::Credentials;
use plan::aws::{
    DnsHealthCheckProtocol, HealthCheckConfig, HealthCheckId, Owner, RecordAction, RecordChange, RecordName,
    RecordSet, RecordType, Routing, ZoneId,
};
use route53_double::Route53;
use route53_double::settings::Settings;

use crate::caller::Caller;
use crate::fence::Fence;
use crate::observer::{Attempt, CallObserver};
use crate::pace::{Pace, Rate};
use crate::sdk::Sdk;
use crate::{Account, Cloud};

/// What the observer was told.
#[derive(Default)]
struct Log(Mutex<Vec<Attempt>>);

impl CallObserver for Log {
    fn attempted(&self, attempt: Attempt) {
        self.0.lock().unwrap().push(attempt);
    }

    fn waited(&self, _: &'static str, _: &'static str, _: Duration) {}
}

impl Log {
    /// Action and outcome of each attempt.
    fn attempts(&self) -> Vec<(&'static str, &'static str)> {
        self.0.lock().unwrap().iter().map(|attempt| (attempt.action, attempt.outcome)).collect()
    }
}

/// Clients of an endpoint, that neither wait for a turn nor long between two attempts.
fn clients(endpoint: &str, fence: Fence) -> (Cloud, Arc<Log>) {
    let (account, log) = account(endpoint, fence);
    (account.cloud, log)
}

/// All of them.
fn account(endpoint: &str, fence: Fence) -> (Account, Arc<Log>) {
    let log = Arc::new(Log::default());
    let pace = Pace::new(|_| Rate { burst: 1e6, per_second: 1e6 });
    let caller = Caller { pace, fence, calls: log.clone(), backoff: Duration::from_millis(1) };
    (Account::of(Sdk::new(&config(endpoint), caller)), log)
}

fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

/// A double with the zone `site.test`, and clients of it.
struct Bed {
    double: Route53,
    zone: ZoneId,
    cloud: Cloud,
    log: Arc<Log>,
}

impl Bed {
    async fn new() -> Self {
        Self::with(Settings::instant()).await
    }

    async fn with(settings: Settings) -> Self {
        let double = Route53::start(settings).await.unwrap();
        let zone = ZoneId::new(double.create_zone("site.test").unwrap());
        let (cloud, log) = clients(&double.endpoint(), Fence::open());
        Self { double, zone, cloud, log }
    }

    /// Creates these sets, a hundred a batch.
    async fn hold(&self, sets: &[RecordSet]) {
        for sets in sets.chunks(100) {
            let create = |set: &RecordSet| RecordChange { action: RecordAction::Create, set: set.clone() };
            let changes: Vec<_> = sets.iter().map(create).collect();
            self.cloud.zones.change(&self.zone, &changes).await.unwrap();
        }
        self.double.forget_calls();
    }

    /// The sets of these names.
    async fn read(&self, names: &[&str]) -> Vec<RecordSet> {
        let names = names.iter().map(|name| RecordName::new(name)).collect();
        self.cloud.zones.records(&self.zone, &names).await.unwrap()
    }
}

fn owner() -> Owner {
    Owner::new("site", "0d2b1b2e-4c4b-4a59-9d27-0f3a3a1d2c5e")
}

fn http(address: &str) -> HealthCheckConfig {
    HealthCheckConfig {
        address: address.parse().unwrap(),
        protocol: DnsHealthCheckProtocol::Http,
        port: 80,
        path: Some("/.well-known/status".into()),
        interval_seconds: 10,
        failure_threshold: 3,
    }
}

/// One simple A set.
fn simple(name: &str, value: &str) -> RecordSet {
    RecordSet {
        name: RecordName::new(name),
        type_: RecordType::A,
        routing: Routing::Simple,
        ttl_seconds: Some(60),
        values: vec![value.to_owned()],
        health_check: None,
        alias: None,
        unmodelled: false,
    }
}

/// One multivalue A set, marked as ours.
fn multivalue(name: &str, address: &str, check: Option<&HealthCheckId>) -> RecordSet {
    let identifier = owner().set_of_address(address.parse().unwrap());
    RecordSet {
        routing: Routing::Multivalue { identifier },
        health_check: check.cloned(),
        ..simple(name, address)
    }
}

/// The wildcard's set.
fn wildcard(name: &str) -> RecordSet {
    RecordSet {
        type_: RecordType::Cname,
        routing: Routing::Weighted { identifier: owner().set_of_wildcard(), weight: 1 },
        ..simple(&format!("*.{name}"), name)
    }
}

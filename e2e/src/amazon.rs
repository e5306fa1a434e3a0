//! AWS as the operator sees it, all of it on loopback: settings come in, and services go out that refuse what AWS refuses,
//! fail when a test says so, and remember what they were asked.
//!
//! ```text
//!   operator --> FaultProxy --+--> Moto: EC2, IAM, S3, STS <-- Account (what a person does at the console)
//!                             `--> Route53: the API             ^
//!                                     |-- its name server       |
//!                                     `-- its health checkers --+--> Machines, on the Elastic IPs
//! ```
//!
//! Each test has one of its own. How far the parts can be believed is in `docs/doubles.md`.

pub mod account;
pub mod calls;
pub mod console;
pub mod credentials;
pub mod fault;
pub mod fault_proxy;
mod hold;
pub mod machines;
pub mod moto;
mod policy;
mod refusal;
pub mod request;
pub mod rules;
mod upstream;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_types::SdkConfig;
use route53_double::Route53;
use route53_double::settings::{Probes, Settings as Route53Settings, Sync};

use crate::Clock;
use rules::Rules;
use upstream::Upstreams;

pub use account::Account;
pub use calls::Call;
pub use console::Console;
pub use credentials::AccessKey;
pub use fault::Fault;
pub use fault_proxy::FaultProxy;
pub use machines::{Health, Machines, Port};
pub use moto::Moto;
pub use rules::Quotas;

/// What the suite's own user may do.
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// How the account is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region of everything that has one.
    pub region: String,
    /// How much there may be of some things.
    pub quotas: Quotas,
    /// The strictness and the pace of Route 53.
    pub route53: Route53Settings,
    /// What the time is for EC2, IAM, S3 and STS; the real one if nothing is said.
    pub clock: Option<Clock>,
}

impl Default for Settings {
    /// A new account, whose health checkers look at the machines often, and at addresses that AWS would not take.
    fn default() -> Self {
        let probes = Probes { interval: Duration::from_millis(100), timeout: Duration::from_secs(4) };
        let route53 = Route53Settings {
            sync: Sync::After(Duration::from_millis(50)),
            probes: Some(probes),
            allow_local_addresses: true,
            ..Route53Settings::default()
        };
        Self { region: "us-east-1".to_owned(), quotas: Quotas::default(), route53, clock: None }
    }
}

/// The services, and the hands that change them. All of it ends when it is dropped.
pub struct Amazon {
    /// The door that the operator goes through: faults, and the log of calls.
    pub proxy: FaultProxy,
    /// The way round the door.
    pub account: Account,
    /// Route 53: zones, health, and DNS.
    pub route53: Route53,
    /// The machines behind the addresses.
    pub machines: Machines,
    key: AccessKey,
    region: String,
    moto: Moto,
}

impl Amazon {
    /// Starts everything, as a new account has it.
    ///
    /// # Errors
    /// When moto cannot be installed, or a part does not start.
    pub async fn start() -> Result<Self> {
        Self::with(Settings::default()).await
    }

    /// Starts everything with these settings.
    ///
    /// # Errors
    /// When moto cannot be installed, or a part does not start.
    pub async fn with(settings: Settings) -> Result<Self> {
        let Settings { region, quotas, route53, clock } = settings;
        let moto = Moto::start(clock.as_ref()).await?;
        let route53 = Route53::start(route53).await.context("cannot start Route 53")?;
        let direct = format!("http://{}", moto.address());
        let nobody = AccessKey { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), secret: "none".to_owned() };
        let first = Account::new(&credentials::sdk(&direct, &region, &nobody));
        let key = first.user("suite", EVERYTHING).await.context("cannot make the first user")?;
        let account = Account::new(&credentials::sdk(&direct, &region, &key));
        let upstreams = Upstreams {
            moto: moto.address(),
            route53: route53.endpoint().trim_start_matches("http://").parse().context("an address")?,
        };
        let proxy = FaultProxy::start(upstreams, Rules::new(account.clone(), quotas)).await?;
        let machines = Machines::start(account.clone());
        Ok(Self { proxy, account, route53, machines, key, region, moto })
    }

    /// The key of a user who may do everything.
    #[must_use]
    pub fn key(&self) -> &AccessKey {
        &self.key
    }

    /// The region that clients ask.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The URL of moto itself: past the proxy, its faults and its rules.
    #[must_use]
    pub fn moto(&self) -> String {
        format!("http://{}", self.moto.address())
    }

    /// What a client of AWS in a test needs to go through the proxy with this key. It tries each call once.
    #[must_use]
    pub fn sdk(&self, key: &AccessKey) -> SdkConfig {
        credentials::sdk(&self.proxy.url(), &self.region, key)
    }

    /// The variables of the environment that lead a process here, with the rights of this key.
    #[must_use]
    pub fn environment(&self, key: &AccessKey) -> BTreeMap<&'static str, String> {
        let endpoints = [
            "AWS_ENDPOINT_URL_EC2",
            "AWS_ENDPOINT_URL_IAM",
            "AWS_ENDPOINT_URL_ROUTE_53",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_STS",
        ];
        let mut environment = BTreeMap::from(endpoints.map(|name| (name, self.proxy.url())));
        environment.insert("AWS_ACCESS_KEY_ID", key.id.clone());
        environment.insert("AWS_SECRET_ACCESS_KEY", key.secret.clone());
        environment.insert("AWS_REGION", self.region.clone());
        environment.insert("AWS_EC2_METADATA_DISABLED", "true".to_owned());
        environment
    }

    /// Makes every service refuse from now on what a key's user has no policy for; S3 and IAM on the resource that a call is about. Signatures are not
    /// looked at: moto's verdict on them is wrong where a form has a blank, as in the name of an address.
    pub fn heed_policies(&self) {
        self.proxy.enforce_iam();
    }

    /// Makes every service refuse from now on what a key's user has no policy for, and what is wrongly signed.
    ///
    /// # Errors
    /// When moto does not answer.
    pub async fn enforce_iam(&self) -> Result<()> {
        self.moto.enforce_iam().await?;
        self.proxy.enforce_iam();
        Ok(())
    }
}

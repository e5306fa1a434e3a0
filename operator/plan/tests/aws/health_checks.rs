//! The health checks of the simulated account, and the calls about them, as strictly as Route 53.

use std::net::IpAddr;

use crds::DnsHealthCheckProtocol;
use plan::aws::{Call, Done, Failure, Fault, HealthCheck, HealthCheckConfig, HealthCheckId, Owner};
use serde::{Deserialize, Serialize};

use crate::account::{Account, refused};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Check {
    pub(crate) reference: String,
    pub(crate) version: i64,
    /// Nothing: one of another kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<Config>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) address: IpAddr,
    pub(crate) protocol: DnsHealthCheckProtocol,
    pub(crate) port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    pub(crate) interval: u8,
    pub(crate) threshold: u8,
}

impl Config {
    fn of(config: &HealthCheckConfig) -> Self {
        Self {
            address: config.address,
            protocol: config.protocol,
            port: config.port,
            path: config.path.clone(),
            interval: config.interval_seconds,
            threshold: config.failure_threshold,
        }
    }

    fn told(&self) -> HealthCheckConfig {
        HealthCheckConfig {
            address: self.address,
            protocol: self.protocol,
            port: self.port,
            path: self.path.clone(),
            interval_seconds: self.interval,
            failure_threshold: self.threshold,
        }
    }
}

impl Account {
    /// The checks of an owner.
    pub(crate) fn list_checks(&self, owner: &Owner) -> Vec<HealthCheck> {
        let ours = self.checks.iter().filter(|(_, check)| owner.owns_reference(&check.reference));
        ours.map(|(id, check)| told(id, check)).collect()
    }

    pub(crate) fn create_check(
        &mut self,
        call: &Call,
        reference: &str,
        config: &HealthCheckConfig,
    ) -> Result<Done, Failure> {
        if self.spent.iter().any(|spent| spent == reference) {
            return Err(refused(call, Fault::Conflict, "HealthCheckAlreadyExists"));
        }
        let config = Some(Config::of(config));
        if let Some((id, check)) = self.checks.iter().find(|(_, check)| check.reference == reference) {
            return if check.config == config {
                Ok(Done::CheckCreated(told(id, check)))
            } else {
                Err(refused(call, Fault::Conflict, "HealthCheckAlreadyExists"))
            };
        }
        let check = Check { reference: reference.to_owned(), version: 1, config };
        let id = format!("hc-{}", self.next());
        let done = Done::CheckCreated(told(&id, &check));
        self.checks.insert(id, check);
        Ok(done)
    }

    pub(crate) fn update_check(
        &mut self,
        call: &Call,
        id: &HealthCheckId,
        version: i64,
        config: &HealthCheckConfig,
    ) -> Result<Done, Failure> {
        let Some(check) = self.checks.get_mut(id.as_str()) else {
            return Err(refused(call, Fault::NotFound, "NoSuchHealthCheck"));
        };
        if check.version != version {
            return Err(refused(call, Fault::Conflict, "HealthCheckVersionMismatch"));
        }
        let config = Config::of(config);
        let fixed = |config: &Config| (config.address, config.protocol, config.interval);
        if check.config.as_ref().is_some_and(|old| fixed(old) != fixed(&config)) {
            return Err(refused(call, Fault::Invalid, "InvalidInput"));
        }
        check.version += 1;
        check.config = Some(config);
        Ok(Done::Nothing)
    }

    pub(crate) fn delete_check(&mut self, id: &HealthCheckId) -> Result<Done, Failure> {
        let check = self.checks.remove(id.as_str());
        self.spent.extend(check.map(|check| check.reference));
        Ok(Done::Nothing)
    }
}

fn told(id: &str, check: &Check) -> HealthCheck {
    HealthCheck {
        id: HealthCheckId::new(id),
        reference: check.reference.clone(),
        version: check.version,
        config: check.config.as_ref().map(Config::told),
    }
}

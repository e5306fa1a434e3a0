//! Health checks: their settings, versions and caller references.
//!
//! | rule | page |
//! |---|---|
//! | a reference again with the same settings returns the check; with others, or of a deleted check: 409 | API_CreateHealthCheck: CallerReference, HealthCheckAlreadyExists |
//! | an update for another version: 409; each update raises the version | API_UpdateHealthCheck: HealthCheckVersion |
//! | type and interval are never updated | API_UpdateHealthCheck (no such elements) |
//! | a check that records name can be deleted; nobody can say what they answer then, so here they count as unhealthy | API_DeleteHealthCheck ("does not prevent you"; HealthCheckInUse "is not in use") |
//! | the quota of checks | API_CreateHealthCheck: TooManyHealthChecks |
//! | the settings themselves | [`health_config`] |

use std::collections::{BTreeMap, HashSet};

use crate::checker::Observed;
use crate::health_config;
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::xml::health::{CreateHealthCheckRequest, HealthCheckConfig, UpdateHealthCheckRequest};

/// A health check.
#[derive(Clone, Debug)]
pub struct HealthCheck {
    /// In the form of a UUID.
    pub id: String,
    /// The reference it was made with.
    pub caller_reference: String,
    /// What it does, with all defaults filled in.
    pub config: HealthCheckConfig,
    /// How often it was made or changed.
    pub version: u64,
    /// What the checkers saw.
    pub observed: Observed,
}

/// The health checks of the account.
pub struct HealthChecks {
    checks: BTreeMap<String, HealthCheck>,
    retired_references: HashSet<String>,
    made: u64,
    max: usize,
    allow_local_addresses: bool,
}

impl HealthChecks {
    /// None yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            checks: BTreeMap::new(),
            retired_references: HashSet::new(),
            made: 0,
            max: settings.max_health_checks,
            allow_local_addresses: settings.allow_local_addresses,
        }
    }

    /// The check of this id.
    pub fn get(&self, id: &str) -> Result<&HealthCheck, Refusal> {
        self.checks.get(id).ok_or_else(|| Refusal::no_such_health_check(id))
    }

    /// All checks, by id.
    pub fn iter(&self) -> impl Iterator<Item = &HealthCheck> {
        self.checks.values()
    }

    /// All checks, for what the checkers see.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut HealthCheck> {
        self.checks.values_mut()
    }

    /// Makes a check, or finds the one that this very request made before.
    pub fn create(&mut self, request: CreateHealthCheckRequest) -> Result<HealthCheck, Refusal> {
        let CreateHealthCheckRequest { caller_reference, health_check_config } = request;
        if caller_reference.is_empty() || caller_reference.len() > 64 {
            return Err(Refusal::invalid_input("CallerReference must have 1 to 64 characters"));
        }
        let config = health_config::complete(health_check_config);
        health_config::check(&config, self.allow_local_addresses)?;
        let same_reference = self.checks.values().find(|check| check.caller_reference == caller_reference);
        match same_reference {
            Some(check) if check.config == config => return Ok(check.clone()),
            Some(_) => return Err(already_exists()),
            None if self.retired_references.contains(&caller_reference) => return Err(already_exists()),
            None if self.checks.len() >= self.max => {
                let message = format!("Maximum number of health checks ({}) reached.", self.max);
                return Err(Refusal::new(400, "TooManyHealthChecks", message));
            }
            None => {}
        }
        self.made += 1;
        let id = format!("00000000-0000-4000-8000-{:012x}", self.made);
        let check = HealthCheck {
            id: id.clone(),
            caller_reference,
            config,
            version: 1,
            observed: Observed::default(),
        };
        self.checks.insert(id, check.clone());
        Ok(check)
    }

    /// Changes the settings that the request names.
    pub fn update(&mut self, id: &str, request: UpdateHealthCheckRequest) -> Result<HealthCheck, Refusal> {
        let check = self.checks.get_mut(id).ok_or_else(|| Refusal::no_such_health_check(id))?;
        if request.health_check_version.is_some_and(|version| version != check.version) {
            let message = format!("The current version of the health check is {}.", check.version);
            return Err(Refusal::new(409, "HealthCheckVersionMismatch", message));
        }
        let config = health_config::update(check.config.clone(), request);
        health_config::check(&config, self.allow_local_addresses)?;
        check.config = config;
        check.version += 1;
        Ok(check.clone())
    }

    /// Deletes a check, whoever names it.
    pub fn delete(&mut self, id: &str) -> Result<(), Refusal> {
        let check = self.checks.remove(id).ok_or_else(|| Refusal::no_such_health_check(id))?;
        self.retired_references.insert(check.caller_reference);
        Ok(())
    }

    /// Whether records that name this check are answered.
    pub fn is_healthy(&self, id: &str) -> bool {
        self.checks.get(id).is_some_and(|check| {
            let observed = check.config.disabled == Some(true) || check.observed.is_healthy();
            observed != (check.config.inverted == Some(true))
        })
    }
}

fn already_exists() -> Refusal {
    let message = "A health check has already been created with the specified caller reference.";
    Refusal::new(409, "HealthCheckAlreadyExists", message)
}

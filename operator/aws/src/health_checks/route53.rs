//! Health checks on Route 53.

mod config;

use async_trait::async_trait;
use aws_sdk_route53::types::{HealthCheck as Listed, Tag, TagResourceType};
use plan::aws::{Failure, Health, HealthCheck, HealthCheckConfig, HealthCheckId, Owner};

use super::HealthChecks;
use crate::failure::{self, gone_is_done, incomplete, invalid};
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Route53;

const LIST: Operation = Operation::read("route53:ListHealthChecks", &[Lane::Route53]);
const CREATE: Operation =
    Operation::write("route53:CreateHealthCheck", &[Lane::Route53, Lane::CreateHealthCheck]);
const UPDATE: Operation = Operation::write("route53:UpdateHealthCheck", &[Lane::Route53]);
const DELETE: Operation = Operation::write("route53:DeleteHealthCheck", &[Lane::Route53]);
const HEALTH: Operation =
    Operation::read("route53:GetHealthCheckStatus", &[Lane::Route53, Lane::HealthCheckStatus]);
const TAG: Operation = Operation::write_once("route53:ChangeTagsForResource", &[Lane::Route53]);

/// The most that a page takes.
const PAGE: i32 = 1000;

#[async_trait]
impl HealthChecks for Route53 {
    async fn list(&self, owner: &Owner) -> Result<Vec<HealthCheck>, Failure> {
        let mut checks = Vec::new();
        let mut marker = None;
        loop {
            let send = || self.client.list_health_checks().max_items(PAGE).set_marker(marker.clone()).send();
            let page = self.caller.call(&LIST, send).await?;
            failure::page(LIST.name, page.max_items)?;
            let ours =
                page.health_checks().iter().filter(|check| owner.owns_reference(check.caller_reference()));
            checks.extend(ours.map(observed));
            marker = page.next_marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(checks);
            }
        }
    }

    async fn create(
        &self,
        owner: &Owner,
        reference: &str,
        config: &HealthCheckConfig,
    ) -> Result<HealthCheck, Failure> {
        let wanted = config::written(config).map_err(|error| invalid(CREATE.name, error.to_string()))?;
        let send = || {
            let request = self.client.create_health_check().caller_reference(reference);
            request.health_check_config(wanted.clone()).send()
        };
        let output = self.caller.call(&CREATE, send).await?;
        let check = output.health_check.as_ref().map(observed).ok_or_else(|| incomplete(CREATE.name))?;
        self.name(owner, &check.id, config).await;
        Ok(check)
    }

    async fn update(
        &self,
        id: &HealthCheckId,
        version: i64,
        config: &HealthCheckConfig,
    ) -> Result<(), Failure> {
        let send = || {
            let request = self.client.update_health_check().health_check_id(id.as_str());
            config::update(request.health_check_version(version), config).send()
        };
        self.caller.call(&UPDATE, send).await.map(drop)
    }

    async fn delete(&self, id: &HealthCheckId) -> Result<(), Failure> {
        let send = || self.client.delete_health_check().health_check_id(id.as_str()).send();
        gone_is_done(self.caller.call(&DELETE, send).await.map(drop))
    }

    async fn health(&self, id: &HealthCheckId) -> Result<Health, Failure> {
        let send = || self.client.get_health_check_status().health_check_id(id.as_str()).send();
        let output = self.caller.call(&HEALTH, send).await?;
        let said = output.health_check_observations().iter();
        let said = said.filter_map(|observation| observation.status_report()?.status());
        Ok(said.fold(Health { healthy: 0, of: 0 }, |health, status| Health {
            healthy: health.healthy + u32::from(status.starts_with("Success")),
            of: health.of + 1,
        }))
    }
}

impl Route53 {
    /// Tags a check, so that people see whose it is. The mark that counts is its reference.
    async fn name(&self, owner: &Owner, id: &HealthCheckId, config: &HealthCheckConfig) {
        let tags = owner.tags(&config.address.to_string());
        let tags: Vec<_> =
            tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let send = || {
            let request = self.client.change_tags_for_resource().resource_type(TagResourceType::Healthcheck);
            request.resource_id(id.as_str()).set_add_tags(Some(tags.clone())).send()
        };
        if let Err(failure) = self.caller.call(&TAG, send).await {
            tracing::debug!("a health check has no name: {failure}");
        }
    }
}

fn observed(check: &Listed) -> HealthCheck {
    HealthCheck {
        id: HealthCheckId::new(check.id()),
        reference: check.caller_reference().to_owned(),
        version: check.health_check_version(),
        config: check.health_check_config().and_then(config::observed),
    }
}

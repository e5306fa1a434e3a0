//! Route 53 health checks.

mod route53;

use async_trait::async_trait;
use plan::aws::{Failure, Health, HealthCheck, HealthCheckConfig, HealthCheckId, Owner};

/// The calls about health checks that the operator makes.
#[async_trait]
pub trait HealthChecks: Send + Sync {
    /// Those whose caller reference is this owner's. Pages are followed inside.
    async fn list(&self, owner: &Owner) -> Result<Vec<HealthCheck>, Failure>;

    /// Creates one; the one that exists with this reference and configuration is a success. It is named for people by a tag, in a call of its own whose failure counts for nothing.
    async fn create(
        &self,
        owner: &Owner,
        reference: &str,
        config: &HealthCheckConfig,
    ) -> Result<HealthCheck, Failure>;

    /// Changes one; another version than this is a conflict.
    async fn update(
        &self,
        id: &HealthCheckId,
        version: i64,
        config: &HealthCheckConfig,
    ) -> Result<(), Failure>;

    /// Deletes one; one that is gone is a success.
    async fn delete(&self, id: &HealthCheckId) -> Result<(), Failure>;

    /// What Route 53's checkers find.
    async fn health(&self, id: &HealthCheckId) -> Result<Health, Failure>;
}

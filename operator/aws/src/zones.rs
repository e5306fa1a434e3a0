//! Hosted zones and their records.

mod route53;

use std::collections::BTreeSet;

use async_trait::async_trait;
use plan::aws::{ChangeId, Failure, RecordChange, RecordName, RecordSet, Zone, ZoneId};

/// The calls about hosted zones that the operator makes.
#[async_trait]
pub trait Zones: Send + Sync {
    /// Every hosted zone of the account. Pages are followed inside.
    async fn list(&self) -> Result<Vec<Zone>, Failure>;

    /// The record sets of these names, each read from its own first to its last and no further; names that follow each other in Route 53's order share pages.
    async fn records(&self, zone: &ZoneId, names: &BTreeSet<RecordName>) -> Result<Vec<RecordSet>, Failure>;

    /// Changes records, all or none.
    async fn change(&self, zone: &ZoneId, changes: &[RecordChange]) -> Result<ChangeId, Failure>;

    /// Whether every name server of Route 53 has the change.
    async fn is_in_sync(&self, change: &ChangeId) -> Result<bool, Failure>;
}

//! EC2 instances and their interfaces.

mod ec2;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use plan::aws::{Failure, Instance, InstanceId};

/// The calls about instances that the operator makes.
#[async_trait]
pub trait Instances: Send + Sync {
    /// Those of these instances that exist in this account and region, by a filter, because the call refuses all for one that does not exist. Pages are followed inside.
    async fn describe(&self, ids: &BTreeSet<InstanceId>) -> Result<BTreeMap<InstanceId, Instance>, Failure>;
}

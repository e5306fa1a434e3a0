//! Makes the calls to AWS that a plan asks for, one by one.
//!
//! In comes a call as a value; out goes what it brought, or why it failed. Nothing else in the operator writes to AWS.

use aws::Cloud;
use plan::aws::{Call, Done, Failure, Owner};

/// Makes a call.
pub(crate) async fn make(cloud: &Cloud, owner: &Owner, call: &Call) -> Result<Done, Failure> {
    let result = answer(cloud, owner, call).await;
    match &result {
        Ok(_) => tracing::info!(%call, "called AWS"),
        Err(failure) => tracing::warn!(%call, %failure, "a call to AWS failed"),
    }
    result
}

async fn answer(cloud: &Cloud, owner: &Owner, call: &Call) -> Result<Done, Failure> {
    let Cloud { addresses, instances: _, zones, health_checks } = cloud;
    let nothing = |()| Done::Nothing;
    match call {
        Call::AllocateAddress { node } => addresses.allocate(owner, node).await.map(Done::Allocated),
        Call::AssociateAddress { address, instance: _, interface } => {
            addresses.associate(address, interface).await.map(nothing)
        }
        Call::DisassociateAddress { address: _, association } => {
            addresses.disassociate(association).await.map(nothing)
        }
        Call::ReleaseAddress { address } => addresses.release(address).await.map(nothing),
        Call::CreateHealthCheck { reference, config } => {
            health_checks.create(owner, reference, config).await.map(Done::CheckCreated)
        }
        Call::UpdateHealthCheck { id, version, config } => {
            health_checks.update(id, *version, config).await.map(nothing)
        }
        Call::DeleteHealthCheck { id } => health_checks.delete(id).await.map(nothing),
        Call::ChangeRecords { zone, changes } => zones.change(zone, changes).await.map(Done::Changed),
    }
}

//! Makes the calls to AWS that a plan asks for, one by one.
//!
//! In comes a call as a value; out goes what it brought, or why it failed. Nothing else in the operator writes to AWS.

use aws::{Cloud, Groups};
use plan::aws::network::NetworkCall;
use plan::aws::{Call, Done, Failure, Owner, RuleId};

use crate::cloud::Clients;

/// Makes a call.
pub(crate) async fn make(clients: &Clients, owner: &Owner, call: &Call) -> Result<Done, Failure> {
    let result = answer(clients, owner, call).await;
    match &result {
        Ok(_) => tracing::info!(%call, "called AWS"),
        Err(failure) => tracing::warn!(%call, %failure, "a call to AWS failed"),
    }
    result
}

async fn answer(clients: &Clients, owner: &Owner, call: &Call) -> Result<Done, Failure> {
    let Clients { cloud, groups } = clients;
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
        Call::Network(call) => network(&**groups, call).await.map(nothing),
    }
}

async fn network(groups: &dyn Groups, call: &NetworkCall) -> Result<(), Failure> {
    match call {
        NetworkCall::CreateGroup { vpc, name, tags } => groups.create(vpc, name, tags).await,
        NetworkCall::Authorize { group, rules, description } => {
            groups.authorize(group, rules, description).await
        }
        NetworkCall::Revoke { group, rules } => {
            let ids: Vec<RuleId> = rules.iter().map(|(id, _)| id.clone()).collect();
            groups.revoke(group, &ids).await
        }
        NetworkCall::TagInterface { interface, tag, groups: noted } => {
            groups.tag_interface(interface, tag, noted).await
        }
        NetworkCall::SetGroups { interface, from, to } => groups.set_groups(interface, from, to).await,
        NetworkCall::DeleteGroup { group } => groups.delete(group).await,
    }
}

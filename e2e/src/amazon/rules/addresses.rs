//! Elastic IPs.
//!
//! | rule | page |
//! |---|---|
//! | five in a region, then `AddressLimitExceeded` | `UserGuide/elastic-ip-addresses-eip.html#using-instance-addressing-limit` |
//! | one that is associated is not released: `InvalidIPAddress.InUse`; AWS says so for networks that are no default ones | API_ReleaseAddress |
//! | none for an instance that is terminated: `InvalidInstanceID`, as users report it; a stopped one may have one | API_AssociateAddress |
//! | an instance with several interfaces is not enough: `InvalidInstanceID` | API_AssociateAddress: InstanceId |
//! | a second one on an interface takes the place of the first, which stays allocated | API_AssociateAddress |
//! | one that moves leaves nothing behind, and tells its instance also when it was given to an interface | API_AssociateAddress, API_Address |
//! | an instance that is terminated has none any more, and no interface | `UserGuide/elastic-ip-addresses-eip.html`, `UserGuide/terminating-instances.html` |

use anyhow::Result;
use aws_sdk_ec2::types::{Address, Instance, InstanceStateName, NetworkInterface};

use super::{Judged, Rules, several_interfaces};
use crate::amazon::refusal::{Refusal, Reply};
use crate::amazon::request::Request;

/// Whether there may be one more.
pub(super) async fn allocate(rules: &Rules) -> Judged {
    let message = "The maximum number of addresses has been reached.";
    let full = rules.account.addresses().await?.len() >= rules.quotas.elastic_ips;
    Ok(if full { Err(Refusal::new("AddressLimitExceeded", message)) } else { Ok(()) })
}

/// Whether one may go.
pub(super) async fn release(rules: &Rules, request: &Request) -> Judged {
    let addresses = rules.account.addresses().await?;
    let Some(address) = meant(&addresses, request).filter(|address| associated_with(address).is_some())
    else {
        return Ok(Ok(()));
    };
    let ip = address.public_ip().unwrap_or_default();
    Ok(Err(Refusal::new("InvalidIPAddress.InUse", format!("Address {ip} is in use."))))
}

/// Whether one may be associated; if so, the interface and the address are freed of what they had.
pub(super) async fn associate(rules: &Rules, request: &Request) -> Judged {
    let interface = match target(rules, request).await? {
        Ok(Some(interface)) => interface,
        Ok(None) => return Ok(Ok(())), // moto says what is unknown
        Err(refusal) => return Ok(Err(refusal)),
    };
    let addresses = rules.account.addresses().await?;
    let Some(wanted) = meant(&addresses, request) else { return Ok(Ok(())) };
    let moves = associated_with(wanted).is_some_and(|present| present != interface);
    if moves && request.parameter("AllowReassociation") != Some("true") {
        return Ok(Ok(())); // moto refuses
    }
    for address in &addresses {
        let is_wanted = address.allocation_id() == wanted.allocation_id();
        let is_in_the_way = !is_wanted && associated_with(address) == Some(&interface);
        if is_in_the_way || (is_wanted && moves) {
            let free = rules.account.ec2.disassociate_address();
            free.set_association_id(address.association_id.clone()).send().await?;
        }
    }
    Ok(Ok(()))
}

/// The interface that a request to associate means; none if there is no such thing.
async fn target(rules: &Rules, request: &Request) -> Result<Result<Option<String>, Refusal>> {
    if let Some(instance) = request.parameter("InstanceId") {
        return only_interface(rules, instance).await;
    }
    let id = request.parameter("NetworkInterfaceId");
    let interfaces = rules.account.interfaces().await?;
    let known = interfaces.iter().filter_map(NetworkInterface::network_interface_id);
    Ok(Ok(known.into_iter().find(|known| Some(*known) == id).map(str::to_owned)))
}

/// The interface of an instance that may have an address, and has no other interface.
async fn only_interface(rules: &Rules, id: &str) -> Result<Result<Option<String>, Refusal>> {
    let Ok(instance) = rules.account.instance(id).await else { return Ok(Ok(None)) };
    if let Some(state) = unfit(&instance) {
        let message = format!("The {state} instance '{id}' is not in a valid state for this operation.");
        return Ok(Err(Refusal::new("InvalidInstanceID", message)));
    }
    let interfaces = rules.account.interfaces_of(id).await?;
    let first = interfaces.first().and_then(NetworkInterface::network_interface_id);
    Ok(if interfaces.len() > 1 { Err(several_interfaces(id)) } else { Ok(first.map(str::to_owned)) })
}

/// Makes an address tell its instance, which moto only notes for requests that name it: the first interface's address is
/// associated once more by the instance, and the answer gets the id of that association.
pub(super) async fn associated(rules: &Rules, request: &Request, mut reply: Reply) -> Result<Reply> {
    let Some(id) = request.parameter("NetworkInterfaceId") else { return Ok(reply) };
    let interfaces = rules.account.interfaces().await?;
    let interface = interfaces.iter().find(|one| one.network_interface_id() == Some(id));
    let Some(instance) = interface.filter(|interface| is_first(interface)).and_then(owner) else {
        return Ok(reply);
    };
    let addresses = rules.account.addresses().await?;
    let Some(address) = meant(&addresses, request) else { return Ok(reply) };
    let again = rules.account.ec2.associate_address().instance_id(instance).allow_reassociation(true);
    let again = again.set_allocation_id(address.allocation_id.clone()).send().await?;
    if let (Some(old), Some(new)) = (address.association_id(), again.association_id()) {
        reply.body = String::from_utf8_lossy(&reply.body).replace(old, new).into();
        reply.headers.remove(http::header::CONTENT_LENGTH);
    }
    Ok(reply)
}

/// Takes what they had from instances that were terminated.
pub(super) async fn terminated(rules: &Rules, request: &Request) -> Result<()> {
    for instance in request.list("InstanceId") {
        rules.account.let_go(instance).await?;
    }
    Ok(())
}

/// The address that a request names.
fn meant<'a>(addresses: &'a [Address], request: &Request) -> Option<&'a Address> {
    let allocation = request.parameter("AllocationId");
    let ip = request.parameter("PublicIp");
    let named = |address: &&Address| match allocation {
        Some(_) => address.allocation_id() == allocation,
        None => ip.is_some() && address.public_ip() == ip,
    };
    addresses.iter().find(named)
}

/// The interface that an address is associated with. moto leaves an empty element where AWS leaves none.
fn associated_with(address: &Address) -> Option<&str> {
    address.association_id()?;
    address.network_interface_id().filter(|id| !id.is_empty())
}

/// The instance that an interface is attached to.
fn owner(interface: &NetworkInterface) -> Option<&str> {
    interface.attachment()?.instance_id()
}

/// Whether an interface is its instance's first one.
pub(super) fn is_first(interface: &NetworkInterface) -> bool {
    interface.attachment().and_then(|attachment| attachment.device_index()) == Some(0)
}

/// The state of an instance that cannot have an address.
fn unfit(instance: &Instance) -> Option<&str> {
    let state = instance.state()?.name()?;
    let fit = matches!(
        state,
        InstanceStateName::Running | InstanceStateName::Stopped | InstanceStateName::Stopping
    );
    (!fit).then(|| state.as_str())
}

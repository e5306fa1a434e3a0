//! Elastic IPs, against an endpoint that plays EC2.

use plan::aws::{AllocationId, AssociationId, Fault, InstanceId, InterfaceId};

use super::endpoint::{Endpoint, Reply, Request, refusal};
use super::{clients, owner};
use crate::{Cloud, Fence};

const ADDRESSES: &str = "<DescribeAddressesResponse><addressesSet>
  <item><publicIp>198.51.100.1</publicIp><allocationId>eipalloc-1</allocationId><domain>vpc</domain>
    <instanceId>i-1</instanceId><associationId>eipassoc-1</associationId><networkInterfaceId>eni-1</networkInterfaceId>
    <tagSet><item><key>flynn.io/cluster</key><value>0d2b1b2e-4c4b-4a59-9d27-0f3a3a1d2c5e</value></item>
      <item><key>empty</key><value/></item></tagSet></item>
  <item><publicIp>198.51.100.2</publicIp><allocationId>eipalloc-2</allocationId><domain>vpc</domain>
    <instanceId/></item>
  <item><publicIp>198.51.100.3</publicIp><allocationId>eipalloc-3</allocationId><domain>vpc</domain>
    <associationId>eipassoc-3</associationId><networkInterfaceId>eni-3</networkInterfaceId></item>
  <item><carrierIp>203.0.113.4</carrierIp><allocationId>eipalloc-4</allocationId></item>
</addressesSet></DescribeAddressesResponse>";

const ALLOCATED: &str = "<AllocateAddressResponse><publicIp>198.51.100.9</publicIp>
  <allocationId>eipalloc-9</allocationId><domain>vpc</domain></AllocateAddressResponse>";

async fn ec2(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Endpoint, Cloud) {
    let endpoint = Endpoint::start(answer).await;
    let (cloud, _) = clients(endpoint.url(), Fence::open());
    (endpoint, cloud)
}

fn says(text: &str) -> Reply {
    Some((200, text.to_owned()))
}

fn allocation() -> AllocationId {
    AllocationId::new("eipalloc-1")
}

#[tokio::test]
async fn every_elastic_ip_is_listed_with_what_it_is_associated_with() {
    let (_endpoint, cloud) = ec2(|_| says(ADDRESSES)).await;
    let addresses = cloud.addresses.list().await.unwrap();
    let ids: Vec<_> = addresses.iter().map(|address| address.id.as_str()).collect();
    assert_eq!(ids, ["eipalloc-1", "eipalloc-2", "eipalloc-3"], "a carrier's address is none");
    let association = addresses[0].association.as_ref().unwrap();
    assert_eq!(association.id, AssociationId::new("eipassoc-1"));
    assert_eq!(association.instance, Some(InstanceId::new("i-1")));
    assert_eq!(association.interface, Some(InterfaceId::new("eni-1")));
    assert!(owner().owns(&addresses[0].tags));
    assert_eq!(addresses[0].tags["empty"], "");
    assert_eq!(addresses[1].association, None);
    assert_eq!(addresses[2].association.as_ref().unwrap().instance, None);
}

#[tokio::test]
async fn an_address_is_marked_in_the_call_that_makes_it() {
    let (endpoint, cloud) = ec2(|_| says(ALLOCATED)).await;
    let address = cloud.addresses.allocate(&owner(), "n1").await.unwrap();
    assert_eq!((address.id.as_str(), address.address.to_string().as_str()), ("eipalloc-9", "198.51.100.9"));
    assert!(owner().owns(&address.tags));
    let form = &endpoint.requests()[0].form;
    assert_eq!((form["Action"].as_str(), form["Domain"].as_str()), ("AllocateAddress", "vpc"));
    assert_eq!(form["TagSpecification.1.ResourceType"], "elastic-ip");
    let tags: Vec<_> = (1..=2).map(|i| form[&format!("TagSpecification.1.Tag.{i}.Value")].as_str()).collect();
    assert_eq!(tags, ["flynn site n1", owner().uid.as_str()]);
}

#[tokio::test]
async fn an_allocation_whose_reply_is_lost_is_sent_once() {
    let (endpoint, cloud) = ec2(|_| None).await;
    let failure = cloud.addresses.allocate(&owner(), "n1").await.unwrap_err();
    assert_eq!((failure.fault, failure.is_ambiguous()), (Fault::Unreachable, true));
    assert_eq!(endpoint.actions(), ["AllocateAddress"]);
}

#[tokio::test]
async fn an_allocation_that_aws_failed_in_is_sent_once() {
    let (endpoint, cloud) = ec2(|_| refusal(500, "InternalError", "An internal error has occurred")).await;
    let failure = cloud.addresses.allocate(&owner(), "n1").await.unwrap_err();
    assert_eq!((failure.fault, failure.code.as_deref()), (Fault::Server, Some("InternalError")));
    assert_eq!(endpoint.actions(), ["AllocateAddress"]);
}

#[tokio::test]
async fn an_association_takes_the_address_from_nobody() {
    let associated =
        "<AssociateAddressResponse><associationId>eipassoc-1</associationId></AssociateAddressResponse>";
    let (endpoint, cloud) = ec2(move |_| says(associated)).await;
    cloud.addresses.associate(&allocation(), &InterfaceId::new("eni-1")).await.unwrap();
    let form = &endpoint.requests()[0].form;
    assert_eq!(form["AllowReassociation"], "false");
    assert_eq!((form["AllocationId"].as_str(), form["NetworkInterfaceId"].as_str()), ("eipalloc-1", "eni-1"));
}

#[tokio::test]
async fn an_address_that_is_associated_elsewhere_is_a_conflict() {
    let said = "resource eipalloc-1 is already associated with associate-id eipassoc-2";
    let (_endpoint, cloud) = ec2(move |_| refusal(400, "Resource.AlreadyAssociated", said)).await;
    let failure = cloud.addresses.associate(&allocation(), &InterfaceId::new("eni-1")).await.unwrap_err();
    assert_eq!((failure.fault, failure.call), (Fault::Conflict, "ec2:AssociateAddress"));
    assert_eq!(failure.message, said);
}

#[tokio::test]
async fn what_is_gone_is_taken_away_with_success() {
    let (endpoint, cloud) = ec2(|request| {
        let kind = if request.action() == "ReleaseAddress" { "Allocation" } else { "Association" };
        refusal(400, &format!("Invalid{kind}ID.NotFound"), "It does not exist")
    })
    .await;
    cloud.addresses.disassociate(&AssociationId::new("eipassoc-1")).await.unwrap();
    cloud.addresses.release(&allocation()).await.unwrap();
    assert_eq!(endpoint.actions(), ["DisassociateAddress", "ReleaseAddress"]);
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told_as_one() {
    let said = "The maximum number of addresses has been reached.";
    let (_endpoint, cloud) = ec2(move |_| refusal(400, "AddressLimitExceeded", said)).await;
    let failure = cloud.addresses.allocate(&owner(), "n1").await.unwrap_err();
    assert_eq!((failure.fault, failure.message.as_str()), (Fault::Quota, said));
}

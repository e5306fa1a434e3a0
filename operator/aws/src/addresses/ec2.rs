//! Elastic IPs on EC2.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::types::{Address, DomainType, ResourceType, Tag, TagSpecification};
use plan::aws::{
    AllocationId, Association, AssociationId, ElasticIp, Failure, InstanceId, InterfaceId, Owner,
};

use super::ElasticIps;
use crate::failure::{gone_is_done, incomplete};
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Ec2;

const LIST: Operation = Operation::read("ec2:DescribeAddresses", &[Lane::Ec2Read]);
const ALLOCATE: Operation = Operation::write_once("ec2:AllocateAddress", &[Lane::Ec2Write]);
const ASSOCIATE: Operation = Operation::write("ec2:AssociateAddress", &[Lane::Ec2Write]);
const DISASSOCIATE: Operation = Operation::write("ec2:DisassociateAddress", &[Lane::Ec2Write]);
const RELEASE: Operation = Operation::write("ec2:ReleaseAddress", &[Lane::Ec2Write]);

#[async_trait]
impl ElasticIps for Ec2 {
    async fn list(&self) -> Result<Vec<ElasticIp>, Failure> {
        let output = self.caller.call(&LIST, || self.client.describe_addresses().send()).await?;
        let addresses = output.addresses.ok_or_else(|| incomplete(LIST.name))?;
        Ok(addresses.iter().filter_map(elastic_ip).collect())
    }

    async fn allocate(&self, owner: &Owner, node: &str) -> Result<ElasticIp, Failure> {
        let tags = owner.tags(node);
        let marked = TagSpecification::builder()
            .resource_type(ResourceType::ElasticIp)
            .set_tags(Some(
                tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect(),
            ))
            .build();
        let send = || {
            let request = self.client.allocate_address().domain(DomainType::Vpc);
            request.tag_specifications(marked.clone()).send()
        };
        let output = self.caller.call(&ALLOCATE, send).await?;
        let address = output.public_ip().and_then(|address| address.parse().ok());
        match (output.allocation_id(), address) {
            (Some(id), Some(address)) => {
                Ok(ElasticIp { id: AllocationId::new(id), address, tags, association: None })
            }
            _ => Err(incomplete(ALLOCATE.name)),
        }
    }

    async fn associate(&self, address: &AllocationId, interface: &InterfaceId) -> Result<(), Failure> {
        let send = || {
            let request = self.client.associate_address().allocation_id(address.as_str());
            request.network_interface_id(interface.as_str()).allow_reassociation(false).send()
        };
        self.caller.call(&ASSOCIATE, send).await.map(drop)
    }

    async fn disassociate(&self, association: &AssociationId) -> Result<(), Failure> {
        let send = || self.client.disassociate_address().association_id(association.as_str()).send();
        gone_is_done(self.caller.call(&DISASSOCIATE, send).await.map(drop))
    }

    async fn release(&self, address: &AllocationId) -> Result<(), Failure> {
        let send = || self.client.release_address().allocation_id(address.as_str()).send();
        gone_is_done(self.caller.call(&RELEASE, send).await.map(drop))
    }
}

/// Nothing for an address that is no Elastic IP of a VPC, such as a carrier's.
fn elastic_ip(address: &Address) -> Option<ElasticIp> {
    let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    Some(ElasticIp {
        id: AllocationId::new(address.allocation_id()?),
        address: address.public_ip()?.parse().ok()?,
        tags: address.tags().iter().filter_map(tag).collect::<BTreeMap<_, _>>(),
        association: address.association_id().map(|id| Association {
            id: AssociationId::new(id),
            instance: named(address.instance_id()).map(InstanceId::new),
            interface: named(address.network_interface_id()).map(InterfaceId::new),
        }),
    })
}

/// EC2 leaves an element empty that has nothing to say.
fn named(id: Option<&str>) -> Option<&str> {
    id.filter(|id| !id.is_empty())
}

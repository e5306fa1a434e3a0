//! Elastic IPs.

mod ec2;

use async_trait::async_trait;
use plan::aws::{AllocationId, AssociationId, ElasticIp, Failure, InterfaceId, Owner};

/// The Elastic IP calls that the operator makes.
#[async_trait]
pub trait ElasticIps: Send + Sync {
    /// Every address of the region, ours or not (`ec2:DescribeAddresses`, which has no pages).
    async fn list(&self) -> Result<Vec<ElasticIp>, Failure>;

    /// Allocates and tags in one call, so that a crash cannot leak an untagged address. It is never tried again by itself: of a call without an answer nobody
    /// knows whether it made an address.
    async fn allocate(&self, owner: &Owner, node: &str) -> Result<ElasticIp, Failure>;

    /// Associates the address with the primary private address of the interface; one that is associated elsewhere is a conflict (`AllowReassociation=false`).
    async fn associate(&self, address: &AllocationId, interface: &InterfaceId) -> Result<(), Failure>;

    /// Takes the address from where it is; an association that is gone is a success.
    async fn disassociate(&self, association: &AssociationId) -> Result<(), Failure>;

    /// Gives the address back; one that is gone is a success.
    async fn release(&self, address: &AllocationId) -> Result<(), Failure>;
}

//! What AWS refuses, or does besides, and moto does not: looked up in moto before a request goes there, and mended after.
//!
//! Each rule stands at the head of the module that enforces it, with the page of the AWS documentation it comes from
//! ("API_X" is `docs.aws.amazon.com/AWSEC2/latest/APIReference/API_X.html`), and has a test that sees it refuse. A dry run is
//! moto's own affair.

mod addresses;
mod buckets;
mod groups;
mod keys;
mod permissions;
mod transport;

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use bytes::Bytes;

use super::account::Account;
use super::refusal::{Refusal, Reply};
use super::request::{Request, Service};
use keys::InactiveKeys;
use permissions::Known;

/// How much of a thing an account may have. The defaults are those of a new account of AWS.
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// Elastic IPs in a region.
    pub elastic_ips: usize,
    /// Security groups on a network interface.
    pub groups_per_interface: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { elastic_ips: 5, groups_per_interface: 5 }
    }
}

/// The rules for one account.
#[derive(Debug)]
pub(super) struct Rules {
    account: Account,
    quotas: Quotas,
    keys: InactiveKeys,
    known: Known,
    is_enforced: AtomicBool,
}

/// Whether a request may pass, or why that could not be looked up.
type Judged = Result<Result<(), Refusal>>;

impl Rules {
    /// Rules that look up in this account.
    pub(super) fn new(account: Account, quotas: Quotas) -> Self {
        Self {
            account,
            quotas,
            keys: InactiveKeys::default(),
            known: Known::default(),
            is_enforced: AtomicBool::new(false),
        }
    }

    /// Heeds the policies of users from now on, whether moto does or not.
    pub(super) fn enforce_iam(&self) {
        self.is_enforced.store(true, Ordering::Relaxed);
    }

    /// Refuses what AWS refuses, and clears the way for what it does at once.
    pub(super) async fn before(&self, request: &Request) -> Result<(), Refusal> {
        self.keys.check(request)?;
        if request.service != Service::Sts && self.is_enforced.load(Ordering::Relaxed) {
            permissions::check(self, request).await.unwrap_or_else(own_fault)?;
        }
        let judged = match request.service {
            Service::Ec2 if request.parameter("DryRun") != Some("true") => self.before_ec2(request).await,
            Service::Iam if request.operation == "DeleteUser" => keys::delete_user(self, request).await,
            _ => Ok(Ok(())),
        };
        judged.unwrap_or_else(own_fault)
    }

    async fn before_ec2(&self, request: &Request) -> Judged {
        match request.operation.as_str() {
            "AllocateAddress" => addresses::allocate(self).await,
            "AssociateAddress" => addresses::associate(self, request).await,
            "ReleaseAddress" => addresses::release(self, request).await,
            "DeleteSecurityGroup" => groups::delete(self, request).await,
            "ModifyInstanceAttribute" => groups::of_instance(self, request).await,
            "ModifyNetworkInterfaceAttribute" => groups::of_interface(self, request).await,
            _ => Ok(Ok(())),
        }
    }

    /// What moto gets of a request: its body, but for what moto would take for something else.
    pub(super) fn body(&self, request: &Request) -> Bytes {
        match (request.service, request.operation.as_str()) {
            (Service::S3, "PutBucketPolicy") => transport::to_moto(&request.body),
            _ => request.body.clone(),
        }
    }

    /// Does what AWS does besides, after a request was carried out.
    pub(super) async fn after(&self, request: &Request, reply: Reply) -> Result<Reply> {
        match (request.service, request.operation.as_str()) {
            (Service::Ec2, "AssociateAddress") => return addresses::associated(self, request, reply).await,
            (Service::Ec2, "TerminateInstances") => addresses::terminated(self, request).await?,
            (Service::Ec2, "ModifyInstanceAttribute") => groups::instance_has(self, request).await?,
            (Service::Ec2, "ModifyNetworkInterfaceAttribute") => groups::interface_has(self, request).await?,
            (Service::Iam, "UpdateAccessKey") => self.keys.updated(request),
            (Service::S3, "GetBucketPolicy") => return Ok(transport::from_moto(reply)),
            (Service::S3, operation) if operation != "GetObject" => return Ok(buckets::named(reply)),
            _ => {}
        }
        Ok(reply)
    }
}

/// What was not looked up is not let pass.
fn own_fault(error: anyhow::Error) -> Result<(), Refusal> {
    Err(Refusal::new("InternalError", format!("the double: {error:#}")))
}

/// What an instance with several interfaces is refused.
fn several_interfaces(instance: &str) -> Refusal {
    let message = format!(
        "There are multiple interfaces attached to instance '{instance}'. Please specify an interface ID for the operation instead."
    );
    Refusal::new("InvalidInstanceID", message)
}

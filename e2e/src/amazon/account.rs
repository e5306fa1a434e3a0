//! The account by a way round the operator's: what a person does at the console, and what a test looks up.
//!
//! It talks to moto itself, so that neither faults nor the log of calls know of it, with the key of a user who may do
//! everything also where IAM is enforced. Machines that a test needs are made here, in the default network.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use aws_sdk_ec2::types::{
    Address, Filter, Instance, InstanceNetworkInterfaceSpecification, NetworkInterface, SecurityGroup,
};
use aws_types::SdkConfig;

use super::credentials::AccessKey;
use super::policy;

/// Any image will do: none is started.
const IMAGE: &str = "ami-0123456789abcdef0";

/// The name of the users' only policy.
const POLICY: &str = "granted";

/// Hands in the account. All parts of it may be used directly.
#[derive(Debug, Clone)]
pub struct Account {
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
}

impl Account {
    /// The account that these settings lead to.
    #[must_use]
    pub fn new(sdk: &SdkConfig) -> Self {
        Self {
            ec2: aws_sdk_ec2::Client::new(sdk),
            iam: aws_sdk_iam::Client::new(sdk),
            s3: aws_sdk_s3::Client::new(sdk),
        }
    }

    /// Makes a user with this policy, and a key for it. moto compares resources for S3 only: to it, the policy counts for every resource outside of that. The
    /// proxy, where it judges, goes by the policy itself.
    ///
    /// # Errors
    /// When there is such a user, or the policy is none.
    pub async fn user(&self, name: &str, policy: &str) -> Result<AccessKey> {
        self.iam.create_user().user_name(name).send().await?;
        let put = self.iam.put_user_policy().user_name(name).policy_name(POLICY);
        put.policy_document(policy::widened(policy)?).send().await?;
        let put = self.iam.put_user_policy().user_name(name).policy_name(policy::EXACT);
        put.policy_document(policy).send().await?;
        let made = self.iam.create_access_key().user_name(name).send().await?;
        let key = made.access_key.context("a key was made")?;
        Ok(AccessKey { id: key.access_key_id, secret: key.secret_access_key })
    }

    /// Runs an instance in an availability zone, such as `us-east-1a`, and returns its id. Its interface goes with it.
    ///
    /// # Errors
    /// When EC2 refuses, or has no default subnet there.
    pub async fn run(&self, zone: &str) -> Result<String> {
        let interface = InstanceNetworkInterfaceSpecification::builder()
            .device_index(0)
            .subnet_id(self.subnet(zone).await?)
            .delete_on_termination(true)
            .build();
        let run = self.ec2.run_instances().image_id(IMAGE).min_count(1).max_count(1);
        let run = run.network_interfaces(interface).send().await?;
        let instance = run.instances().first().and_then(Instance::instance_id).context("one was run")?;
        self.instance(instance).await?; // it is running as soon as someone looks
        Ok(instance.to_owned())
    }

    /// The default subnet of an availability zone.
    ///
    /// # Errors
    /// When EC2 refuses, or there is none.
    pub async fn subnet(&self, zone: &str) -> Result<String> {
        let found = self.ec2.describe_subnets().filters(filter("availability-zone", zone)).send().await?;
        let subnet = found.subnets().first().and_then(|subnet| subnet.subnet_id());
        Ok(subnet.with_context(|| format!("no default subnet in {zone}"))?.to_owned())
    }

    /// Terminates an instance. Its addresses are free then, but stay allocated; interfaces that were added stay, too.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn terminate(&self, instance: &str) -> Result<()> {
        self.ec2.terminate_instances().instance_ids(instance).send().await?;
        self.let_go(instance).await
    }

    /// Takes addresses and interfaces from an instance, as EC2 does when one is terminated, and moto does not.
    pub(super) async fn let_go(&self, instance: &str) -> Result<()> {
        for address in self.addresses().await? {
            if address.instance_id() == Some(instance) {
                let free = self.ec2.disassociate_address();
                free.set_association_id(address.association_id).send().await?;
            }
        }
        for interface in self.interfaces_of(instance).await? {
            let attachment = interface.attachment.and_then(|attachment| attachment.attachment_id);
            let detach = self.ec2.detach_network_interface();
            detach.set_attachment_id(attachment).send().await?;
        }
        Ok(())
    }

    /// Stops an instance. Its addresses stay with it.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn stop(&self, instance: &str) -> Result<()> {
        self.ec2.stop_instances().instance_ids(instance).send().await?;
        Ok(())
    }

    /// Starts a stopped instance.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn start(&self, instance: &str) -> Result<()> {
        self.ec2.start_instances().instance_ids(instance).send().await?;
        Ok(())
    }

    /// Gives an instance one more interface in its subnet, and returns the interface's id.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn add_interface(&self, instance: &str) -> Result<String> {
        let present = self.interfaces_of(instance).await?;
        let subnet = present.first().and_then(NetworkInterface::subnet_id).context("it has one interface")?;
        let made = self.ec2.create_network_interface().subnet_id(subnet).send().await?;
        let made = made.network_interface.and_then(|made| made.network_interface_id);
        let interface = made.context("an interface was made")?;
        let attach = self.ec2.attach_network_interface().instance_id(instance);
        let attach = attach.network_interface_id(&interface).device_index(i32::try_from(present.len())?);
        attach.send().await?;
        Ok(interface)
    }

    /// Gives an IPv6 address to an instance's first interface.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn give_ipv6(&self, instance: &str, address: &str) -> Result<()> {
        let interfaces = self.interfaces_of(instance).await?;
        let first = interfaces.first().and_then(NetworkInterface::network_interface_id);
        let assign = self.ec2.assign_ipv6_addresses().network_interface_id(first.context("it has one")?);
        assign.ipv6_addresses(address).send().await?;
        Ok(())
    }

    /// What EC2 tells of an instance.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn instance(&self, instance: &str) -> Result<Instance> {
        let found = self.ec2.describe_instances().instance_ids(instance).send().await?;
        let instances = found.reservations.unwrap_or_default().into_iter().flat_map(|r| r.instances);
        instances.flatten().next().context("EC2 tells of the instance that it was asked for")
    }

    /// Every Elastic IP, with its tags.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn addresses(&self) -> Result<Vec<Address>> {
        Ok(self.ec2.describe_addresses().send().await?.addresses.unwrap_or_default())
    }

    /// The Elastic IP that is associated with an instance's first interface.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn address_of(&self, instance: &str) -> Result<Option<Ipv4Addr>> {
        let addresses = self.addresses().await?;
        let own = addresses.iter().find(|address| address.instance_id() == Some(instance));
        Ok(own.and_then(Address::public_ip).map(str::parse).transpose()?)
    }

    /// Every security group.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn groups(&self) -> Result<Vec<SecurityGroup>> {
        Ok(self.ec2.describe_security_groups().send().await?.security_groups.unwrap_or_default())
    }

    /// Every network interface.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn interfaces(&self) -> Result<Vec<NetworkInterface>> {
        Ok(self.ec2.describe_network_interfaces().send().await?.network_interfaces.unwrap_or_default())
    }

    /// An instance's interfaces, the first one first.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn interfaces_of(&self, instance: &str) -> Result<Vec<NetworkInterface>> {
        let of = filter("attachment.instance-id", instance);
        let found = self.ec2.describe_network_interfaces().filters(of).send().await?;
        let mut interfaces = found.network_interfaces.unwrap_or_default();
        interfaces
            .sort_by_key(|interface| interface.attachment().and_then(|attachment| attachment.device_index()));
        Ok(interfaces)
    }
}

/// A filter of one value.
pub(super) fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

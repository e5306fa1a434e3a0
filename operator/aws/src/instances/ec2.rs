//! Instances on EC2.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, Instance as Described, InstanceNetworkInterface, InstanceStateName};
use plan::aws::{Failure, Instance, InstanceId, InstanceState, Interface, InterfaceId};

use super::Instances;
use crate::failure::incomplete;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Ec2;

const DESCRIBE: Operation = Operation::read("ec2:DescribeInstances", &[Lane::Ec2Read]);

/// How many ids one call asks for. A filter takes 200 values.
const CHUNK: usize = 100;

#[async_trait]
impl Instances for Ec2 {
    async fn describe(&self, ids: &BTreeSet<InstanceId>) -> Result<BTreeMap<InstanceId, Instance>, Failure> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut found = BTreeMap::new();
        for chunk in ids.chunks(CHUNK) {
            let filter = Filter::builder().name("instance-id").set_values(Some(chunk.to_vec())).build();
            for instance in self.matching(&filter).await? {
                found.insert(instance.id.clone(), instance);
            }
        }
        Ok(found)
    }
}

impl Ec2 {
    async fn matching(&self, filter: &Filter) -> Result<Vec<Instance>, Failure> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let send = || {
                let request = self.client.describe_instances().filters(filter.clone());
                request.set_next_token(token.clone()).send()
            };
            let page = self.caller.call(&DESCRIBE, send).await?;
            let reservations = page.reservations.ok_or_else(|| incomplete(DESCRIBE.name))?;
            let instances = reservations.iter().flat_map(|reservation| reservation.instances());
            found.extend(instances.filter_map(instance));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn instance(described: &Described) -> Option<Instance> {
    let zone = described.placement().and_then(|placement| placement.availability_zone());
    Some(Instance {
        id: InstanceId::new(described.instance_id()?),
        state: state(described),
        zone: zone.unwrap_or_default().to_owned(),
        public_address: described.public_ip_address().and_then(|address| address.parse().ok()),
        interfaces: described.network_interfaces().iter().filter_map(interface).collect(),
    })
}

/// A state that we do not know is none in which an instance serves, and none in which it is gone for good.
fn state(described: &Described) -> InstanceState {
    match described.state().and_then(|state| state.name()) {
        Some(InstanceStateName::Running) => InstanceState::Running,
        Some(InstanceStateName::Stopping) => InstanceState::Stopping,
        Some(InstanceStateName::Stopped) => InstanceState::Stopped,
        Some(InstanceStateName::ShuttingDown) => InstanceState::ShuttingDown,
        Some(InstanceStateName::Terminated) => InstanceState::Terminated,
        _ => InstanceState::Pending,
    }
}

/// An interface of the first network card: on the others the device indexes begin anew.
fn interface(described: &InstanceNetworkInterface) -> Option<(i32, Interface)> {
    let attachment = described.attachment()?;
    if attachment.network_card_index().unwrap_or_default() != 0 {
        return None;
    }
    let addresses = described.ipv6_addresses().iter();
    let interface = Interface {
        id: InterfaceId::new(described.network_interface_id()?),
        ipv6: addresses.filter_map(|address| address.ipv6_address()?.parse().ok()).collect(),
        groups: described.groups().iter().filter_map(|group| group.group_id().map(str::to_owned)).collect(),
    };
    Some((attachment.device_index()?, interface))
}

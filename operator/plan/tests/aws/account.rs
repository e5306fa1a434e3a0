//! A simulated AWS account: what it holds, and what each call about Elastic IPs does to it, as strictly as EC2.
//!
//! Calls about Route 53 are in `records.rs` and `health_checks.rs`. Where AWS leaves something open, the account takes the reading that is harder on
//! its client: an address that is associated with an interface that has one displaces it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};
use plan::aws::{
    AllocationId, Association, AssociationId, Call, Done, ElasticIp, Failure, Fault, Instance, InstanceId,
    InstanceState, Interface, InterfaceId, Owner,
};
use serde::{Deserialize, Serialize};

use crate::health_checks::Check;
use crate::records::HostedZone;

/// The Elastic IPs that an account may have, if nothing else is said.
const QUOTA: usize = 5;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Account {
    /// How many Elastic IPs it may have; left out: 5.
    pub(crate) quota: Option<usize>,
    pub(crate) instances: BTreeMap<String, Machine>,
    pub(crate) addresses: BTreeMap<String, Eip>,
    pub(crate) zones: BTreeMap<String, HostedZone>,
    pub(crate) checks: BTreeMap<String, Check>,
    /// The caller references of health checks that were deleted.
    pub(crate) spent: Vec<String>,
    /// The changes of records that not every name server has yet, and when it will.
    pub(crate) changes: BTreeMap<String, Timestamp>,
    /// How long a list leaves out what was just made.
    pub(crate) lag_seconds: i64,
    /// How long a change of records takes to reach every name server.
    pub(crate) sync_seconds: i64,
    /// Counts what was made, for ids.
    pub(crate) made: u8,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Machine {
    pub(crate) state: String,
    /// Whether a router answers on it.
    pub(crate) serves: bool,
    /// The address that it has without an Elastic IP.
    pub(crate) public: Option<Ipv4Addr>,
    /// By device index; left out: one, `eni-` and what follows `i-`.
    pub(crate) interfaces: BTreeMap<i32, String>,
    pub(crate) ipv6: Vec<Ipv6Addr>,
}

/// An Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Eip {
    pub(crate) address: Ipv4Addr,
    /// The uid of the Cluster that its tag names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on: Option<On>,
    /// From when on lists show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visible_at: Option<Timestamp>,
}

/// What an Elastic IP is associated with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct On {
    pub(crate) instance: Option<String>,
    /// Left out: the primary one.
    pub(crate) interface: Option<String>,
    /// Left out: `eipassoc-` and what follows `eipalloc-`.
    pub(crate) association: Option<String>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            state: "Running".into(),
            serves: true,
            public: None,
            interfaces: BTreeMap::new(),
            ipv6: Vec::new(),
        }
    }
}

/// A call that is refused.
pub(crate) fn refused(call: &Call, fault: Fault, code: &str) -> Failure {
    Failure { call: call.action(), fault, code: Some(code.to_owned()), message: format!("The {code} error") }
}

impl Account {
    /// Fills in what a case leaves out, and takes the addresses from instances that have been terminated.
    pub(crate) fn complete(&mut self) {
        for (id, machine) in &mut self.instances {
            if machine.interfaces.is_empty() {
                machine.interfaces.insert(0, id.replace("i-", "eni-"));
            }
        }
        for (id, eip) in &mut self.addresses {
            let Some(on) = &mut eip.on else { continue };
            let machine = on.instance.as_ref().and_then(|id| self.instances.get(id));
            if machine.is_some_and(|machine| machine.state == "Terminated") {
                eip.on = None;
                continue;
            }
            on.association.get_or_insert_with(|| id.replace("eipalloc-", "eipassoc-"));
            if on.interface.is_none() {
                on.interface = machine.and_then(|machine| machine.interfaces.get(&0).cloned());
            }
        }
    }

    /// Carries a call out, or refuses it.
    pub(crate) fn call(&mut self, owner: &Owner, call: &Call, now: Timestamp) -> Result<Done, Failure> {
        match call {
            Call::AllocateAddress { .. } => self.allocate(owner, call, now),
            Call::AssociateAddress { address, interface, .. } => {
                self.associate(call, address.as_str(), interface.as_str())
            }
            Call::DisassociateAddress { association, .. } => {
                let named = |on: &mut On| on.association.as_deref() == Some(association.as_str());
                self.addresses.values_mut().for_each(|eip| drop(eip.on.take_if(named)));
                Ok(Done::Nothing)
            }
            Call::ReleaseAddress { address } => match self.addresses.get(address.as_str()) {
                Some(eip) if eip.on.is_some() => {
                    Err(refused(call, Fault::Conflict, "InvalidIPAddress.InUse"))
                }
                _ => {
                    self.addresses.remove(address.as_str());
                    Ok(Done::Nothing)
                }
            },
            Call::CreateHealthCheck { reference, config } => self.create_check(call, reference, config),
            Call::UpdateHealthCheck { id, version, config } => self.update_check(call, id, *version, config),
            Call::DeleteHealthCheck { id } => self.delete_check(id),
            Call::ChangeRecords { zone, changes } => self.change_records(call, zone, changes, now),
            Call::Network(_) => {
                unreachable!("no case here declares security groups; those are in storage/groups.rs")
            }
        }
    }

    /// A number that nothing made has yet.
    pub(crate) fn next(&mut self) -> u8 {
        self.made += 1;
        self.made
    }

    fn allocate(&mut self, owner: &Owner, call: &Call, now: Timestamp) -> Result<Done, Failure> {
        if self.addresses.len() >= self.quota.unwrap_or(QUOTA) {
            return Err(refused(call, Fault::Quota, "AddressLimitExceeded"));
        }
        let free = |n: &u8| {
            let address = Ipv4Addr::new(203, 0, 113, *n);
            !self.addresses.values().any(|eip| eip.address == address)
                && !self.addresses.contains_key(&format!("eipalloc-{n}"))
        };
        let n = (self.made + 1..=u8::MAX).find(free).expect("a story needs no more addresses");
        self.made = n;
        let eip = Eip {
            address: Ipv4Addr::new(203, 0, 113, n),
            owner: Some(owner.uid.clone()),
            on: None,
            visible_at: (self.lag_seconds > 0).then(|| now + SignedDuration::from_secs(self.lag_seconds)),
        };
        let id = format!("eipalloc-{n}");
        self.addresses.insert(id.clone(), eip.clone());
        Ok(Done::Allocated(elastic_ip(&id, &eip)))
    }

    fn associate(&mut self, call: &Call, address: &str, interface: &str) -> Result<Done, Failure> {
        let holder =
            self.instances.iter().find(|(_, machine)| machine.interfaces.values().any(|i| i == interface));
        let Some((instance, machine)) = holder else {
            return Err(refused(call, Fault::NotFound, "InvalidNetworkInterfaceID.NotFound"));
        };
        if !matches!(machine.state.as_str(), "Running" | "Stopped") {
            return Err(refused(call, Fault::Conflict, "IncorrectInstanceState"));
        }
        let instance = instance.clone();
        match self.addresses.get(address) {
            None => return Err(refused(call, Fault::NotFound, "InvalidAllocationID.NotFound")),
            Some(eip) if eip.on.is_some() => {
                return Err(refused(call, Fault::Conflict, "Resource.AlreadyAssociated"));
            }
            Some(_) => {}
        }
        let association = format!("eipassoc-{}", self.next());
        for eip in self.addresses.values_mut() {
            eip.on.take_if(|on| on.interface.as_deref() == Some(interface));
        }
        let on = On {
            instance: Some(instance),
            interface: Some(interface.to_owned()),
            association: Some(association),
        };
        self.addresses.get_mut(address).expect("it was there").on = Some(on);
        Ok(Done::Nothing)
    }

    /// What `DescribeAddresses` answers.
    pub(crate) fn list_addresses(&self, now: Timestamp) -> Vec<ElasticIp> {
        let shown = self.addresses.iter().filter(|(_, eip)| eip.visible_at.is_none_or(|at| at <= now));
        shown.map(|(id, eip)| elastic_ip(id, eip)).collect()
    }

    /// What `DescribeInstances` answers.
    pub(crate) fn list_instances(&self) -> BTreeMap<InstanceId, Instance> {
        self.instances.keys().map(|id| (InstanceId::new(id.as_str()), self.instance(id))).collect()
    }

    fn instance(&self, id: &str) -> Instance {
        let machine = &self.instances[id];
        let state = match machine.state.as_str() {
            "Pending" => InstanceState::Pending,
            "Running" => InstanceState::Running,
            "Stopping" => InstanceState::Stopping,
            "Stopped" => InstanceState::Stopped,
            "ShuttingDown" => InstanceState::ShuttingDown,
            "Terminated" => InstanceState::Terminated,
            other => panic!("{other} is no state of an instance"),
        };
        let interface = |(index, eni): (&i32, &String)| {
            let ipv6 = if *index == 0 { machine.ipv6.clone() } else { Vec::new() };
            (*index, Interface { id: InterfaceId::new(eni.as_str()), ipv6, groups: Vec::new() })
        };
        Instance {
            id: InstanceId::new(id),
            state,
            zone: "us-east-1a".into(),
            public_address: self.public_address(id),
            interfaces: machine.interfaces.iter().map(interface).collect(),
        }
    }

    /// The address of an instance: its Elastic IP, otherwise its own while it runs.
    fn public_address(&self, id: &str) -> Option<Ipv4Addr> {
        let machine = &self.instances[id];
        let primary = machine.interfaces.get(&0);
        let elastic = self.addresses.values().find(|eip| {
            eip.on.as_ref().is_some_and(|on| on.interface.is_some() && on.interface.as_ref() == primary)
        });
        elastic.map(|eip| eip.address).or(machine.public.filter(|_| machine.state == "Running"))
    }

    /// Whether a router answers at an address.
    pub(crate) fn serves(&self, address: IpAddr) -> bool {
        self.instances.iter().any(|(id, machine)| {
            let has = match address {
                IpAddr::V4(v4) => {
                    self.public_address(id) == Some(v4)
                        || self.addresses.values().any(|eip| {
                            eip.address == v4
                                && eip.on.as_ref().is_some_and(|on| on.instance.as_ref() == Some(id))
                        })
                }
                IpAddr::V6(v6) => machine.ipv6.contains(&v6),
            };
            has && machine.serves && machine.state == "Running"
        })
    }
}

fn elastic_ip(id: &str, eip: &Eip) -> ElasticIp {
    let association = eip.on.as_ref().map(|on| Association {
        id: AssociationId::new(on.association.clone().unwrap_or_default()),
        instance: on.instance.as_deref().map(InstanceId::new),
        interface: on.interface.as_deref().map(InterfaceId::new),
    });
    let owner = eip.owner.iter().map(|uid| ("flynn.io/cluster".to_owned(), uid.clone()));
    ElasticIp { id: AllocationId::new(id), address: eip.address, tags: owner.collect(), association }
}

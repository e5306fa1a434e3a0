//! A stateful fake of an AWS account: it carries calls out as AWS does, can refuse them all, and can be the place where a process dies.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use aws::{Cloud, ElasticIps, HealthChecks, Instances, Zones};
use plan::aws::network::{NodeInterface, SecurityGroup};
use plan::aws::{
    AllocationId, Association, AssociationId, ChangeId, ElasticIp, Failure, Fault, GroupId, Health,
    HealthCheck, HealthCheckConfig, HealthCheckId, Instance, InstanceId, InstanceState, Interface,
    InterfaceId, Owner, RecordAction, RecordChange, RecordName, RecordSet, Routing, Zone, ZoneId,
};
use tokio::sync::Notify;

use crate::cloud::Clients;

/// How often a change is asked about before it has arrived.
const POLLS: u32 = 3;

/// The account.
#[derive(Default)]
pub(super) struct Account {
    state: Mutex<State>,
    /// Told when a call never returns.
    pub(super) died: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) addresses: BTreeMap<AllocationId, ElasticIp>,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    pub(super) zones: Vec<Zone>,
    pub(super) records: BTreeMap<ZoneId, Vec<RecordSet>>,
    pub(super) checks: BTreeMap<HealthCheckId, HealthCheck>,
    /// The interfaces of instances, as security groups know them.
    pub(super) interfaces: BTreeMap<InterfaceId, NodeInterface>,
    pub(super) groups: BTreeMap<GroupId, SecurityGroup>,
    /// Whether lists of security groups come back empty.
    pub(super) hides_groups: bool,
    /// Every reference that was ever used.
    references: BTreeSet<String>,
    /// How often each change still says that it is on its way.
    changes: BTreeMap<ChangeId, u32>,
    /// The calls that read, by action.
    pub(super) reads: BTreeMap<&'static str, usize>,
    /// The calls that wrote, in their order.
    pub(super) writes: Vec<&'static str>,
    /// What every call is refused for.
    pub(super) refusal: Option<Fault>,
    /// The only call that is refused; nothing for all.
    pub(super) refused_call: Option<&'static str>,
    /// Whether lists of records come back without any.
    pub(super) hides_records: bool,
    /// The addresses that Route 53's checkers find ill.
    pub(super) ill: BTreeSet<IpAddr>,
    /// The number of the write that never returns, and whether it is carried out.
    pub(super) death: Option<(usize, bool)>,
    numbers: u32,
}

impl Account {
    /// The account as it is.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Clients of it.
    pub(super) fn clients(self: &Arc<Self>) -> Clients {
        let cloud = Cloud {
            addresses: self.clone(),
            instances: self.clone(),
            zones: self.clone(),
            health_checks: self.clone(),
        };
        Clients { cloud, groups: self.clone() }
    }

    pub(super) async fn read<T>(
        &self,
        call: &'static str,
        answer: impl FnOnce(&mut State) -> T,
    ) -> Result<T, Failure> {
        *self.state().reads.entry(call).or_default() += 1;
        self.refused(call).await?;
        Ok(answer(&mut self.state()))
    }

    pub(super) async fn write<T>(
        &self,
        call: &'static str,
        carry_out: impl FnOnce(&mut State) -> Result<T, Fault>,
    ) -> Result<T, Failure> {
        self.refused(call).await?;
        let (is_last, is_carried_out) = {
            let mut state = self.state();
            let number = state.writes.len();
            state.writes.push(call);
            match state.death {
                Some((death, carried_out)) if death == number => (true, carried_out),
                _ => (false, true),
            }
        };
        let result = if is_carried_out { Some(carry_out(&mut self.state())) } else { None };
        if is_last {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        result.unwrap().map_err(|fault| failure(call, fault))
    }

    async fn refused(&self, call: &'static str) -> Result<(), Failure> {
        let refusal = {
            let state = self.state();
            state.refusal.filter(|_| state.refused_call.is_none_or(|only| only == call))
        };
        if refusal == Some(Fault::Unreachable) {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        refusal.map_or(Ok(()), |fault| Err(failure(call, fault)))
    }
}

fn failure(call: &'static str, fault: Fault) -> Failure {
    Failure { call, fault, code: Some(format!("{fault:?}")), message: "the account refuses".into() }
}

impl State {
    /// Starts an instance.
    pub(super) fn run(&mut self, id: &InstanceId) {
        let interface = InterfaceId::new(id.as_str().replace("i-", "eni-"));
        self.plug(interface.clone(), id);
        let interface = Interface { id: interface, ipv6: Vec::new(), groups: Vec::new() };
        let instance = Instance {
            id: id.clone(),
            state: InstanceState::Running,
            zone: "us-east-1a".into(),
            public_address: None,
            interfaces: [(0, interface)].into(),
        };
        self.instances.insert(id.clone(), instance);
    }

    /// Terminates an instance.
    pub(super) fn terminate(&mut self, id: &InstanceId) {
        self.instances.remove(id);
        self.interfaces.retain(|_, interface| interface.instance.as_ref() != Some(id));
        for address in self.addresses.values_mut() {
            if address.association.as_ref().and_then(|association| association.instance.as_ref()) == Some(id)
            {
                address.association = None;
            }
        }
    }

    /// The addresses with this owner's mark.
    pub(super) fn addresses_of(&self, owner: &Owner) -> Vec<&ElasticIp> {
        self.addresses.values().filter(|address| owner.owns(&address.tags)).collect()
    }

    /// The record sets with this owner's mark.
    pub(super) fn sets_of(&self, owner: &Owner) -> Vec<&RecordSet> {
        self.records
            .values()
            .flatten()
            .filter(|set| identifier(set).is_some_and(|id| owner.owns_set(id)))
            .collect()
    }

    /// The health checks with this owner's mark.
    pub(super) fn checks_of(&self, owner: &Owner) -> Vec<&HealthCheck> {
        self.checks.values().filter(|check| owner.owns_reference(&check.reference)).collect()
    }

    /// All calls that read.
    pub(super) fn all_reads(&self) -> usize {
        self.reads.values().sum()
    }

    pub(super) fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// Adds an address, associated with nothing.
    pub(super) fn allocate(&mut self, tags: BTreeMap<String, String>) -> ElasticIp {
        let number = self.number();
        let id = AllocationId::new(format!("eipalloc-{number:08}"));
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number);
        let address = ElasticIp { id: id.clone(), address, tags, association: None };
        self.addresses.insert(id, address.clone());
        address
    }

    fn associate(&mut self, id: &AllocationId, interface: &InterfaceId) -> Result<(), Fault> {
        let has = |address: &ElasticIp| {
            address.association.as_ref().and_then(|association| association.interface.as_ref())
                == Some(interface)
        };
        if self.addresses.values().any(has) {
            return Err(Fault::Conflict);
        }
        let mut instances = self.instances.values();
        let on_it = |instance: &&Instance| instance.interfaces.values().any(|found| found.id == *interface);
        let instance = instances.find(on_it).ok_or(Fault::NotFound)?.id.clone();
        let number = self.number();
        let address = self.addresses.get_mut(id).ok_or(Fault::NotFound)?;
        if address.association.is_some() {
            return Err(Fault::Conflict);
        }
        address.association = Some(Association {
            id: AssociationId::new(format!("eipassoc-{number:08}")),
            instance: Some(instance.clone()),
            interface: Some(interface.clone()),
        });
        let public = address.address;
        self.instances.get_mut(&instance).ok_or(Fault::NotFound)?.public_address = Some(public);
        Ok(())
    }

    /// Takes an address from where it is.
    pub(super) fn disassociate(&mut self, id: &AssociationId) {
        let mut addresses = self.addresses.values_mut();
        let found = addresses.find(|found| found.association.as_ref().is_some_and(|found| found.id == *id));
        let taken = found.and_then(|address| address.association.take());
        if let Some(instance) = taken.and_then(|association| association.instance) {
            self.instances.entry(instance).and_modify(|instance| instance.public_address = None);
        }
    }

    fn release(&mut self, id: &AllocationId) -> Result<(), Fault> {
        if self.addresses.get(id).is_some_and(|address| address.association.is_some()) {
            return Err(Fault::Conflict);
        }
        self.addresses.remove(id);
        Ok(())
    }

    fn change(&mut self, zone: &ZoneId, changes: &[RecordChange]) -> Result<ChangeId, Fault> {
        let mut records = self.records.get(zone).ok_or(Fault::NotFound)?.clone();
        for RecordChange { action, set } in changes {
            let place = |found: &RecordSet| {
                found.name == set.name && found.type_ == set.type_ && identifier(found) == identifier(set)
            };
            let there = records.iter().position(place);
            match (action, there) {
                (RecordAction::Create, Some(_)) | (RecordAction::Delete, None) => return Err(Fault::Invalid),
                (RecordAction::Delete, Some(there)) if records[there] != *set => return Err(Fault::Invalid),
                (RecordAction::Delete, Some(there)) => drop(records.remove(there)),
                (RecordAction::Upsert, Some(there)) => records[there] = set.clone(),
                (RecordAction::Create | RecordAction::Upsert, None) => records.push(set.clone()),
            }
            if set.health_check.as_ref().is_some_and(|check| !self.checks.contains_key(check))
                && *action != RecordAction::Delete
            {
                return Err(Fault::Invalid);
            }
        }
        self.records.insert(zone.clone(), records);
        let change = ChangeId::new(format!("C{}", self.number()));
        self.changes.insert(change.clone(), POLLS);
        Ok(change)
    }

    fn create_check(&mut self, reference: &str, config: &HealthCheckConfig) -> Result<HealthCheck, Fault> {
        if !self.references.insert(reference.to_owned()) {
            let there = self.checks.values().find(|check| check.reference == reference);
            let there = there.filter(|check| check.config.as_ref() == Some(config));
            return there.cloned().ok_or(Fault::Conflict);
        }
        let id = HealthCheckId::new(format!("check-{:04}", self.number()));
        let check = HealthCheck {
            id: id.clone(),
            reference: reference.into(),
            version: 1,
            config: Some(config.clone()),
        };
        self.checks.insert(id, check.clone());
        Ok(check)
    }

    fn update_check(
        &mut self,
        id: &HealthCheckId,
        version: i64,
        config: &HealthCheckConfig,
    ) -> Result<(), Fault> {
        let check = self.checks.get_mut(id).ok_or(Fault::NotFound)?;
        if check.version != version {
            return Err(Fault::Conflict);
        }
        check.version += 1;
        check.config = Some(config.clone());
        Ok(())
    }
}

fn identifier(set: &RecordSet) -> Option<&str> {
    match &set.routing {
        Routing::Simple => None,
        Routing::Multivalue { identifier }
        | Routing::Weighted { identifier, .. }
        | Routing::Other { identifier } => Some(identifier),
    }
}

#[async_trait]
impl ElasticIps for Account {
    async fn list(&self) -> Result<Vec<ElasticIp>, Failure> {
        self.read("ec2:DescribeAddresses", |state| state.addresses.values().cloned().collect()).await
    }

    async fn allocate(&self, owner: &Owner, node: &str) -> Result<ElasticIp, Failure> {
        self.write("ec2:AllocateAddress", |state| Ok(state.allocate(owner.tags(node)))).await
    }

    async fn associate(&self, address: &AllocationId, interface: &InterfaceId) -> Result<(), Failure> {
        self.write("ec2:AssociateAddress", |state| state.associate(address, interface)).await
    }

    async fn disassociate(&self, association: &AssociationId) -> Result<(), Failure> {
        self.write("ec2:DisassociateAddress", |state| {
            state.disassociate(association);
            Ok(())
        })
        .await
    }

    async fn release(&self, address: &AllocationId) -> Result<(), Failure> {
        self.write("ec2:ReleaseAddress", |state| state.release(address)).await
    }
}

#[async_trait]
impl Instances for Account {
    async fn describe(&self, ids: &BTreeSet<InstanceId>) -> Result<BTreeMap<InstanceId, Instance>, Failure> {
        let found = |state: &mut State| {
            let instances = state.instances.iter().filter(|(id, _)| ids.contains(id));
            instances.map(|(id, instance)| (id.clone(), instance.clone())).collect()
        };
        self.read("ec2:DescribeInstances", found).await
    }
}

#[async_trait]
impl Zones for Account {
    async fn list(&self) -> Result<Vec<Zone>, Failure> {
        self.read("route53:ListHostedZones", |state| state.zones.clone()).await
    }

    async fn records(&self, zone: &ZoneId, names: &BTreeSet<RecordName>) -> Result<Vec<RecordSet>, Failure> {
        let found = |state: &mut State| {
            let sets = state.records.get(zone).into_iter().flatten();
            sets.filter(|set| names.contains(&set.name) && !state.hides_records).cloned().collect()
        };
        self.read("route53:ListResourceRecordSets", found).await
    }

    async fn change(&self, zone: &ZoneId, changes: &[RecordChange]) -> Result<ChangeId, Failure> {
        self.write("route53:ChangeResourceRecordSets", |state| state.change(zone, changes)).await
    }

    async fn is_in_sync(&self, change: &ChangeId) -> Result<bool, Failure> {
        let arrives = |state: &mut State| {
            let polls = state.changes.entry(change.clone()).or_default();
            *polls = polls.saturating_sub(1);
            *polls == 0
        };
        self.read("route53:GetChange", arrives).await
    }
}

#[async_trait]
impl HealthChecks for Account {
    async fn list(&self, owner: &Owner) -> Result<Vec<HealthCheck>, Failure> {
        let ours = |state: &mut State| state.checks_of(owner).into_iter().cloned().collect();
        self.read("route53:ListHealthChecks", ours).await
    }

    async fn create(
        &self,
        _: &Owner,
        reference: &str,
        config: &HealthCheckConfig,
    ) -> Result<HealthCheck, Failure> {
        self.write("route53:CreateHealthCheck", |state| state.create_check(reference, config)).await
    }

    async fn update(
        &self,
        id: &HealthCheckId,
        version: i64,
        config: &HealthCheckConfig,
    ) -> Result<(), Failure> {
        self.write("route53:UpdateHealthCheck", |state| state.update_check(id, version, config)).await
    }

    async fn delete(&self, id: &HealthCheckId) -> Result<(), Failure> {
        self.write("route53:DeleteHealthCheck", |state| {
            state.checks.remove(id);
            Ok(())
        })
        .await
    }

    async fn health(&self, id: &HealthCheckId) -> Result<Health, Failure> {
        let found = |state: &mut State| {
            let config = state.checks.get(id).and_then(|check| check.config.as_ref());
            let is_ill = config.is_some_and(|config| state.ill.contains(&config.address));
            Health { healthy: if is_ill { 0 } else { 15 }, of: 15 }
        };
        self.read("route53:GetHealthCheckStatus", found).await
    }
}

//! The machines behind the addresses: instances come in that a test plays; while an Elastic IP is associated with one of them,
//! its ports are open at that address and lead to the machine's own servers, or answer health checks by themselves. So are
//! those at its IPv6 addresses.
//!
//! moto's Elastic IPs lie in 127.0.0.0/8, where every process can listen; for IPv6, `e2e/netns` gives 2001:db8:77::/64. Who
//! holds which address is asked from moto itself, again and again, since a test may change it at any time. It belongs to the
//! async runtime in which it was started.

mod door;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_ec2::types::{Address, NetworkInterface};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::account::Account;
use door::Door;

/// The time between two looks at the associations.
const PAUSE: Duration = Duration::from_millis(200);

/// How a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It does what it should.
    Well,
    /// It answers every request with 503.
    Sick,
    /// It has no power: its ports are closed.
    Dead,
}

/// An open port of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Its number at the Elastic IP.
    pub number: u16,
    /// Where it leads. None: it answers `/.well-known/status` with 200 by itself.
    pub target: Option<SocketAddr>,
}

impl Port {
    /// A port that answers `/.well-known/status` with 200.
    #[must_use]
    pub fn answering(number: u16) -> Self {
        Self { number, target: None }
    }

    /// A port that leads to a server.
    #[must_use]
    pub fn forwarding(number: u16, target: SocketAddr) -> Self {
        Self { number, target: Some(target) }
    }
}

/// The machines that are played. They end when this is dropped.
#[derive(Debug)]
pub struct Machines {
    room: Arc<Room>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Room {
    account: Account,
    machines: Mutex<BTreeMap<String, Machine>>,
    doors: tokio::sync::Mutex<BTreeMap<SocketAddr, Door>>,
}

#[derive(Debug, Clone)]
struct Machine {
    ports: Vec<Port>,
    health: watch::Sender<Health>,
}

impl Machines {
    /// Begins to watch the associations of this account.
    pub(super) fn start(account: Account) -> Self {
        let room =
            Arc::new(Room { account, machines: Mutex::default(), doors: tokio::sync::Mutex::default() });
        let watched = room.clone();
        let watch = async move {
            loop {
                // moto may be busy or gone; whoever waits for a machine asks `settle` what is wrong.
                let _ = watched.settle().await;
                sleep(PAUSE).await;
            }
        };
        Self { room, task: tokio::spawn(watch).abort_handle() }
    }

    /// Plays an instance: it is well, and has these ports.
    pub fn play(&self, instance: &str, ports: impl IntoIterator<Item = Port>) {
        let machine =
            Machine { ports: ports.into_iter().collect(), health: watch::Sender::new(Health::Well) };
        self.room.machines().insert(instance.to_owned(), machine);
    }

    /// Closes the ports of an instance and breaks its connections. Nothing is open any more when this returns.
    pub async fn kill(&self, instance: &str) {
        self.set(instance, Health::Dead);
        let mut doors = self.room.doors.lock().await;
        close(&mut doors, |_, door| door.instance != instance).await;
    }

    /// Makes an instance answer every request with 503.
    pub fn sicken(&self, instance: &str) {
        self.set(instance, Health::Sick);
    }

    /// Makes an instance well again. Ports that were closed open by and by, or with [`settle`](Self::settle).
    pub fn revive(&self, instance: &str) {
        self.set(instance, Health::Well);
    }

    fn set(&self, instance: &str, health: Health) {
        if let Some(machine) = self.room.machines().get(instance) {
            machine.health.send_replace(health);
        }
    }

    /// Opens and closes ports as the associations are now.
    ///
    /// # Errors
    /// When moto does not answer, or a port cannot be opened: low ones need root, or `e2e/netns`.
    pub async fn settle(&self) -> Result<()> {
        self.room.settle().await
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Room {
    fn machines(&self) -> MutexGuard<'_, BTreeMap<String, Machine>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn settle(&self) -> Result<()> {
        let mut doors = self.doors.lock().await;
        let wanted = self.wanted().await?;
        close(&mut doors, |at, door| {
            wanted.get(at).is_some_and(|(_, instance, _)| *instance == door.instance)
        })
        .await;
        for (at, (port, instance, health)) in wanted {
            if let Entry::Vacant(place) = doors.entry(at) {
                let door = Door::open(at, port.target, instance, health).await;
                place.insert(door.with_context(|| format!("listen on {at}"))?);
            }
        }
        Ok(())
    }

    /// The ports that should be open.
    async fn wanted(&self) -> Result<BTreeMap<SocketAddr, (Port, String, watch::Receiver<Health>)>> {
        let holders = self.holders().await?;
        let machines = self.machines();
        let mut wanted = BTreeMap::new();
        for (ip, instance) in holders {
            let machine = machines.get(&instance).filter(|machine| *machine.health.borrow() != Health::Dead);
            for port in machine.iter().flat_map(|machine| &machine.ports) {
                let health = machine.map(|machine| machine.health.subscribe()).expect("it has a port");
                wanted.insert(SocketAddr::new(ip, port.number), (*port, instance.clone(), health));
            }
        }
        Ok(wanted)
    }

    /// Which instance holds which address.
    async fn holders(&self) -> Result<Vec<(IpAddr, String)>> {
        if self.machines().is_empty() {
            return Ok(Vec::new());
        }
        let (addresses, interfaces) = (self.account.addresses().await?, self.account.interfaces().await?);
        let elastic = addresses.iter().filter_map(|address| holder(address, &interfaces));
        Ok(elastic.chain(interfaces.iter().flat_map(ipv6)).collect())
    }
}

/// Closes all doors but those to keep, and waits until they are.
async fn close(doors: &mut BTreeMap<SocketAddr, Door>, keep: impl Fn(&SocketAddr, &Door) -> bool) {
    for (_, door) in doors.extract_if(.., |at, door| !keep(at, door)) {
        door.close().await;
    }
}

/// An Elastic IP and the instance that it leads to.
fn holder(address: &Address, interfaces: &[NetworkInterface]) -> Option<(IpAddr, String)> {
    address.association_id()?;
    let interface =
        interfaces.iter().find(|one| one.network_interface_id() == address.network_interface_id())?;
    Some((address.public_ip()?.parse().ok()?, interface.attachment()?.instance_id()?.to_owned()))
}

/// The IPv6 addresses of an interface, with its instance.
fn ipv6(interface: &NetworkInterface) -> Vec<(IpAddr, String)> {
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    let addresses =
        interface.ipv6_addresses().iter().filter_map(|address| address.ipv6_address()?.parse().ok());
    instance
        .map(|instance| addresses.map(|address| (address, instance.to_owned())).collect())
        .unwrap_or_default()
}

//! A Cluster in a fake account, and leaders' loops that keep it. Time is played: what takes minutes is over at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crds::{Aws, AwsMode, ClusterNodes, ClusterSpec, Dns, DnsHealthCheck, Domain, ElasticIps};
use jiff::{SignedDuration, Timestamp};
use plan::Refusal;
use plan::aws::{
    Fault, InstanceId, NodeFacts, Order, Owner, Probe, RecordName, RecordSet, RecordType, Report, Routing,
    Zone, ZoneId,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::account::Account;
use crate::cloud::{Clients, Surroundings, run};

/// The Cluster, what is around it, and what was told of it.
pub(super) struct Site {
    pub(super) account: Arc<Account>,
    begin: (Timestamp, Instant),
    /// The addresses that answer nobody.
    pub(super) dead: Mutex<BTreeSet<IpAddr>>,
    pub(super) told: Mutex<Told>,
    /// Whether the API keeps the Cluster.
    pub(super) is_held: AtomicBool,
    /// How often the API still refuses to.
    pub(super) refusals: AtomicUsize,
    /// How often clients were made.
    pub(super) clients: AtomicUsize,
}

/// What was told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) report: Option<Report>,
    pub(super) drift: Vec<String>,
    pub(super) warnings: Vec<Refusal>,
}

/// A leader's loop; it ends when this is dropped.
pub(super) struct Loop {
    orders: watch::Sender<Option<Arc<Order>>>,
    _task: JoinSet<()>,
}

impl Site {
    /// The zone `site.com` with a record of somebody else, an address of somebody else, and as many instances as there are nodes.
    pub(super) fn new(nodes: u32) -> Arc<Self> {
        let account = Arc::new(Account::default());
        {
            let mut state = account.state();
            let zone = ZoneId::new("Z1");
            state.zones.push(Zone { id: zone.clone(), name: RecordName::new("site.com"), private: false });
            state.records.insert(zone, vec![of_apex("NS"), of_apex("SOA"), mail()]);
            state.allocate(BTreeMap::new());
            (1..=nodes).for_each(|number| state.run(&instance(number)));
        }
        let begin = ("2026-11-22T12:00:00Z".parse().unwrap(), Instant::now());
        Arc::new(Self {
            account,
            begin,
            dead: Mutex::default(),
            told: Mutex::default(),
            is_held: AtomicBool::default(),
            refusals: AtomicUsize::default(),
            clients: AtomicUsize::default(),
        })
    }

    /// Begins a loop with this order.
    pub(super) fn lead(self: &Arc<Self>, order: Order) -> Loop {
        self.lead_with(Some(order))
    }

    /// Begins a loop with this order, or none.
    pub(super) fn lead_with(self: &Arc<Self>, order: Option<Order>) -> Loop {
        let (orders, received) = watch::channel(order.map(Arc::new));
        let mut task = JoinSet::new();
        task.spawn(run(Arc::clone(self), received));
        Loop { orders, _task: task }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    pub(super) fn report(&self) -> Report {
        self.told().report.clone().unwrap()
    }

    pub(super) fn reason(&self, finding: impl Fn(Report) -> Option<plan::Finding>) -> Option<String> {
        finding(self.report())?.err().map(|refusal| refusal.reason.to_string())
    }

    pub(super) fn writes(&self) -> usize {
        self.account.state().writes.len()
    }

    /// Whether AWS is exactly as ordered; otherwise what is not.
    pub(super) fn settled(&self, order: &Order) -> Result<(), String> {
        let state = self.account.state();
        let nodes = order.nodes.len();
        let ours = state.addresses_of(&order.owner);
        let mut published: Vec<String> = Vec::new();
        for node in &order.nodes {
            let on_it = |address: &&&plan::aws::ElasticIp| {
                address.association.as_ref().is_some_and(|found| found.instance == node.instance)
            };
            let address = ours.iter().find(on_it).ok_or(format!("{} has no address", node.name))?;
            published.push(address.address.to_string());
        }
        if ours.len() != nodes {
            return Err(format!("{} addresses for {nodes} nodes", ours.len()));
        }
        let sets = state.sets_of(&order.owner);
        for domain in &order.spec.domains {
            let name = RecordName::new(&domain.name);
            let apex = sets.iter().filter(|set| set.name == name && set.type_ == RecordType::A);
            let mut values: Vec<String> = apex.clone().flat_map(|set| set.values.clone()).collect();
            values.sort();
            published.sort();
            if values != published {
                return Err(format!("{name} has {values:?} and not {published:?}"));
            }
            if !apex.clone().all(|set| set.health_check.is_some()) {
                return Err(format!("{name} has a record without a health check"));
            }
            let wildcard = name.wildcard();
            if sets.iter().filter(|set| set.name == wildcard).count() != usize::from(domain.wildcard_record) {
                return Err(format!("{wildcard} is not as declared"));
            }
        }
        let checks = state.checks_of(&order.owner).len();
        if checks != nodes {
            return Err(format!("{checks} health checks for {nodes} nodes"));
        }
        drop(state);
        self.others_untouched()
    }

    /// Whether nothing of the owner is left; otherwise what is.
    pub(super) fn undone(&self, owner: &Owner) -> Result<(), String> {
        let state = self.account.state();
        let left =
            [state.addresses_of(owner).len(), state.sets_of(owner).len(), state.checks_of(owner).len()];
        if left != [0, 0, 0] {
            return Err(format!("addresses, records and checks are left: {left:?}"));
        }
        drop(state);
        self.others_untouched()
    }

    fn others_untouched(&self) -> Result<(), String> {
        let state = self.account.state();
        let is_there = state.records.values().flatten().any(|set| *set == mail());
        let theirs = state.addresses.values().filter(|address| address.tags.is_empty()).count();
        if is_there && theirs == 1 { Ok(()) } else { Err("somebody else's is not as it was".into()) }
    }
}

impl Loop {
    /// Changes the order.
    pub(super) fn order(&self, order: Order) {
        self.orders.send_replace(Some(Arc::new(order)));
    }

    /// Takes the order back.
    pub(super) fn order_nothing(&self) {
        self.orders.send_replace(None);
    }
}

impl Surroundings for Arc<Site> {
    fn now(&self) -> Timestamp {
        let (timestamp, instant) = self.begin;
        timestamp + SignedDuration::try_from(instant.elapsed()).unwrap()
    }

    async fn connect(&self, _: &str) -> Clients {
        self.clients.fetch_add(1, Ordering::Relaxed);
        self.account.clients()
    }

    async fn ask(&self, address: IpAddr, _: &DnsHealthCheck) -> Option<Result<String, String>> {
        let is_dead = self.dead.lock().unwrap().contains(&address);
        Some(if is_dead { Err("connection refused".into()) } else { Ok("200".into()) })
    }

    async fn hold(&self, _: &Owner) -> bool {
        let fewer = |refusals: usize| refusals.checked_sub(1);
        if self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok() {
            return false;
        }
        let was_held = self.is_held.swap(true, Ordering::Relaxed);
        assert!(was_held || self.writes() == 0, "the finalizer is there before the first write");
        true
    }

    async fn let_go(&self, _: &Owner) -> bool {
        self.is_held.store(false, Ordering::Relaxed);
        true
    }

    async fn report(&self, report: Report) {
        self.told().report = Some(report);
    }

    async fn tell_drift(&self, _: &Owner, drift: &[String]) {
        self.told().drift.extend_from_slice(drift);
    }

    async fn warn(&self, _: &Owner, warnings: &[Refusal]) {
        self.told().warnings.extend_from_slice(warnings);
    }

    fn measure(&self, _: &Report, _: &BTreeMap<IpAddr, Probe>, _: bool) {}
}

/// An order for `site.com` and the nodes of these numbers.
pub(super) fn order(nodes: impl IntoIterator<Item = u32>) -> Order {
    let domains = vec![Domain { name: "site.com".into(), wildcard_record: true, ..Domain::default() }];
    let aws = Aws {
        region: "us-east-1".into(),
        elastic_ips: Some(ElasticIps::default()),
        dns: Some(Dns::default()),
        ..Aws::default()
    };
    let selected = ClusterNodes { selector: Some(Default::default()), instances: None };
    Order {
        owner: Owner::new("site", "0d2b1b2e-4c4b-4a59-9d27-0f3a3a1d2c5e"),
        generation: 1,
        spec: ClusterSpec { domains, nodes: Some(selected), aws: Some(aws), ..ClusterSpec::default() },
        nodes: nodes.into_iter().map(node).collect(),
        former: Vec::new(),
        tcp_ports: Default::default(),
        had_security_groups: false,
        resync: None,
        deleted_at: None,
        has_finalizer: false,
    }
}

/// The order of one who has the finalizer already.
pub(super) fn held(order: Order) -> Order {
    Order { has_finalizer: true, ..order }
}

/// The order in this mode.
pub(super) fn in_mode(mode: AwsMode, order: Order) -> Order {
    let mut order = order;
    order.spec.aws.as_mut().unwrap().mode = mode;
    order
}

/// The order of a Cluster that is being deleted.
pub(super) fn deleted(order: Order) -> Order {
    Order { deleted_at: "2026-11-22T12:00:00Z".parse().ok(), has_finalizer: true, ..order }
}

fn node(number: u32) -> NodeFacts {
    NodeFacts {
        name: format!("n{number}"),
        instance: Some(instance(number)),
        ready: true,
        ready_since: "2026-11-22T11:00:00Z".parse().ok(),
        leaving: false,
        ipv6: Vec::new(),
    }
}

/// The instance of the node of this number.
pub(super) fn instance(number: u32) -> InstanceId {
    InstanceId::new(format!("i-{number:08}"))
}

/// A record of somebody else at the apex.
fn mail() -> RecordSet {
    of_apex("MX")
}

/// A record of another type than ours.
fn of_apex(type_: &str) -> RecordSet {
    RecordSet {
        name: RecordName::new("site.com"),
        type_: RecordType::Other(type_.into()),
        routing: Routing::Simple,
        ttl_seconds: Some(300),
        values: vec![format!("the {type_} of elsewhere.test.")],
        health_check: None,
        alias: None,
        unmodelled: false,
    }
}

/// Lets minutes pass.
pub(super) async fn minutes(count: u64) {
    sleep(Duration::from_secs(60 * count)).await;
}

/// Has every call refused from now on, or none.
pub(super) fn refuse(site: &Site, fault: Option<Fault>) {
    site.account.state().refusal = fault;
}

//! What would come of some objects, if the operator's own writes were carried out at once: what `flynn-operator plan`
//! prints and what the golden cases show.
//!
//! A planner of the leader's role, whose wishes are put back into its world until it wishes for nothing more.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use router_config::Config;
use serde::Serialize;

use crate::aws::Order;
use crate::aws::storage::StorageOrder;
use crate::{Kind, Object, ObjectKey, Planner, Platform, Refusal, Role, Step, Wish};

/// A world in which every wish comes true.
#[derive(Debug)]
pub struct Simulation {
    planner: Planner,
    table: Config,
    writes: BTreeMap<(Kind, ObjectKey), Write>,
    wishes: BTreeMap<(Kind, ObjectKey), Wish>,
    statuses: BTreeMap<(Kind, ObjectKey), serde_json::Value>,
    order: Option<Arc<Order>>,
    storage: BTreeMap<ObjectKey, Arc<StorageOrder>>,
    now: Timestamp,
}

/// What the operator would do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Write {
    /// It does not exist yet.
    Create,
    /// It differs.
    Update,
    /// Nothing wishes for it any more.
    Delete,
}

impl Simulation {
    /// Begins with an empty world at the instant `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            planner: Planner::new(Role::Leader),
            table: Config::default(),
            writes: BTreeMap::new(),
            wishes: BTreeMap::new(),
            statuses: BTreeMap::new(),
            order: None,
            storage: BTreeMap::new(),
            now,
        }
    }

    /// Plans for this platform; without it, for Kubernetes.
    #[must_use]
    pub fn on(self, platform: Platform) -> Self {
        Self { planner: self.planner.on(platform), ..self }
    }

    /// Puts an object into the world. One that has no uid and no time of creation, because no API made it yet, gets some.
    pub fn put(&mut self, object: Object) {
        self.planner.put(as_if_created(object, self.now));
    }

    /// Takes an object out of the world.
    pub fn delete(&mut self, kind: Kind, key: &ObjectKey) {
        self.planner.delete(kind, key);
    }

    /// Lets every wish come true. A plan settles within a few rounds; the bound turns a fight between two wishes into
    /// an end instead of a loop.
    pub fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let step = self.planner.step(self.now);
            if !self.carry_out(step) {
                return;
            }
        }
    }

    /// Forgets what was written so far, so that what follows can be told apart.
    pub fn forget_writes(&mut self) {
        self.writes.clear();
        self.wishes.clear();
        self.statuses.clear();
    }

    /// What the router would serve.
    #[must_use]
    pub fn table(&self) -> &Config {
        &self.table
    }

    /// What would be written.
    pub fn writes(&self) -> impl Iterator<Item = (Kind, &ObjectKey, Write)> {
        self.writes.iter().map(|((kind, key), write)| (*kind, key, *write))
    }

    /// The objects as they would be written.
    pub fn wishes(&self) -> impl Iterator<Item = &Wish> {
        self.wishes.values()
    }

    /// The statuses that would be written.
    pub fn statuses(&self) -> impl Iterator<Item = (Kind, &ObjectKey, &serde_json::Value)> {
        self.statuses.iter().map(|((kind, key), status)| (*kind, key, status))
    }

    /// What AWS would be made to be; nothing if nobody asks for AWS.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        self.order.as_deref()
    }

    /// What Blobstores ask for; nothing of those that ask for what cannot be followed, nor where nobody knows which Kubernetes cluster it is.
    pub fn storage_orders(&self) -> impl Iterator<Item = &StorageOrder> {
        self.storage.values().map(AsRef::as_ref)
    }

    /// Everything that is not as declared and stays so until a person changes something.
    #[must_use]
    pub fn refusals(&self) -> Vec<(Kind, ObjectKey, Refusal)> {
        let hosts = self.planner.host_plans().flat_map(|(_, plan)| &plan.routes);
        let ports = self.planner.tcp_plans().flat_map(|(_, plan)| &plan.routes);
        let routes = hosts.chain(ports).flat_map(|(key, verdict)| {
            [&verdict.accepted, &verdict.resolved].map(|verdict| (Kind::Route, key, verdict))
        });
        let apps = self.planner.app_plans().flat_map(|(key, plan)| {
            let verdicts = std::iter::once(&plan.accepted).chain(&plan.resolved);
            verdicts.map(move |verdict| (Kind::App, key, verdict))
        });
        let blobstores =
            self.planner.blobstore_verdicts().map(|(key, verdict)| (Kind::Blobstore, key, verdict));
        let certificates =
            self.planner.certificate_plans().map(|(key, plan)| (Kind::Certificate, key, &plan.issued));
        let refused =
            certificates.chain(blobstores).chain(apps).chain(routes).filter_map(|(kind, key, verdict)| {
                let refusal = verdict.as_ref().err().filter(|refusal| refusal.waits_for_a_person())?;
                Some((kind, key.clone(), refusal.clone()))
            });
        refused.collect()
    }

    /// Carries a step out, and says whether it wrote any object.
    fn carry_out(&mut self, step: Step) -> bool {
        let Step { table, objects, statuses, cloud, storage, recheck_at: _ } = step;
        self.table.apply(table);
        if let Some(order) = cloud {
            self.order = order;
        }
        for (key, order) in storage {
            match order {
                Some(order) => drop(self.storage.insert(key, order)),
                None => drop(self.storage.remove(&key)),
            }
        }
        for status in statuses {
            self.statuses.insert((status.kind, status.key), status.status);
        }
        let mut wrote = false;
        for (_, changes) in objects {
            let crate::Changes { create, update, delete, taken: _ } = changes;
            wrote |= !(create.is_empty() && update.is_empty() && delete.is_empty());
            create.into_iter().for_each(|wish| self.write(wish, Write::Create));
            update.into_iter().for_each(|wish| self.write(wish, Write::Update));
            for (kind, key) in delete {
                self.planner.delete(kind, &key);
                self.wishes.remove(&(kind, key.clone()));
                self.writes.insert((kind, key), Write::Delete);
            }
        }
        wrote
    }

    fn write(&mut self, wish: Wish, write: Write) {
        let key = wish.key();
        match wish.clone() {
            Wish::Deployment(object) => self.put((*object).into()),
            Wish::Service(object) => self.put((*object).into()),
            Wish::Route(object) => self.put((*object).into()),
            Wish::Secret(object) => self.put((*object).into()),
            Wish::SelfSigned(order) => self.planner.foresee(*order),
            // No router gets this one: a plan makes no keys.
            Wish::RouterKey(order) => self.put(order.secret(NO_KEY.to_owned()).into()),
        }
        self.wishes.insert(key.clone(), wish);
        self.writes.entry(key).or_insert(write);
    }
}

const MAX_ROUNDS: usize = 20;

/// 32 zeros in base64.
const NO_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn as_if_created(mut object: Object, now: Timestamp) -> Object {
    let (kind, key) = (object.kind(), object.key());
    let meta = meta_of(&mut object);
    meta.uid.get_or_insert_with(|| format!("{kind}.{}.{}", key.namespace, key.name).to_lowercase());
    meta.creation_timestamp.get_or_insert(Time(now));
    meta.generation.get_or_insert(1);
    object
}

fn meta_of(object: &mut Object) -> &mut ObjectMeta {
    match object {
        Object::Cluster(object) => &mut Arc::make_mut(object).metadata,
        Object::App(object) => &mut Arc::make_mut(object).metadata,
        Object::Route(object) => &mut Arc::make_mut(object).metadata,
        Object::Certificate(object) => &mut Arc::make_mut(object).metadata,
        Object::Blobstore(object) => &mut Arc::make_mut(object).metadata,
        Object::RouterNode(object) => &mut Arc::make_mut(object).metadata,
        Object::Namespace(object) => &mut Arc::make_mut(object).metadata,
        Object::Service(object) => &mut Arc::make_mut(object).metadata,
        Object::EndpointSlice(object) => &mut Arc::make_mut(object).metadata,
        Object::Secret(object) => &mut Arc::make_mut(object).metadata,
        Object::Deployment(object) => &mut Arc::make_mut(object).metadata,
        Object::Lease(object) => &mut Arc::make_mut(object).metadata,
        Object::Pod(object) => &mut Arc::make_mut(object).metadata,
        Object::Node(object) => &mut Arc::make_mut(object).metadata,
    }
}

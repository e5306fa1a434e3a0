//! A model API: it keeps identities and versions as the real one does, and carries out what a planner asks for.

use std::collections::BTreeMap;

use crds::{App, Blobstore, Certificate, Cluster, Route, RouterNode};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use plan::{Kind, Object, ObjectKey, Planner, Role, Step, Wish};
use router_config::Config;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::edits::Edit;

pub(crate) const SYSTEM: &str = "flynn-system";

/// The objects of the API, a planner that watches them, and the table that its steps built.
pub(crate) struct Model {
    pub(crate) planner: Planner,
    pub(crate) objects: BTreeMap<(Kind, ObjectKey), Value>,
    pub(crate) table: Config,
    version: u64,
}

impl Model {
    pub(crate) fn new(role: Role) -> Self {
        Self { planner: Planner::new(role), objects: BTreeMap::new(), table: Config::default(), version: 0 }
    }

    /// Makes the edits in turn, lets the planner settle where they say so, and at the end.
    pub(crate) fn after(role: Role, edits: &[(Edit, bool)]) -> Self {
        let mut model = Self::new(role);
        for (edit, settle) in edits {
            model.make(edit);
            if *settle {
                model.settle();
            }
        }
        model.settle();
        model
    }

    fn make(&mut self, edit: &Edit) {
        match edit {
            Edit::Put(object) => self.put(object.clone()),
            Edit::Delete(kind, key) => {
                let named =
                    self.objects.keys().find(|(k, named)| k.to_string() == *kind && named == key).cloned();
                if let Some((kind, key)) = named {
                    self.delete(kind, &key);
                }
            }
        }
    }

    /// Stores an object as an API does: identity kept, a new version, a new generation only with a new spec, and nothing at
    /// all if nothing differs.
    fn put(&mut self, mut object: Value) {
        let key = key_of(&object);
        self.version += 1;
        let before = self.objects.get(&key);
        let kept = |field: &str, new: Value| before.map_or(new, |before| before["metadata"][field].clone());
        let edited = before.is_some_and(|before| before["spec"] != object["spec"]);
        let generation = kept("generation", json!(1)).as_i64().unwrap() + i64::from(edited);
        let uid = kept("uid", json!(format!("uid-{}", self.version)));
        let created = kept("creationTimestamp", json!(format!("2026-01-01T00:00:{:02}Z", self.version % 60)));
        let meta = object["metadata"].as_object_mut().unwrap();
        meta.extend([
            ("generation".to_owned(), json!(generation)),
            ("uid".to_owned(), uid),
            ("creationTimestamp".to_owned(), created),
            ("resourceVersion".to_owned(), json!(self.version.to_string())),
        ]);
        if object.get("status").is_none()
            && let Some(status) = before.and_then(|before| before.get("status")).cloned()
        {
            object["status"] = status;
        }
        if before.is_some_and(|before| without_version(before) == without_version(&object)) {
            return;
        }
        self.planner.put(typed(&object));
        self.objects.insert(key, object);
    }

    fn delete(&mut self, kind: Kind, key: &ObjectKey) {
        self.objects.remove(&(kind, key.clone()));
        self.planner.delete(kind, key);
    }

    pub(crate) fn settle(&mut self) {
        for _ in 0..20 {
            let step = self.planner.step(now());
            let idle = step.objects.is_empty() && step.statuses.is_empty() && step.table.is_empty();
            self.carry_out(step);
            if idle {
                return;
            }
        }
        panic!("does not settle");
    }

    fn carry_out(&mut self, step: Step) {
        self.table.apply(step.table);
        for status in step.statuses {
            let mut object = self.objects[&(status.kind, status.key)].clone();
            object["status"] = status.status;
            self.put(object);
        }
        for (_, changes) in step.objects {
            changes.create.into_iter().chain(changes.update).for_each(|wish| self.put(written(&wish)));
            changes.delete.iter().for_each(|(kind, key)| self.delete(*kind, key));
        }
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn key_of(object: &Value) -> (Kind, ObjectKey) {
    let typed = typed(object);
    (typed.kind(), typed.key())
}

fn without_version(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"] = Value::Null;
    object
}

fn written(wish: &Wish) -> Value {
    let (value, kind) = match wish {
        Wish::Deployment(object) => (serde_json::to_value(object), "Deployment"),
        Wish::Service(object) => (serde_json::to_value(object), "Service"),
        Wish::Route(object) => (serde_json::to_value(object), "Route"),
        Wish::Secret(object) => (serde_json::to_value(object), "Secret"),
        Wish::SelfSigned(_) => panic!("no Certificate of the model is self-signed"),
        Wish::RouterKey(order) => (
            serde_json::to_value(order.secret("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into())),
            "Secret",
        ),
    };
    let mut value = value.unwrap();
    value["kind"] = json!(kind);
    value
}

pub(crate) fn typed(object: &Value) -> Object {
    fn read<K: DeserializeOwned>(object: Value) -> K {
        serde_json::from_value(object).unwrap()
    }
    let mut object = object.clone();
    let kind = object["kind"].as_str().unwrap().to_owned();
    object["apiVersion"] = json!(match kind.as_str() {
        "Deployment" => "apps/v1",
        "EndpointSlice" => "discovery.k8s.io/v1",
        "Lease" => "coordination.k8s.io/v1",
        "Namespace" | "Pod" | "Secret" | "Service" => "v1",
        _ => "flynn.io/v1alpha1",
    });
    match kind.as_str() {
        "Cluster" => read::<Cluster>(object).into(),
        "App" => read::<App>(object).into(),
        "Route" => read::<Route>(object).into(),
        "Certificate" => read::<Certificate>(object).into(),
        "Blobstore" => read::<Blobstore>(object).into(),
        "RouterNode" => read::<RouterNode>(object).into(),
        "Namespace" => read::<Namespace>(object).into(),
        "Service" => read::<Service>(object).into(),
        "EndpointSlice" => read::<EndpointSlice>(object).into(),
        "Secret" => read::<Secret>(object).into(),
        "Deployment" => read::<Deployment>(object).into(),
        "Lease" => read::<Lease>(object).into(),
        "Pod" => read::<Pod>(object).into(),
        other => panic!("no kind {other}"),
    }
}

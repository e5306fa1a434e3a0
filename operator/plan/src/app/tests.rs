//! A namespace with one App, in which every wish of its plan can be made to come true.

mod blobstores;
mod processes;
mod routes;
mod verdicts;

use crds::{AppSpec, CertificateReference, Domain, HttpRoute, Process, RouteSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Resource;
use kube::core::ObjectMeta;

use super::*;

/// What is there.
#[derive(Debug, Clone)]
struct Namespace {
    app: App,
    cluster: Option<ClusterSpec>,
    blobstore: Option<Blobstore>,
    deployments: BTreeMap<ObjectKey, Deployment>,
    services: BTreeMap<ObjectKey, Service>,
    routes: BTreeMap<ObjectKey, Route>,
    outcome: Option<Refusal>,
    platform: Platform,
    second: i64,
}

/// The App `www` with an image and one `web` process, and a Cluster for `site.com`; nothing is made yet.
fn www() -> Namespace {
    let spec = AppSpec {
        image: Some("registry.example/www:1".into()),
        processes: BTreeMap::from([("web".to_owned(), Process::default())]),
        ..AppSpec::default()
    };
    let mut app = App::new("www", spec);
    app.metadata.namespace = Some("shop".into());
    app.metadata.uid = Some("a-uid".into());
    Namespace {
        app,
        cluster: Some(cluster(&["site.com"])),
        blobstore: None,
        deployments: BTreeMap::new(),
        services: BTreeMap::new(),
        routes: BTreeMap::new(),
        outcome: None,
        platform: Platform::Kubernetes,
        second: 0,
    }
}

/// A Cluster whose first domain is the default.
fn cluster(domains: &[&str]) -> ClusterSpec {
    let domain = |(position, name): (usize, &&str)| Domain {
        name: (*name).to_owned(),
        default: position == 0,
        certificate: Some(CertificateReference { namespace: "shop".into(), name: format!("{name}-tls") }),
        ..Domain::default()
    };
    ClusterSpec {
        domains: domains.iter().enumerate().map(domain).collect(),
        https_redirect: true,
        ..ClusterSpec::default()
    }
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("shop", name)
}

/// A Route that a person made, to `app`.
fn route(name: &str, app: &str, host: &str, path: &str) -> Route {
    let http = HttpRoute { host: host.into(), path: path.into(), ..HttpRoute::default() };
    let spec = RouteSpec { http: Some(http), app: Some(app.into()), ..RouteSpec::default() };
    Route { metadata: metadata_of(name), spec, status: None }
}

/// The metadata of an object that is not ours.
fn metadata_of(name: &str) -> ObjectMeta {
    ObjectMeta { namespace: Some("shop".into()), name: Some(name.into()), ..ObjectMeta::default() }
}

impl Namespace {
    fn plan(&self) -> AppPlan {
        app(&AppInputs {
            app: &self.app,
            platform: self.platform,
            cluster: self.cluster.as_ref(),
            blobstore: self.blobstore.as_ref(),
            deployments: self.deployments.iter().map(|(key, object)| (key.clone(), object)).collect(),
            services: self.services.iter().map(|(key, object)| (key.clone(), object)).collect(),
            routes: self.routes.iter().map(|(key, object)| (key.clone(), object)).collect(),
            outcome: self.outcome.as_ref(),
        })
    }

    /// Carries out what is planned, and makes sure that nothing is left to do then.
    fn settle(&mut self) -> ObjectChanges {
        let changes = self.plan().changes;
        self.carry_out(changes.clone());
        let rest = self.plan().changes;
        assert!(rest.is_empty(), "{rest:?}");
        changes
    }

    fn settled(mut self) -> Self {
        self.settle();
        self
    }

    fn carry_out(&mut self, changes: ObjectChanges) {
        self.second += 1;
        for wish in changes.create.into_iter().chain(changes.update) {
            let key = wish.key().1;
            match wish {
                Wish::Deployment(object) => apply(&mut self.deployments, key, *object, self.second),
                Wish::Service(object) => apply(&mut self.services, key, *object, self.second),
                Wish::Route(object) => apply(&mut self.routes, key, *object, self.second),
                Wish::Secret(_) | Wish::SelfSigned(_) | Wish::RouterKey(_) => {
                    panic!("an App makes no Secret")
                }
            }
        }
        for (kind, key) in changes.delete {
            let gone = match kind {
                Kind::Deployment => self.deployments.remove(&key).is_some(),
                Kind::Service => self.services.remove(&key).is_some(),
                Kind::Route => self.routes.remove(&key).is_some(),
                _ => false,
            };
            assert!(gone, "{kind} {key} is not there");
        }
    }

    fn process(&mut self, name: &str) -> &mut Process {
        self.app.spec.processes.entry(name.to_owned()).or_default()
    }

    fn put_route(&mut self, mut route: Route) {
        self.second += 1;
        route.metadata.creation_timestamp = created(self.second);
        self.routes.insert(ObjectKey::of(&route), route);
    }

    fn deployment(&mut self, name: &str) -> &mut Deployment {
        self.deployments.get_mut(&key(name)).unwrap()
    }

    fn route(&mut self, name: &str) -> &mut Route {
        self.routes.get_mut(&key(name)).unwrap()
    }

    fn http(&mut self, name: &str) -> &mut HttpRoute {
        self.route(name).spec.http.as_mut().unwrap()
    }

    fn route_names(&self) -> Vec<&str> {
        self.routes.keys().map(|key| key.name.as_str()).collect()
    }
}

fn apply<K: Resource>(objects: &mut BTreeMap<ObjectKey, K>, key: ObjectKey, mut object: K, second: i64) {
    let first = objects.get(&key).and_then(|old| old.meta().creation_timestamp.clone());
    object.meta_mut().creation_timestamp = first.or_else(|| created(second));
    objects.insert(key, object);
}

fn created(second: i64) -> Option<Time> {
    Some(Time(jiff::Timestamp::from_second(second).unwrap()))
}

fn names(keys: &[(Kind, ObjectKey)]) -> Vec<String> {
    keys.iter().map(|(kind, key)| format!("{kind} {}", key.name)).collect()
}

fn written(wishes: &[Wish]) -> Vec<String> {
    names(&wishes.iter().map(Wish::key).collect::<Vec<_>>())
}

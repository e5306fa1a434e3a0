//! What the controllers share: the client, one cache per kind, and the recorder of events.
//!
//! Only kinds that a controller has subscribed to are watched.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::watcher::{Event, watcher};
use kube::{Api, Client};

use crate::cache::Cache;
use crate::event::Recorder;
use crate::follow::follow;
use crate::slim::Slim;

/// The world as the controllers see it.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) recorder: Recorder,
    pub(crate) deployments: Arc<Cache<Deployment>>,
    pub(crate) replica_sets: Arc<Cache<ReplicaSet>>,
    pub(crate) pods: Arc<Cache<Pod>>,
    pub(crate) services: Arc<Cache<Service>>,
    pub(crate) endpoint_slices: Arc<Cache<EndpointSlice>>,
    pub(crate) namespaces: Arc<Cache<Namespace>>,
    pub(crate) nodes: Arc<Cache<Node>>,
}

impl World {
    pub(crate) fn new(client: Client, recorder: Recorder) -> Self {
        Self {
            client,
            recorder,
            deployments: Arc::default(),
            replica_sets: Arc::default(),
            pods: Arc::default(),
            services: Arc::default(),
            endpoint_slices: Arc::default(),
            namespaces: Arc::default(),
            nodes: Arc::default(),
        }
    }

    /// Waits until all of them have been listed.
    pub(crate) async fn listed(&self) {
        listed(&self.deployments).await;
        listed(&self.replica_sets).await;
        listed(&self.pods).await;
        listed(&self.services).await;
        listed(&self.endpoint_slices).await;
        listed(&self.namespaces).await;
        listed(&self.nodes).await;
    }

    /// The watches of the kinds that somebody subscribed to.
    pub(crate) fn watches(&self) -> Vec<BoxFuture<'static, Infallible>> {
        [
            self.watch(&self.deployments),
            self.watch(&self.replica_sets),
            self.watch(&self.pods),
            self.watch(&self.services),
            self.watch(&self.endpoint_slices),
            self.watch(&self.namespaces),
            self.watch(&self.nodes),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn watch<K: Slim>(&self, cache: &Arc<Cache<K>>) -> Option<BoxFuture<'static, Infallible>> {
        let (api, cache) = (Api::<K>::all(self.client.clone()), Arc::clone(cache));
        cache.is_wanted().then(|| -> BoxFuture<'static, Infallible> {
            Box::pin(async move {
                let take = |event: Event<K>| cache.take(event.modify(K::slim));
                follow(&K::kind(&()), |config| watcher(api.clone(), config), take).await;
                pending().await
            })
        })
    }
}

async fn listed<K: Slim>(cache: &Cache<K>) {
    if cache.is_wanted() {
        cache.listed().await;
    }
}

//! The finalizer of a Cluster or Blobstore for which something is made in AWS: it is there before the first write, and goes when everything is undone.
//!
//! The list is written as it was read, with one entry more or less and with the version that was read, so that no other writer's entry is lost.
//! Who writes the status of the same object at the same moment makes that version an old one; then it is read and written again.

use std::fmt::Debug;

use crds::names;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;

/// How often the list is written before other writers are left to themselves for a while.
const MOST_ATTEMPTS: usize = 5;

/// Puts it there. `uid` tells the object from another of its name.
pub(crate) async fn hold<K>(objects: &Api<K>, name: &str, uid: &str) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    change(objects, name, uid, |finalizers| finalizers.push(names::AWS_FINALIZER.to_owned())).await
}

/// Takes it away. An object that is gone has none.
pub(crate) async fn let_go<K>(objects: &Api<K>, name: &str, uid: &str) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    change(objects, name, uid, |_| {}).await
}

async fn change<K>(
    objects: &Api<K>,
    name: &str,
    uid: &str,
    add: impl Fn(&mut Vec<String>),
) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let mut attempts = 1;
    loop {
        match attempt(objects, name, uid, &add).await {
            Err(kube::Error::Api(status)) if status.is_conflict() && attempts < MOST_ATTEMPTS => {
                attempts += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn attempt<K>(
    objects: &Api<K>,
    name: &str,
    uid: &str,
    add: impl Fn(&mut Vec<String>),
) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let found = objects.get_metadata_opt(name).await?;
    let Some(found) = found.filter(|found| found.metadata.uid.as_deref() == Some(uid)) else { return Ok(()) };
    let mut finalizers = found.finalizers().to_vec();
    finalizers.retain(|name| name != names::AWS_FINALIZER);
    add(&mut finalizers);
    if finalizers == found.finalizers() {
        return Ok(());
    }
    let version = found.resource_version();
    let metadata = json!({ "uid": uid, "resourceVersion": version, "finalizers": finalizers });
    let params = PatchParams { field_manager: Some(names::OPERATOR.to_owned()), ..PatchParams::default() };
    objects.patch_metadata(name, &params, &Patch::Merge(json!({ "metadata": metadata }))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use crds::Cluster;
    use http_body_util::{BodyExt, Full};
    use hyper::body::{Bytes, Incoming};
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Method, Request, Response};
    use hyper_util::rt::TokioIo;
    use kube::Client;
    use serde_json::Value;
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    /// An API with one Cluster, to which somebody else writes as well.
    #[derive(Default)]
    struct Stored {
        version: usize,
        finalizers: Vec<String>,
        /// Before how many of our writes somebody else adds an entry.
        rivals: usize,
        writes: usize,
    }

    impl Stored {
        fn answer(&mut self, method: &Method, body: &Value) -> (u16, Value) {
            if method == Method::PATCH {
                self.writes += 1;
                if let Some(fewer) = self.rivals.checked_sub(1) {
                    self.rivals = fewer;
                    self.version += 1;
                    self.finalizers.push(format!("other/{}", self.version));
                }
                if body["metadata"]["resourceVersion"].as_str() != Some(&*self.version.to_string()) {
                    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                        "reason": "Conflict", "message": "it has been modified", "code": 409});
                    return (409, status);
                }
                self.version += 1;
                self.finalizers = serde_json::from_value(body["metadata"]["finalizers"].clone()).unwrap();
            }
            let metadata = json!({"name": "site", "uid": "u", "resourceVersion": self.version.to_string(),
                "finalizers": self.finalizers});
            let kind = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
            (200, kind)
        }
    }

    /// The Clusters of an API that serves until the second is dropped.
    async fn api(stored: &Arc<Mutex<Stored>>) -> (Api<Cluster>, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stored = Arc::clone(stored);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stored = Arc::clone(&stored);
                let service = service_fn(move |request| answer(Arc::clone(&stored), request));
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(async move { drop(connection.await) });
            }
        });
        let client = Client::try_from(kube::Config::new(url.parse().unwrap())).unwrap();
        (Api::all(client), server)
    }

    async fn answer(
        stored: Arc<Mutex<Stored>>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let (status, answer) = stored.lock().unwrap().answer(&head.method, &body);
        let answer = Response::builder().status(status).body(Full::from(answer.to_string()));
        Ok(answer.unwrap())
    }

    fn stored(finalizers: &[&str], rivals: usize) -> Arc<Mutex<Stored>> {
        let finalizers = finalizers.iter().map(|name| (*name).to_owned()).collect();
        Arc::new(Mutex::new(Stored { finalizers, rivals, ..Stored::default() }))
    }

    #[tokio::test]
    async fn who_writes_at_the_same_moment_loses_nothing_and_the_finalizer_is_put_there_all_the_same() {
        let stored = stored(&["first"], 2);
        let (clusters, _server) = api(&stored).await;
        hold(&clusters, "site", "u").await.unwrap();
        let stored = stored.lock().unwrap();
        assert_eq!(stored.finalizers, ["first", "other/1", "other/2", names::AWS_FINALIZER]);
        assert_eq!(stored.writes, 3);
    }

    #[tokio::test]
    async fn after_five_conflicts_the_others_are_left_to_themselves() {
        let stored = stored(&[], 100);
        let (clusters, _server) = api(&stored).await;
        let refused = hold(&clusters, "site", "u").await.unwrap_err();
        assert!(matches!(refused, kube::Error::Api(status) if status.is_conflict()));
        assert_eq!(stored.lock().unwrap().writes, MOST_ATTEMPTS);
    }

    #[tokio::test]
    async fn only_ours_is_taken_away_and_only_from_the_cluster_that_is_meant() {
        let stored = stored(&["first", names::AWS_FINALIZER, "last"], 1);
        let (clusters, _server) = api(&stored).await;
        let_go(&clusters, "site", "another").await.unwrap();
        assert_eq!(stored.lock().unwrap().writes, 0);
        let_go(&clusters, "site", "u").await.unwrap();
        assert_eq!(stored.lock().unwrap().finalizers, ["first", "last", "other/1"]);
        let writes = stored.lock().unwrap().writes;
        let_go(&clusters, "site", "u").await.unwrap();
        assert_eq!(stored.lock().unwrap().writes, writes, "it is gone already");
    }
}

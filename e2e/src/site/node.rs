//! The Node of an EC2 instance: what the kubelet, the cloud's controller and an administrator write to it.

use anyhow::Result;
use k8s_openapi::api::core::v1::Node as Object;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

/// A machine of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name of its Node.
    pub name: String,
    /// Its EC2 instance.
    pub instance: String,
    /// Its availability zone.
    pub zone: String,
}

impl Node {
    /// How Kubernetes names its instance.
    #[must_use]
    pub fn provider_id(&self) -> String {
        format!("aws:///{}/{}", self.zone, self.instance)
    }

    /// Makes the Node, ready, as a router node.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn join(&self, client: &Client, provider_id: Option<&str>) -> Result<()> {
        let node = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": {
                "flynn.io/router": "", "topology.kubernetes.io/zone": self.zone,
            }},
            "spec": provider_id.map_or_else(|| json!({}), |id| json!({"providerID": id})),
        });
        api(client).patch(&self.name, &PatchParams::apply("e2e").force(), &Patch::Apply(node)).await?;
        self.report(client, "True").await
    }

    /// What the kubelet, or who misses it, says of its readiness: `True`, `False` or `Unknown`.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn report(&self, client: &Client, ready: &str) -> Result<()> {
        let status = json!({"status": {"conditions": [{
            "type": "Ready", "status": ready, "reason": "Played", "message": "the test plays this node",
            "lastTransitionTime": jiff::Timestamp::now(), "lastHeartbeatTime": jiff::Timestamp::now(),
        }]}});
        api(client).patch_status(&self.name, &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }

    /// `kubectl cordon` and `uncordon`.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn cordon(&self, client: &Client, cordoned: bool) -> Result<()> {
        let spec = Patch::Merge(json!({"spec": {"unschedulable": cordoned}}));
        api(client).patch(&self.name, &PatchParams::default(), &spec).await?;
        Ok(())
    }

    /// Deletes the Node, as the cloud's controller does when the instance is no more.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn leave(&self, client: &Client) -> Result<()> {
        api(client).delete(&self.name, &DeleteParams::default()).await?;
        Ok(())
    }
}

fn api(client: &Client) -> Api<Object> {
    Api::all(client.clone())
}

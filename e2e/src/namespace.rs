//! A namespace for each test, and names that no other test has.

use std::collections::BTreeMap;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};

/// A namespace that exists.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    api: Api<core::Namespace>,
}

impl Namespace {
    /// Makes a new namespace, the name of which begins with `prefix`.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn create(client: &Client, prefix: &str) -> Result<Self> {
        Self::create_with_labels(client, prefix, &[]).await
    }

    /// As [`create`](Self::create), with labels.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn create_with_labels(client: &Client, prefix: &str, labels: &[(&str, &str)]) -> Result<Self> {
        let labels: BTreeMap<_, _> = labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let metadata = ObjectMeta { name: Some(unique(prefix)), labels: Some(labels), ..Default::default() };
        let api: Api<core::Namespace> = Api::all(client.clone());
        let namespace = core::Namespace { metadata, ..Default::default() };
        let name = api.create(&PostParams::default(), &namespace).await?.name_any();
        Ok(Self { name, api })
    }

    /// Asks for the deletion of the namespace with all that is in it; does not wait until it is gone.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn delete(&self) -> Result<()> {
        self.api.delete(&self.name, &DeleteParams::default()).await?;
        Ok(())
    }
}

/// A name that begins with `prefix` and that nothing else in this run has, such as for a cluster-scoped object.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("{prefix}-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

//! A team on the platform: a namespace comes in; declarations go out as YAML, and what the operator says of them comes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use kube::client::Body;
use serde_json::{Value, json};

use crate::pki::Leaf;
use crate::platform::WAIT;
use crate::{Kubectl, TestBed, eventually, unique};

/// A namespace, with the tools to work in it.
#[derive(Clone)]
pub struct Tenant {
    /// The namespace.
    pub namespace: String,
    /// An administrator's `kubectl` for it.
    pub kubectl: Kubectl,
    /// An administrator's client, for the calling test.
    pub client: Client,
}

impl Tenant {
    /// The team of an existing namespace.
    ///
    /// # Errors
    /// When the kubeconfig is damaged.
    pub async fn of(bed: &TestBed, namespace: &str) -> Result<Self> {
        Ok(Self {
            namespace: namespace.to_owned(),
            kubectl: bed.kubectl(namespace),
            client: bed.client().await?,
        })
    }

    /// Applies an object of a kind of ours: such as `app` or `route`, with this spec (YAML).
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn declare(&self, kind: &str, name: &str, spec: &str) -> Result<()> {
        let kind = kind_of(kind)?;
        let object = format!(
            "{{apiVersion: flynn.io/v1alpha1, kind: {kind}, metadata: {{name: {name}}}, spec: {spec}}}"
        );
        self.kubectl.apply(&object).await.map(drop)
    }

    /// Applies a Certificate for a Secret.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn certificate(&self, name: &str, secret: &str) -> Result<()> {
        self.declare("certificate", name, &format!("{{secret: {secret}}}")).await
    }

    /// Uploads a certificate and its key, or another one in their place.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn secret(&self, name: &str, leaf: &Leaf) -> Result<()> {
        self.raw_secret(name, "kubernetes.io/tls", &[("tls.crt", &leaf.certificate), ("tls.key", &leaf.key)])
            .await
    }

    /// Uploads a Secret of any type.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn raw_secret(&self, name: &str, kind: &str, entries: &[(&str, &str)]) -> Result<()> {
        let data: serde_json::Map<_, _> =
            entries.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": data,
        });
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        secrets.patch(name, &PatchParams::apply("people").force(), &Patch::Apply(secret)).await?;
        Ok(())
    }

    /// An object of a kind of ours, such as `route/www`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn read(&self, object: &str) -> Result<Value> {
        let (kind, name) = object.split_once('/').context("an object is KIND/NAME")?;
        let definition = crds::all()
            .into_iter()
            .find(|definition| definition.spec.names.singular.as_deref() == Some(kind));
        let definition = definition.with_context(|| format!("{kind} is no kind of ours"))?.spec;
        let scope = match definition.scope.as_str() {
            "Namespaced" => format!("namespaces/{}/", self.namespace),
            _ => String::new(),
        };
        let path = format!("/apis/flynn.io/v1alpha1/{scope}{}/{name}", definition.names.plural);
        let answer = self.client.send(http::Request::get(path).body(Body::empty())?).await?;
        ensure!(answer.status() == http::StatusCode::OK, "{object}: {}", answer.status());
        Ok(serde_json::from_slice(&answer.into_body().collect_bytes().await?)?)
    }

    /// Waits until a condition of an object is about its present generation and says this, such as
    /// `False HostClaimed`; returns its message.
    ///
    /// # Errors
    /// When it does not in time; shows what it says instead.
    pub async fn condition(&self, object: &str, kind: &str, expected: &str) -> Result<String> {
        self.condition_within(object, kind, expected, WAIT).await
    }

    /// The same, for what may take so long.
    ///
    /// # Errors
    /// When it does not in time; shows what it says instead.
    pub async fn condition_within(
        &self,
        object: &str,
        kind: &str,
        expected: &str,
        limit: Duration,
    ) -> Result<String> {
        eventually(&format!("{object} is {kind}={expected}"), limit, || async {
            let found = self.read(object).await?;
            let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let condition = conditions.iter().find(|condition| condition["type"] == kind);
            let condition = condition.with_context(|| format!("it has {conditions:?}"))?;
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            let said = format!("{} {}", text("status"), text("reason"));
            ensure!(said == expected, "it is {said}: {}", text("message"));
            ensure!(
                condition["observedGeneration"] == found["metadata"]["generation"],
                "it is about an older generation"
            );
            Ok(text("message"))
        })
        .await
    }

    /// Waits until an object says anything of a condition.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn condition_exists(&self, object: &str, kind: &str) -> Result<()> {
        eventually(&format!("{object} has the condition {kind}"), WAIT, || async {
            let conditions = self.read(object).await?["status"]["conditions"].clone();
            let mut conditions = conditions.as_array().into_iter().flatten();
            ensure!(conditions.any(|condition| condition["type"] == kind), "it has none");
            Ok(())
        })
        .await
    }

    /// Waits until an object is Ready.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn ready(&self, object: &str) -> Result<()> {
        self.condition(object, "Ready", "True Ready").await.map(drop)
    }

    /// Applies an App under a new name that begins with `prefix`, and waits until it is Ready; returns its name and its host.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn app(&self, prefix: &str, spec: &str) -> Result<(String, String)> {
        let name = unique(prefix);
        self.declare("app", &name, spec).await?;
        self.ready(&format!("app/{name}")).await?;
        let host = format!("{name}.{}", crate::platform::DOMAIN);
        Ok((name, host))
    }

    /// Applies an App that is served on this host only, with this Certificate, and waits until its Route is Ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn app_with_certificate(&self, host: &str, certificate: &str) -> Result<()> {
        let app = unique("www");
        self.declare("app", &app, "{image: a, routes: None}").await?;
        let route = format!("{{http: {{host: {host}, certificate: {certificate}}}, app: {app}}}");
        self.declare("route", &app, &route).await?;
        self.ready(&format!("route/{app}")).await
    }

    /// Waits until there is no such object, such as `deployment/www-web`.
    ///
    /// # Errors
    /// When it stays.
    pub async fn gone(&self, object: &str) -> Result<()> {
        let args = ["wait", "--for=delete", object, "--timeout=60s"];
        self.kubectl.ok(&args).await.map(drop)
    }

    /// Waits until there is an event of this reason about an object of ours, and returns its message.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn event(&self, object: &str, reason: &str) -> Result<String> {
        eventually(&format!("an event {reason} tells of {object}"), WAIT, || async {
            let (kind, name) = object.split_once('/').context("an object is KIND/NAME")?;
            let about =
                format!("involvedObject.kind={},involvedObject.name={name},reason={reason}", kind_of(kind)?);
            let args = ["get", "events", "--field-selector", &about, "-o", "jsonpath={.items[*].message}"];
            let message = self.kubectl.ok(&args).await?;
            ensure!(!message.is_empty(), "there is none");
            Ok(message)
        })
        .await
    }
}

fn kind_of(singular: &str) -> Result<String> {
    let definition = crds::all()
        .into_iter()
        .find(|definition| definition.spec.names.singular.as_deref() == Some(singular));
    Ok(definition.with_context(|| format!("{singular} is no kind of ours"))?.spec.names.kind)
}

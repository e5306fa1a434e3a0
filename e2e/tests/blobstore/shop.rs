//! A site with a Blobstore: what a person declares of it, and what its keys are.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::Site;
use e2e::amazon::AccessKey;
use serde_json::Value;

/// The bucket.
pub(super) const BUCKET: &str = "acme-flynn-blobs";

/// A Cluster that declares AWS, and a Blobstore.
pub(super) const MANIFEST: &str = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec:
  domains: [{name: site.com}]
  nodes: {selector: {matchLabels: {flynn.io/router: ''}}}
  aws: {region: us-east-1}
---
apiVersion: flynn.io/v1alpha1
kind: Blobstore
metadata: {name: blobs, namespace: default}
spec:
  s3: {bucket: acme-flynn-blobs, region: us-east-1}
";

/// The Blobstore as `kubectl` names it.
pub(super) const BLOBSTORE: &str = "blobstore/blobs";

/// The manifest of one whose end is its bucket's.
pub(super) fn deleted_with_it() -> String {
    MANIFEST.replace("spec:\n  s3:", "spec:\n  deletionPolicy: Delete\n  s3:")
}

/// A Blobstore that is Ready, as this manifest declares it.
pub(super) async fn open(manifest: &str) -> Result<Site> {
    let (site, _) = Site::led(manifest, 0).await?;
    ready(&site).await?;
    Ok(site)
}

/// Waits until the Blobstore is Ready.
pub(super) async fn ready(site: &Site) -> Result<()> {
    says(site, "Ready", "True Ready").await.map(drop)
}

/// Waits until a condition of the Blobstore is so, and returns its message.
pub(super) async fn says(site: &Site, condition: &str, expected: &str) -> Result<String> {
    site.eventually(&format!("the Blobstore is {condition}={expected}"), || async {
        let found = site.people.read(BLOBSTORE).await?;
        let mut conditions = found["status"]["conditions"].as_array().into_iter().flatten();
        let condition = conditions.find(|found| found["type"] == condition).context("it is not told")?;
        let word = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        let said = format!("{} {}", word("status"), word("reason"));
        ensure!(said == expected, "it is {said}: {}", word("message"));
        Ok(word("message"))
    })
    .await
}

/// Has the operator look at the Blobstore now.
pub(super) async fn look(site: &Site) -> Result<()> {
    annotate(site, "resync").await
}

/// Gives an annotation of the operator's a new value.
pub(super) async fn annotate(site: &Site, name: &str) -> Result<()> {
    let value = format!("flynn.io/{name}={}", e2e::unique("now"));
    site.kubectl().ok(&["annotate", "--overwrite", BLOBSTORE, &value]).await.map(drop)
}

/// The access key in the Secret.
pub(super) async fn key(site: &Site) -> Result<AccessKey> {
    let secret: Value =
        serde_json::from_str(&site.kubectl().ok(&["get", "secret/blobs", "-o", "json"]).await?)?;
    let entry = |name: &str| -> Result<String> {
        let entry = secret["data"][name].as_str().with_context(|| format!("no {name} in the Secret"))?;
        Ok(String::from_utf8(BASE64_STANDARD.decode(entry)?)?)
    };
    Ok(AccessKey { id: entry("AWS_ACCESS_KEY_ID")?, secret: entry("AWS_SECRET_ACCESS_KEY")? })
}

/// The name of the Blobstore's user.
pub(super) async fn user(site: &Site) -> Result<String> {
    let users = site.amazon.account.iam.list_users().send().await?.users;
    let mut names = users.into_iter().map(|user| user.user_name);
    names.find(|name| name.starts_with("flynn-default-blobs-")).context("it has no user")
}

/// The keys of the Blobstore's user, each with its status.
pub(super) async fn keys(site: &Site) -> Result<Vec<(String, String)>> {
    let listed = site.amazon.account.iam.list_access_keys().user_name(user(site).await?).send().await?;
    let keys = listed.access_key_metadata.into_iter();
    let pair = |key: aws_sdk_iam::types::AccessKeyMetadata| {
        Some((key.access_key_id?, key.status?.as_str().to_owned()))
    };
    keys.map(|key| pair(key).context("a key has an id and a status")).collect()
}

/// Puts an object into the bucket, as a person does.
pub(super) async fn put(site: &Site, name: &str) -> Result<()> {
    site.amazon.account.s3.put_object().bucket(BUCKET).key(name).send().await?;
    Ok(())
}

/// A Pod of an App, started with this key.
pub(super) async fn start_pod(site: &Site, key: &str) -> Result<()> {
    let pod = format!(
        "apiVersion: v1
kind: Pod
metadata:
  name: www-1
  labels: {{flynn.io/blobstore: blobs}}
  annotations: {{flynn.io/blobstore-key: {key}}}
spec: {{containers: [{{name: web, image: 'registry.example/www:1'}}]}}
"
    );
    site.kubectl().apply(&pod).await.map(drop)
}

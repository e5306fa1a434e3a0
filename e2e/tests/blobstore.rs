//! A Blobstore and the Apps that name it: what each says as long as nobody may be called, what an App gets of the credentials, and, on the doubles of AWS, the
//! whole life of a bucket and its keys.

mod crash;
mod deletion;
mod faults;
mod in_sync;
mod keys;
mod life;
mod modes;
mod planned;
mod policy;
mod role;
mod rotation;
mod shop;

use anyhow::{Context, Result, ensure};
use e2e::platform::WAIT;
use e2e::{Platform, Tenant, eventually};
use serde_json::{Value, json};

const STAMP: &str = "flynn.io/blobstore-key";

async fn template(tenant: &Tenant) -> Result<Value> {
    let deployment = tenant.kubectl.ok(&["get", "deployment/www-web", "-o", "json"]).await?;
    let deployment: Value = serde_json::from_str(&deployment)?;
    Ok(deployment["spec"]["template"].clone())
}

/// Says of the Blobstore what somebody would who had looked at AWS.
async fn tell(tenant: &Tenant, key: &str) -> Result<()> {
    let status = json!({"status": {"secret": "blobs", "keyID": key}}).to_string();
    let args = ["patch", "blobstore/blobs", "--subresource=status", "--type=merge", "-p", &status];
    tenant.kubectl.ok(&args).await.map(drop)
}

#[tokio::test]
async fn an_app_waits_for_its_blobstore_gets_its_variables_and_is_replaced_with_the_key() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("blobs").await?;
    let spec = "{image: 'registry.example/www:1', routes: None, blobstore: blobs, env: {S3_BUCKET: own}}";
    tenant.declare("app", "www", spec).await?;
    let message = tenant.condition("app/www", "ResolvedRefs", "False BlobstoreNotFound").await?;
    ensure!(message.contains(&format!("{}/blobs does not exist", tenant.namespace)), "{message}");

    tenant.declare("blobstore", "blobs", "{s3: {bucket: acme-flynn-blobs, region: us-east-1}}").await?;
    tenant.condition("blobstore/blobs", "Accepted", "False AwsNotDeclared").await?;
    tenant.condition("blobstore/blobs", "CredentialsReady", "False Blocked").await?;
    tenant.condition("app/www", "ResolvedRefs", "False BlobstoreNotReady").await?;
    tenant.kubectl.fails(&["get", "deployment/www-web"]).await?;

    tell(&tenant, "AKIAOLD").await?;
    tenant.condition("app/www", "ResolvedRefs", "True ResolvedRefs").await?;
    let begun = eventually("the Deployment is made", WAIT, || template(&tenant)).await?;
    assert_eq!(begun["metadata"]["annotations"][STAMP], "AKIAOLD");
    let env = begun["spec"]["containers"][0]["env"].as_array().context("it has an environment")?;
    let entry = json!({"secretKeyRef": {"name": "blobs", "key": "AWS_SECRET_ACCESS_KEY"}});
    ensure!(env.contains(&json!({"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": entry})), "{env:?}");
    ensure!(env.contains(&json!({"name": "S3_BUCKET", "value": "own"})), "{env:?}");

    tell(&tenant, "AKIANEW").await?;
    eventually("the Pods get the new key", WAIT, || async {
        let stamp = template(&tenant).await?["metadata"]["annotations"][STAMP].clone();
        ensure!(stamp == "AKIANEW", "{stamp}");
        Ok(())
    })
    .await?;
    let rotated = template(&tenant).await?;
    tenant.kubectl.ok(&["delete", "blobstore/blobs"]).await?;
    tenant.condition("app/www", "ResolvedRefs", "False BlobstoreNotFound").await?;
    assert_eq!(template(&tenant).await?, rotated, "what runs keeps running");
    Ok(())
}

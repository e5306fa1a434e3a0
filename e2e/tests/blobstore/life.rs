//! A Blobstore's whole life in parts: what a person does in each, and what has to be so at its end, whatever happened on the way.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use e2e::amazon::Settings;
use e2e::{Clock, Site};
use tokio::time::sleep;

use super::shop::{BLOBSTORE, BUCKET, annotate, deleted_with_it, key, keys, look, says, start_pod, user};

/// The time between two looks that a test asks for, and by how much the clock goes ahead with each: less than AWS tolerates between its clock and ours.
const PAUSE: Duration = Duration::from_secs(1);
const LEAP: Duration = Duration::from_secs(240);

/// A part of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The Blobstore is declared, and gets Ready.
    Begin,
    /// Somebody changes every setting, and each is put right.
    Drift,
    /// A new key is asked for, and is in the Secret, while a Pod has the old one.
    Rotation,
    /// The Pod gets the new key, and the old one ends.
    Retirement,
    /// The Blobstore is deleted with the bucket and what is in it.
    End,
}

impl Part {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 5] = [Self::Begin, Self::Drift, Self::Rotation, Self::Retirement, Self::End];
}

/// A site whose Blobstore lives through all parts.
pub(super) struct Life {
    pub(super) site: Site,
    clock: Clock,
    /// The key in the Secret before the rotation.
    old: String,
}

/// The Blobstore, which is deleted with everything in it.
pub(super) fn manifest() -> String {
    deleted_with_it().replace("bucket: acme-flynn-blobs,", "bucket: acme-flynn-blobs, emptyOnDelete: true,")
}

impl Life {
    /// Before it begins: no controller runs.
    pub(super) async fn start(manifest: &str) -> Result<Self> {
        let clock = Clock::new().await?;
        let settings = Settings { clock: Some(clock.clone()), ..Settings::default() };
        Ok(Self { site: Site::with(settings, manifest).await?, clock, old: String::new() })
    }

    /// Does what a person does in this part.
    pub(super) async fn order(&mut self, part: Part) -> Result<()> {
        match part {
            Part::Begin => self.site.apply(&manifest()).await,
            Part::Drift => self.drift().await,
            Part::Rotation => {
                self.old = key(&self.site).await?.id;
                start_pod(&self.site, &self.old).await?;
                annotate(&self.site, "rotate").await
            }
            Part::Retirement => start_pod(&self.site, &key(&self.site).await?.id).await,
            Part::End => {
                self.site.amazon.account.s3.put_object().bucket(BUCKET).key("a").send().await?;
                self.site.kubectl().ok(&["delete", BLOBSTORE, "--wait=false"]).await.map(drop)
            }
        }
    }

    /// Waits until all is as it has to be at the end of this part.
    pub(super) async fn settles(&self, part: Part) -> Result<()> {
        let what = format!("{part:?} is over");
        let settled = self.site.eventually(&what, || self.is_over(part));
        self.while_time_flies(settled).await
    }

    /// Waits for something while hours pass: the operator is asked to look again and again, since its own timers know of no hours.
    pub(super) async fn while_time_flies<T>(&self, wait: impl Future<Output = Result<T>>) -> Result<T> {
        let flight = async {
            loop {
                let _ = look(&self.site).await; // there may be no Blobstore yet, or no more
                sleep(PAUSE).await;
                self.clock.advance(LEAP)?;
            }
        };
        tokio::select! {
            result = wait => result,
            failed = flight => failed,
        }
    }

    async fn is_over(&self, part: Part) -> Result<()> {
        if part == Part::End {
            return self.has_left_nothing().await;
        }
        let (key, mut keys) = (key(&self.site).await?.id, keys(&self.site).await?);
        if part == Part::Rotation {
            ensure!(key != self.old, "the Secret has the old key");
            keys.retain(|(id, _)| *id != self.old);
        }
        ensure!(keys == [(key.clone(), "Active".to_owned())], "{keys:?}, and {key} is in the Secret");
        let buckets = self.site.amazon.account.s3.list_buckets().send().await?;
        ensure!(buckets.buckets().len() == 1, "{buckets:?}");
        let users = self.site.amazon.account.iam.list_users().send().await?.users;
        let own = users.iter().filter(|user| user.user_name.starts_with("flynn-")).count();
        ensure!(own == 1, "{own} users");
        self.is_as_declared().await?;
        let ready = self.site.people.read(BLOBSTORE).await?["status"]["conditions"].to_string();
        ensure!(!ready.contains(r#""status":"False""#) && ready.contains("Ready"), "{ready}");
        Ok(())
    }

    /// Whether the settings are there, as S3 and IAM have them.
    async fn is_as_declared(&self) -> Result<()> {
        let s3 = &self.site.amazon.account.s3;
        s3.get_public_access_block().bucket(BUCKET).send().await.context("public access is not blocked")?;
        s3.get_bucket_encryption().bucket(BUCKET).send().await.context("there is no encryption")?;
        s3.get_bucket_ownership_controls().bucket(BUCKET).send().await.context("ownership is open")?;
        s3.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.context("stale uploads stay")?;
        s3.get_bucket_policy().bucket(BUCKET).send().await.context("TLS is not asked for")?;
        let tags = s3.get_bucket_tagging().bucket(BUCKET).send().await.context("it is not marked")?;
        ensure!(tags.tag_set().iter().any(|tag| tag.key() == "flynn.io/blobstore"), "{tags:?}");
        let user = user(&self.site).await?;
        let policies = self.site.amazon.account.iam.list_user_policies().user_name(&user).send().await?;
        ensure!(policies.policy_names() == ["flynn-blobstore"], "{policies:?}");
        Ok(())
    }

    async fn has_left_nothing(&self) -> Result<()> {
        let left = self.site.kubectl().ok(&["get", "blobstores", "-o", "name"]).await?;
        ensure!(left.is_empty(), "{left}");
        ensure!(user(&self.site).await.is_err(), "the user is left");
        let buckets = self.site.amazon.account.s3.list_buckets().send().await?;
        ensure!(buckets.buckets().is_empty(), "{buckets:?}");
        self.site.kubectl().fails(&["get", "secret/blobs"]).await.map(drop)
    }

    /// Takes back every setting, as somebody who knows nothing of the operator.
    async fn drift(&self) -> Result<()> {
        let s3 = &self.site.amazon.account.s3;
        s3.delete_public_access_block().bucket(BUCKET).send().await?;
        s3.delete_bucket_encryption().bucket(BUCKET).send().await?;
        s3.delete_bucket_ownership_controls().bucket(BUCKET).send().await?;
        s3.delete_bucket_lifecycle().bucket(BUCKET).send().await?;
        s3.delete_bucket_policy().bucket(BUCKET).send().await?;
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(versions).send().await?;
        let policy = self.site.amazon.account.iam.delete_user_policy().policy_name("flynn-blobstore");
        policy.user_name(user(&self.site).await?).send().await?;
        Ok(())
    }

    /// Waits until a condition of the Blobstore is so, without a look of the test's own.
    pub(super) async fn says(&self, condition: &str, expected: &str) -> Result<String> {
        says(&self.site, condition, expected).await
    }
}

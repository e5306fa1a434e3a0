//! Three rotations while Pods store and read objects all the time with the keys that each was started with: no request fails, and of each rotation it is
//! printed when what happened.
//!
//! IAM is heeded on the way, and a key that is not active signs nothing. The hour that an old key has to be out of use passes at once; all other times are real.

mod pods;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use e2e::amazon::Settings;
use e2e::{Clock, Site};
use tokio::time::sleep;

use super::shop::{BUCKET, MANIFEST, annotate, key, keys, look, ready};
use pods::{APP, Workforce};

/// A little more than the hour that an old key has to be out of use.
const UNUSED: Duration = Duration::from_secs(3700);

/// The times of a rotation, since it was asked for.
#[derive(Debug)]
struct Timeline {
    asked: Instant,
    lines: Vec<(Duration, String)>,
}

impl Timeline {
    fn begin() -> Self {
        Self { asked: Instant::now(), lines: Vec::new() }
    }

    fn note(&mut self, what: impl Into<String>) {
        self.lines.push((self.asked.elapsed(), what.into()));
    }

    /// Notes when the last call of this action came.
    fn note_call(&mut self, site: &Site, action: &str, what: &str) -> Result<()> {
        let calls = site.amazon.proxy.calls();
        let call = calls.iter().rev().find(|call| call.action == action);
        let at = call.with_context(|| format!("there was no {action}"))?.at;
        self.lines.push((at.duration_since(self.asked), what.to_owned()));
        Ok(())
    }
}

#[tokio::test]
async fn three_rotations_fail_no_request_of_the_pods_that_work_meanwhile() -> Result<()> {
    let clock = Clock::new().await?;
    let settings = Settings { clock: Some(clock.clone()), ..Settings::default() };
    let mut site = Site::with(settings, MANIFEST).await?;
    site.apply(MANIFEST).await?;
    site.apply(APP).await?;
    site.lead().await?;
    ready(&site).await?;
    let workforce = Workforce::start(&site);
    let first = BTreeSet::from([key(&site).await?.id]);
    site.eventually("every Pod works", || async { workforce.has_only(&first) }).await?;

    for number in 1..=3 {
        let (before, _) = workforce.requests();
        let timeline = rotate(&site, &clock, &workforce, number).await?;
        let (done, failed) = workforce.requests();
        println!("rotation {number}: {} requests, {failed} failed", done - before);
        for (at, what) in timeline.lines {
            println!("{:8.2} s  {what}", at.as_secs_f64());
        }
        ensure!(failed == 0, "the first: {:?}", workforce.failures().first());
    }

    // Up to now who signed was believed; the key in the Secret is the right one as well.
    site.amazon.enforce_iam().await?;
    let s3 = aws_sdk_s3::Client::new(&site.amazon.sdk(&key(&site).await?));
    s3.put_object().bucket(BUCKET).key("last").body(ByteStream::from_static(b"x")).send().await?;
    Ok(())
}

/// Asks for a new key, and waits until the old one is gone. The first time nobody hurries the operator.
async fn rotate(site: &Site, clock: &Clock, workforce: &Workforce, number: usize) -> Result<Timeline> {
    let old = key(site).await?.id;
    let mut times = Timeline::begin();
    annotate(site, "rotate").await?;
    site.eventually("the Secret has a new key", || async {
        ensure!(key(site).await?.id != old, "it is the old one");
        Ok(())
    })
    .await?;
    times.note("the Secret is written");
    times.note_call(site, "iam:CreateAccessKey", "a new key is made")?;
    let new = key(site).await?.id;
    let both = keys(site).await?;
    ensure!(both.len() == 2, "{both:?}");

    site.eventually("every Pod has the new key", || async {
        workforce.has_only(&BTreeSet::from([new.clone()]))
    })
    .await?;
    times.note("every Pod is one with the new key");
    let inactive = site.eventually("the old key is inactive", || async {
        let keys = keys(site).await?;
        ensure!(keys.contains(&(old.clone(), "Inactive".to_owned())), "{keys:?}");
        Ok(())
    });
    if number == 1 {
        inactive.await?
    } else {
        hurried(site, inactive).await?
    }
    times.note_call(site, "iam:UpdateAccessKey", "the old key is inactive")?;
    ready(site).await?;
    // Only of a key that was seen to be inactive for an hour it is known that nobody needs it.
    hurried(site, looked_twice(site)).await?;
    clock.advance(UNUSED)?;
    let gone = site.eventually("the old key is gone", || async {
        let keys = keys(site).await?;
        ensure!(keys == [(new.clone(), "Active".to_owned())], "{keys:?}");
        Ok(())
    });
    hurried(site, gone).await?;
    times.note_call(site, "iam:DeleteAccessKey", "the old key is deleted, an hour later by the clock")?;
    times.lines.sort();
    Ok(times)
}

/// Waits until the operator has asked twice for the use of both keys: one of these passes began after now.
async fn looked_twice(site: &Site) -> Result<()> {
    let asked = || site.amazon.proxy.calls_by_action().get("iam:GetAccessKeyLastUsed").copied().unwrap_or(0);
    let before = asked();
    site.eventually("the operator has looked twice", || async {
        ensure!(asked() >= before + 4, "{} of both keys", asked() - before);
        Ok(())
    })
    .await
}

/// Waits for something while the operator, which has a look once a minute, is asked for one every second.
async fn hurried(site: &Site, wait: impl Future<Output = Result<()>>) -> Result<()> {
    let asking = async {
        loop {
            look(site).await?;
            sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        result = wait => result,
        failed = asking => failed,
    }
}

//! When each condition of each of our objects turned true: looks come in, a table goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Site;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::Value;

/// The kinds that say in conditions how they are.
const KINDS: [&str; 5] = ["clusters", "certificates", "blobstores", "apps", "routes"];

/// What is told when everything is declared.
const DECLARED: [&str; 2] = ["kubectl apply", "has ended"];

/// A condition of an object, such as `("App production/www", "Ready")`.
type Told = (String, String);

/// The conditions that are true, each with the time at which that was first seen.
#[derive(Debug)]
pub(super) struct Timeline {
    start: Instant,
    holds: Mutex<BTreeMap<Told, Duration>>,
}

impl Timeline {
    /// One that begins now.
    pub(super) fn begin() -> Self {
        Self { start: Instant::now(), holds: Mutex::default() }
    }

    /// Notes that everything is declared now.
    pub(super) fn declared(&self) {
        let now = self.start.elapsed();
        self.holds().insert(DECLARED.map(str::to_owned).into(), now);
    }

    /// Looks at all objects, and fails as long as one of them is not Ready or not everything is declared.
    pub(super) async fn all_ready(&self, site: &Site) -> Result<()> {
        let mut waiting = Vec::new();
        for kind in KINDS {
            for object in list(&site.people.client, kind).await? {
                if !self.note(&object) {
                    waiting.push(name(&object));
                }
            }
        }
        ensure!(self.holds().contains_key(&DECLARED.map(str::to_owned).into()), "not everything is declared");
        ensure!(waiting.is_empty(), "not yet: {waiting:?}");
        Ok(())
    }

    /// Notes which conditions of an object hold as it is declared now, and says whether Ready is one of them.
    fn note(&self, object: &Value) -> bool {
        let (now, name) = (self.start.elapsed(), name(object));
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        let is_present = |condition: &&Value| {
            condition["status"] == "True"
                && condition["observedGeneration"] == object["metadata"]["generation"]
        };
        let present: BTreeSet<&str> =
            conditions.filter(is_present).filter_map(|condition| condition["type"].as_str()).collect();
        let mut holds = self.holds();
        holds.retain(|(of, condition), _| *of != name || present.contains(condition.as_str()));
        for condition in &present {
            holds.entry((name.clone(), (*condition).to_owned())).or_insert(now);
        }
        present.contains("Ready")
    }

    fn holds(&self) -> MutexGuard<'_, BTreeMap<Told, Duration>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = self.holds();
        let mut rows: Vec<_> = holds.iter().collect();
        rows.sort_by_key(|(_, at)| **at);
        for ((object, condition), at) in rows {
            writeln!(f, "{:6.1} s  {object:32}  {condition}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Its kind and name, and its namespace if it has one: Apps of two namespaces may have the same name.
fn name(object: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let path: Vec<_> = ["namespace", "name"].iter().map(|field| word(&metadata[field])).collect();
    format!("{} {}", word(&object["kind"]), path.join("/").trim_start_matches('/'))
}

/// All objects of a kind of ours, in all namespaces.
async fn list(client: &Client, plural: &str) -> Result<Vec<Value>> {
    let request = http::Request::get(format!("/apis/flynn.io/v1alpha1/{plural}")).body(Body::empty())?;
    let answer = client.send(request).await?;
    ensure!(answer.status() == http::StatusCode::OK, "{plural}: {}", answer.status());
    let list: Value = serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

//! Whether everything that was declared is so: an administrator's client comes in, what is not ready yet goes out, in words.

use std::time::Duration;

use anyhow::{Result, bail};
use crds::names::GROUP;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::progress::Progress;

const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

/// The shortest time between two lines that say what is waited for.
const CALM: Duration = Duration::from_secs(1);

/// Waits until every custom resource is ready and each kind has at least one, and says what it waits for.
pub(crate) async fn wait(client: &Client, progress: Progress) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut said = (String::new(), Instant::now());
    loop {
        let waiting = unready(client).await?.join("; ");
        if waiting.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("not ready after {} s: {waiting}", PATIENCE.as_secs());
        }
        if waiting != said.0 && said.1.elapsed() > CALM {
            progress.tell(format_args!("waiting for {waiting}"));
            said = (waiting, Instant::now());
        }
        sleep(LOOK).await;
    }
}

/// What is not ready, such as `app www: Available is False (Progressing)`.
async fn unready(client: &Client) -> Result<Vec<String>> {
    let mut waiting = Vec::new();
    for definition in crds::all() {
        let names = definition.spec.names;
        let kind = GroupVersionKind::gvk(GROUP, "v1alpha1", &names.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, &names.plural);
        let objects: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let objects = objects.list(&ListParams::default()).await?.items;
        if objects.is_empty() {
            waiting.push(format!("the first {}", names.kind));
        }
        for object in objects {
            if let Some(reason) = reason(&object) {
                waiting.push(format!("{} {}: {reason}", names.kind, object.name_any()));
            }
        }
    }
    Ok(waiting)
}

/// Why an object is not ready; nothing if it is.
fn reason(object: &DynamicObject) -> Option<String> {
    let status = &object.data["status"];
    if status["observedGeneration"].as_i64().unwrap_or_default()
        < object.metadata.generation.unwrap_or_default()
    {
        return Some("nobody has looked at it yet".into());
    }
    let conditions = status["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let is = |condition: &&Value, name: &str| condition["type"] == name;
    if conditions.iter().any(|condition| is(&condition, "Ready") && condition["status"] == "True") {
        return None;
    }
    let first = conditions.iter().find(|condition| {
        condition["status"] != "True" && !is(condition, "Ready") && !is(condition, "Stalled")
    });
    let words = |condition: &Value| {
        let text = |field: &str| condition[field].as_str().unwrap_or("?").to_owned();
        format!("{} is {} ({})", text("type"), text("status"), text("reason"))
    };
    Some(first.map_or("it has no conditions yet".into(), words))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(status: Value) -> DynamicObject {
        let object = json!({"metadata": {"name": "www", "generation": 2}, "status": status});
        serde_json::from_value(object).expect("it is an object")
    }

    #[test]
    fn the_first_condition_that_does_not_hold_is_the_reason() {
        let condition =
            |name: &str, status: &str| json!({"type": name, "status": status, "reason": "Because"});
        let conditions = json!([
            condition("Ready", "False"),
            condition("Accepted", "True"),
            condition("Programmed", "False")
        ]);
        let waiting = object(json!({"observedGeneration": 2, "conditions": conditions}));
        assert_eq!(reason(&waiting).as_deref(), Some("Programmed is False (Because)"));
        let ready = object(json!({"observedGeneration": 2, "conditions": [condition("Ready", "True")]}));
        assert_eq!(reason(&ready), None);
    }

    #[test]
    fn a_status_about_an_older_generation_does_not_count() {
        let ready = json!([{"type": "Ready", "status": "True", "reason": "Ok"}]);
        let stale = object(json!({"observedGeneration": 1, "conditions": ready}));
        assert!(reason(&stale).is_some());
    }
}

//! What is done to one object, on both servers: a random history comes in, and where the servers part goes out.

use anyhow::Result;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::normal;
use crate::random::{Change, Kind, named};
use crate::request::{self, Answer};
use crate::server::Server;

/// The namespace of all random objects.
pub(crate) const NAMESPACE: &str = "random";

/// The fields that controllers write, at times of their own.
const CONTROLLED: [&str; 2] = ["/status", "/metadata/annotations/deployment.kubernetes.io~1revision"];

/// Makes the namespace.
pub(crate) async fn prepare(server: &Server) -> Result<()> {
    let namespace = json!({"metadata": {"name": NAMESPACE}}).to_string();
    request::send(server, ("POST", "/api/v1/namespaces"), &[], namespace, None).await?;
    Ok(())
}

/// Does it all to an object of that name on both, and describes the first answers that differ; none if all are the same.
pub(crate) async fn parting(
    servers: &[&Server; 2],
    kind: Kind,
    name: &str,
    changes: &[Change],
) -> Result<Option<String>> {
    let path = format!("{}/{name}", kind.path.replace("{ns}", NAMESPACE));
    for (done, change) in changes.iter().enumerate() {
        let [real, ours] = servers;
        let (real, ours) =
            tokio::try_join!(tell(real, kind, name, &path, change), tell(ours, kind, name, &path, change))?;
        if real != ours {
            let history: Vec<_> = changes[..=done].iter().map(|change| format!("    {change:?}")).collect();
            let difference = similar::TextDiff::from_lines(&real, &ours);
            let difference = difference.unified_diff().context_radius(3).to_string();
            return Ok(Some(format!("{} {name}\n{}\n{difference}", kind.kind, history.join("\n"))));
        }
    }
    Ok(None)
}

/// One change on one server: its normalised answer.
async fn tell(server: &Server, kind: Kind, name: &str, path: &str, change: &Change) -> Result<String> {
    let patch = |manager: &str, kind_of_patch: &str, body: &Value| {
        ("PATCH", format!("{path}?fieldManager={manager}"), kind_of_patch.to_owned(), body.to_string())
    };
    let (method, path, content_type, body) = match change {
        Change::Apply { manager, force, object } => {
            let (method, path, content_type, body) =
                patch(manager, "application/apply-patch+yaml", &named(kind, name, object));
            (method, format!("{path}&force={force}"), content_type, body)
        }
        Change::Update { manager, object } => {
            let body = named(kind, name, object).to_string();
            return update(server, path, manager, body).await;
        }
        Change::Strategic { manager, patch: body } => {
            patch(manager, "application/strategic-merge-patch+json", body)
        }
        Change::Merge { manager, patch: body } => patch(manager, "application/merge-patch+json", body),
        Change::Operations { manager, operations } => {
            patch(manager, "application/json-patch+json", &operations.clone().into())
        }
    };
    let headers = [(CONTENT_TYPE.to_string(), content_type)];
    Ok(text(&request::send(server, (method, &path), &headers, body, None).await?))
}

/// Makes the object, or replaces it, whatever version it has.
async fn update(server: &Server, path: &str, manager: &str, body: String) -> Result<String> {
    let (collection, _) = path.rsplit_once('/').unwrap_or((path, ""));
    let live = request::send(server, ("GET", path), &[], String::new(), None).await?;
    if live.status == 404 {
        let target = format!("{collection}?fieldManager={manager}");
        return Ok(text(&request::send(server, ("POST", &target), &[], body, None).await?));
    }
    let target = format!("{path}?fieldManager={manager}");
    loop {
        let live = request::send(server, ("GET", path), &[], String::new(), None).await?;
        let live: Value = serde_json::from_str(&live.body)?;
        let mut object: Value = serde_json::from_str(&body)?;
        object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        let answer = request::send(server, ("PUT", &target), &[], object.to_string(), None).await?;
        if answer.status != 409 {
            return Ok(text(&answer)); // a conflict: its controller was quicker
        }
    }
}

fn text(answer: &Answer) -> String {
    let body = match serde_json::from_str::<Value>(&answer.body) {
        Ok(mut object) => {
            uncontrolled(&mut object);
            object.to_string()
        }
        Err(_) => answer.body.clone(),
    };
    format!("HTTP {}\n{}\n", answer.status, normal::lines(&body, &[]).join("\n"))
}

/// Removes what controllers write.
fn uncontrolled(object: &mut Value) {
    if object["kind"] != "Deployment" {
        return;
    }
    for pointer in CONTROLLED {
        let Some((parent, field)) = pointer.rsplit_once('/') else { continue };
        if let Some(Value::Object(parent)) = object.pointer_mut(parent) {
            parent.remove(&field.replace("~1", "/"));
        }
    }
    if object.pointer("/metadata/annotations").is_some_and(|annotations| *annotations == json!({})) {
        object["metadata"].as_object_mut().map(|metadata| metadata.remove("annotations"));
    }
    if let Some(Value::Array(managers)) = object.pointer_mut("/metadata/managedFields") {
        managers.retain(|entry| ["one", "two", "three"].iter().any(|manager| entry["manager"] == *manager));
    }
}

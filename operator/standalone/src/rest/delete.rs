//! DELETE of one object and of a collection.

use std::sync::Arc;

use http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::Object;

use super::Call;
use super::commit::Outcome;
use super::list;
use super::render::render;
use super::update::ATTEMPTS;
use crate::answer::{self, Body};
use crate::deletion::{Deletion, Options};
use crate::selector::Selector;
use crate::status::{self, Failure, Result};
use crate::{meta, strategy, wire};

/// Namespaces that cannot be deleted.
const LASTING: [&str; 2] = ["default", "kube-system"];

pub(super) async fn delete(call: &Call) -> Result<Response<Body>> {
    let options = Options::parse(&call.content_type, &call.body, &call.request.query)?;
    let resource = &call.request.resource;
    if strategy::is(resource, "", "namespaces") && LASTING.contains(&call.request.name()) {
        let why = "this namespace may not be deleted";
        return Err(Failure::forbidden(&resource.group, &resource.plural, call.request.name(), why));
    }
    let first = call.live()?;
    let (object, is_gone) = remove(call, first, &options).await?;
    let tells_object =
        ["pods", "services", "namespaces"].iter().any(|plural| strategy::is(resource, "", plural));
    if is_gone && !tells_object {
        let status = status::deleted(resource, call.request.name(), meta::uid(&object));
        return Ok(answer::value(StatusCode::OK, &status));
    }
    render(call, StatusCode::OK, &object)
}

pub(super) async fn collection(call: &Call) -> Result<Response<Body>> {
    let options = Options::parse(&call.content_type, &call.body, &call.request.query)?;
    let resource = &call.request.resource;
    let selector = Selector::parse(resource, &call.request.query)?;
    let snapshot = call.api.store.snapshot();
    let listed = snapshot.list(&wire::collection(resource), call.request.namespace.as_deref(), None);
    let selected = listed.filter(|object| selector.matches(object)).cloned().collect::<Vec<_>>();
    let mut items = Vec::with_capacity(selected.len());
    for object in selected {
        match remove(call, object, &options).await {
            Ok((object, _)) => items.push(wire::item(resource, object)),
            Err(failure) if failure.code() == StatusCode::NOT_FOUND => {}
            Err(failure) => return Err(failure),
        }
    }
    let list = json!({
        "kind": resource.list_kind,
        "apiVersion": resource.api_version(),
        "metadata": list::whole(resource, json!({"resourceVersion": call.api.store.revision().to_string()})),
        "items": items,
    });
    Ok(answer::value(StatusCode::OK, &list))
}

/// Deletes an object, or begins to; tells its state and whether it is gone.
async fn remove(call: &Call, first: Arc<Object>, options: &Options) -> Result<(Value, bool)> {
    let resource = &call.request.resource;
    let key = first.key.clone();
    let mut before = first;
    for _ in 0..ATTEMPTS {
        let live = call.value(&before);
        options.check(resource, &live)?;
        let (outcome, is_gone) = match options.delete(resource, &live, Timestamp::now()) {
            Deletion::Unchanged => return Ok((live, false)),
            Deletion::Now => (call.commit_removal(&before, live, options.dry_run).await?, true),
            Deletion::Mark(new) => (call.commit(&before, &live, new, options.dry_run).await?, false),
        };
        match outcome {
            Outcome::Done(object) => return Ok((object, is_gone)),
            Outcome::Raced => {}
        }
        before = call.api.store.get(&key).ok_or_else(|| Failure::not_found(resource, &key.name))?;
    }
    Err(Failure::modified(resource, &key.name))
}

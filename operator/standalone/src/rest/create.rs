//! POST: a new object.

use http::{Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::Call;
use super::commit::Outcome;
use super::render::render;
use crate::answer::Body;
use crate::status::{Failure, Result};
use crate::{admission, body, meta, wire};

const OPTIONS: &str = "CreateOptions";

/// The letters of generated names: no vowels, and nothing that looks like another.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A generated name that is taken is made again this many times.
const ATTEMPTS: usize = 8;

pub(super) async fn create(call: &mut Call) -> Result<Response<Body>> {
    let dry_run = call.request.query.dry_run(OPTIONS)?;
    let validation = call.request.query.field_validation(OPTIONS)?;
    let manager = call.manager(OPTIONS)?;
    let resource = &call.request.resource;
    let mut object = body::object(resource, &call.content_type, &call.body, validation, &mut call.warnings)?;
    admission::place(&mut object, call.request.namespace())?;
    if !meta::resource_version(&object).is_empty() {
        return Err(Failure::internal("resourceVersion should not be set on objects to be created"));
    }
    call.check_namespace(meta::name(&object))?;
    let created = store(call, &object, &manager, dry_run).await?;
    call.warnings.extend(call.request.resource.warnings(&object));
    render(call, StatusCode::CREATED, &created)
}

async fn store(call: &Call, object: &Value, manager: &str, dry_run: bool) -> Result<Value> {
    let is_generated = meta::name(object).is_empty();
    let mut attempts = if is_generated { ATTEMPTS } else { 1 };
    loop {
        let new = call.write(manager).create(object.clone(), &Uuid::new_v4().to_string(), &suffix())?;
        let name = meta::name(&new).to_owned();
        attempts -= 1;
        match call.commit_new(new, dry_run).await? {
            Outcome::Done(object) => return Ok(object),
            Outcome::Raced if attempts == 0 => {
                return Err(Failure::already_exists(&call.request.resource, &name));
            }
            Outcome::Raced => {}
        }
    }
}

impl Call {
    /// Nothing is created in a namespace that is not there or is going away.
    pub(super) fn check_namespace(&self, name: &str) -> Result<()> {
        let Some(namespace) = &self.request.namespace else { return Ok(()) };
        let namespaces = self.api.catalog.by_path("", "v1", "namespaces").expect("namespaces are served");
        let found = self.api.store.get(&wire::key(namespaces, "", namespace));
        let found = found.ok_or_else(|| Failure::not_found(namespaces, namespace))?;
        let found = wire::fields(&found);
        if meta::is_terminating(&found) {
            return Err(Failure::terminating(&self.request.resource, name, namespace));
        }
        Ok(())
    }
}

/// Five random letters.
fn suffix() -> String {
    (0..5).map(|_| char::from(LETTERS[fastrand::usize(..LETTERS.len())])).collect()
}

//! Storing what the pure steps made, or not where the client only asks what would happen.

use std::sync::Arc;

use serde_json::Value;
use store::{Key, Object, Write, WriteError};

use super::Call;
use crate::status::{Failure, Result};
use crate::{deletion, meta, wire};

/// How storing went.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The object as it is now.
    Done(Value),
    /// Somebody else was quicker: read again.
    Raced,
}

impl Call {
    /// Stores a new object.
    pub(super) async fn commit_new(&self, object: Value, dry_run: bool) -> Result<Outcome> {
        let resource = &self.request.resource;
        let key = self.key_of(meta::name(&object));
        if dry_run {
            return Ok(if self.api.store.get(&key).is_some() {
                Outcome::Raced
            } else {
                Outcome::Done(object)
            });
        }
        let json = wire::stored(resource, &object);
        self.outcome(self.api.store.write(Write::Create { key, json }).await, object)
    }

    /// Stores an object in the place of the one that was read. Where this ends its deletion, it is removed.
    pub(super) async fn commit(
        &self,
        before: &Object,
        live: &Value,
        new: Value,
        dry_run: bool,
    ) -> Result<Outcome> {
        if dry_run {
            return Ok(Outcome::Done(new));
        }
        let resource = &self.request.resource;
        let (key, json, expected) = (before.key.clone(), wire::stored(resource, &new), before.revision);
        let write = if deletion::is_done(resource, live, &new) {
            Write::Delete { key, json, expected }
        } else {
            Write::Update { key, json, expected }
        };
        self.outcome(self.api.store.write(write).await, new)
    }

    /// Removes the object that was read.
    pub(super) async fn commit_removal(
        &self,
        before: &Object,
        live: Value,
        dry_run: bool,
    ) -> Result<Outcome> {
        if dry_run {
            return Ok(Outcome::Done(live));
        }
        let key: Key = before.key.clone();
        let write = Write::Delete { key, json: before.json.clone(), expected: before.revision };
        self.outcome(self.api.store.write(write).await, live)
    }

    fn outcome(
        &self,
        written: std::result::Result<Arc<Object>, WriteError>,
        mut object: Value,
    ) -> Result<Outcome> {
        match written {
            Ok(written) => {
                meta::set(&mut object, "resourceVersion", written.revision.to_string().into());
                Ok(Outcome::Done(object))
            }
            Err(WriteError::Exists(_) | WriteError::Conflict(_)) => Ok(Outcome::Raced),
            Err(WriteError::Missing) => Err(Failure::not_found(&self.request.resource, meta::name(&object))),
            Err(error @ (WriteError::Full { .. } | WriteError::Storage(_))) => Err(Failure::storage(&error)),
        }
    }
}

//! Tags of zones and health checks.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeTagsForResource.html>: a call adds and
//! removes up to ten tags each and does at least one of both; keys have up to 128, values up to 256 characters. A
//! resource has at most ten tags (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/tagging-resources.html>).

use std::collections::{BTreeMap, HashMap};

use crate::refusal::Refusal;
use crate::xml::tags::{ChangeTagsForResourceRequest, ResourceTagSet, Tag};

const MAX: usize = 10;

/// The tags of all resources, by type and id.
#[derive(Default)]
pub struct Tags(HashMap<(String, String), BTreeMap<String, String>>);

impl Tags {
    /// Removes and adds tags of a resource that exists.
    pub fn change(
        &mut self,
        kind: &str,
        id: &str,
        request: ChangeTagsForResourceRequest,
    ) -> Result<(), Refusal> {
        let added = request.add_tags.unwrap_or_default().items;
        let removed = request.remove_tag_keys.unwrap_or_default().items;
        if added.is_empty() && removed.is_empty() || added.len() > MAX || removed.len() > MAX {
            return Err(Refusal::invalid_input("1 to 10 tags can be added or removed at once"));
        }
        if added.iter().any(|tag| tag.key.is_empty() || tag.key.len() > 128 || tag.value.len() > 256) {
            return Err(Refusal::invalid_input(
                "Invalid XML ; a tag has a key of 1 to 128 and a value of up to 256 characters",
            ));
        }
        let stored = self.0.entry((kind.to_owned(), id.to_owned())).or_default();
        let mut tags = stored.clone();
        tags.retain(|key, _| !removed.contains(key));
        tags.extend(added.into_iter().map(|tag| (tag.key, tag.value)));
        if tags.len() > MAX {
            return Err(Refusal::invalid_input("A resource can have at most 10 tags"));
        }
        *stored = tags;
        Ok(())
    }

    /// The tags of a resource.
    pub fn of(&self, kind: &str, id: &str) -> ResourceTagSet {
        let stored = self.0.get(&(kind.to_owned(), id.to_owned())).cloned().unwrap_or_default();
        let tags: Vec<_> = stored.into_iter().map(|(key, value)| Tag { key, value }).collect();
        ResourceTagSet { resource_type: kind.to_owned(), resource_id: id.to_owned(), tags: tags.into() }
    }

    /// Forgets the tags of a resource that is gone.
    pub fn forget(&mut self, kind: &str, id: &str) {
        self.0.remove(&(kind.to_owned(), id.to_owned()));
    }
}

//! Documents of the actions on tags.

use serde::{Deserialize, Serialize};

use super::list;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct Tag {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

list!(
    /// Tags.
    Tags of Tag, "Tag"
);
list!(
    /// Keys of tags to remove.
    Keys of String, "Key"
);
list!(
    /// Ids of resources.
    ResourceIds of String, "ResourceId"
);

/// The body of ChangeTagsForResource.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ChangeTagsForResourceRequest {
    #[serde(default)]
    pub add_tags: Option<Tags>,
    #[serde(default)]
    pub remove_tag_keys: Option<Keys>,
}

/// The body of ListTagsForResources.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourcesRequest {
    /// Whose tags.
    pub resource_ids: ResourceIds,
}

/// The tags of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the elements of the API reference")]
pub struct ResourceTagSet {
    pub resource_type: String,
    pub resource_id: String,
    pub tags: Tags,
}

list!(
    /// The tags of several resources.
    ResourceTagSets of ResourceTagSet, "ResourceTagSet"
);

/// The body of the answer to ListTagsForResource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourceResponse {
    /// The tags.
    pub resource_tag_set: ResourceTagSet,
}

/// The body of the answer to ListTagsForResources.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsForResourcesResponse {
    /// The tags.
    pub resource_tag_sets: ResourceTagSets,
}

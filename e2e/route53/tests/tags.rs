//! Tags.

use aws_sdk_route53::types::{Tag, TagResourceType};

use crate::bed::{Bed, refused};

fn tag(key: &str) -> Tag {
    Tag::builder().key(key).value("value").build()
}

#[tokio::test]
async fn tags_are_added_removed_and_listed() {
    let bed = Bed::new().await;
    let check = bed.health_check("192.0.2.1").await;
    let change = || {
        bed.client.change_tags_for_resource().resource_type(TagResourceType::Healthcheck).resource_id(&check)
    };
    change().add_tags(tag("one")).add_tags(tag("two")).send().await.unwrap();
    change().remove_tag_keys("one").send().await.unwrap();
    let listed =
        bed.client.list_tags_for_resource().resource_type(TagResourceType::Healthcheck).resource_id(&check);
    let listed = listed.send().await.unwrap().resource_tag_set.unwrap();
    assert_eq!(listed.tags(), [tag("two")]);
}

#[tokio::test]
async fn an_eleventh_tag_is_refused() {
    let bed = Bed::new().await;
    let change = || {
        bed.client
            .change_tags_for_resource()
            .resource_type(TagResourceType::Hostedzone)
            .resource_id(&bed.zone)
    };
    let ten = (0..10).map(|n| tag(&n.to_string())).collect();
    change().set_add_tags(Some(ten)).send().await.unwrap();
    refused(&change().add_tags(tag("eleven")).send().await.unwrap_err()).is("InvalidInput", "at most 10");
}

#[tokio::test]
async fn a_change_without_tags_is_refused() {
    let bed = Bed::new().await;
    let change = bed.client.change_tags_for_resource().resource_type(TagResourceType::Hostedzone);
    refused(&change.resource_id(&bed.zone).send().await.unwrap_err()).is("InvalidInput", "tags");
}

#[tokio::test]
async fn tags_of_ten_resources_are_listed_at_once_and_of_eleven_not() {
    let bed = Bed::new().await;
    let mut ids = Vec::new();
    for n in 0..11 {
        ids.push(bed.health_check(&format!("192.0.2.{n}")).await);
    }
    let list = |ids: &[String]| {
        let request = bed.client.list_tags_for_resources().resource_type(TagResourceType::Healthcheck);
        request.set_resource_ids(Some(ids.to_vec())).send()
    };
    assert_eq!(list(&ids[..10]).await.unwrap().resource_tag_sets.len(), 10);
    refused(&list(&ids).await.unwrap_err()).is("InvalidInput", "1 to 10");
}

#[tokio::test]
async fn tags_of_what_does_not_exist_are_refused() {
    let bed = Bed::new().await;
    let list =
        bed.client.list_tags_for_resource().resource_type(TagResourceType::Healthcheck).resource_id("none");
    refused(&list.send().await.unwrap_err()).is("NoSuchHealthCheck", "none");
}

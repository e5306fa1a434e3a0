//! The actions on tags.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListTagsForResources.html>: one call reads the
//! tags of one to ten resources of one type, all of which exist.

use super::Reply;
use crate::account::Account;
use crate::action::Request;
use crate::refusal::Refusal;
use crate::xml;
use crate::xml::tags::{
    ListTagsForResourceResponse, ListTagsForResourcesRequest, ListTagsForResourcesResponse,
};

pub(super) fn change(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    exists(account, &request.resource_type, &request.id)?;
    account.tags.change(&request.resource_type, &request.id, xml::read(&request.body)?)?;
    Ok(Reply::ok("ChangeTagsForResourceResponse", &()))
}

pub(super) fn list(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    exists(account, &request.resource_type, &request.id)?;
    let resource_tag_set = account.tags.of(&request.resource_type, &request.id);
    Ok(Reply::ok("ListTagsForResourceResponse", &ListTagsForResourceResponse { resource_tag_set }))
}

pub(super) fn list_several(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let ListTagsForResourcesRequest { resource_ids } = xml::read(&request.body)?;
    if !(1..=10).contains(&resource_ids.items.len()) {
        return Err(Refusal::invalid_input("Invalid XML ; ResourceIds holds 1 to 10 ids"));
    }
    let kind = &request.resource_type;
    resource_ids.items.iter().try_for_each(|id| exists(account, kind, id))?;
    let sets: Vec<_> = resource_ids.items.iter().map(|id| account.tags.of(kind, id)).collect();
    let response = ListTagsForResourcesResponse { resource_tag_sets: sets.into() };
    Ok(Reply::ok("ListTagsForResourcesResponse", &response))
}

fn exists(account: &Account, kind: &str, id: &str) -> Result<(), Refusal> {
    match kind {
        "healthcheck" => account.health_checks.get(id).map(drop),
        "hostedzone" => account.zone(id).map(drop),
        other => Err(Refusal::invalid_input(format!("'{other}' is not a type of resource"))),
    }
}

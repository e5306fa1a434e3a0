//! The actions on hosted zones.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByName.html>: zones sort by their
//! names, the last label first, and pages begin at a name and, with it, an id. ListHostedZones begins at a marker.

use super::{Reply, max_items, page};
use crate::account::Account;
use crate::action::Request;
use crate::name::Name;
use crate::refusal::Refusal;
use crate::xml;
use crate::xml::records::ChangeResponse;
use crate::xml::zones::{HostedZoneResponse, ListHostedZonesByNameResponse, ListHostedZonesResponse, Vpcs};
use crate::zone::Zone;

const PAGE: usize = 100;

pub(super) fn list(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let marker = request.parameter("marker").unwrap_or_default();
    let max = max_items(request, PAGE)?;
    let (zones, next) = page(account.zones.values().filter(|zone| zone.id.as_str() >= marker), max);
    let response = ListHostedZonesResponse {
        hosted_zones: zones.into_iter().map(Zone::document).collect::<Vec<_>>().into(),
        marker: marker.to_owned(),
        is_truncated: next.is_some(),
        next_marker: next.map(|zone| zone.id.clone()),
        max_items: max.to_string(),
    };
    Ok(Reply::ok("ListHostedZonesResponse", &response))
}

pub(super) fn list_by_name(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let invalid = |error: crate::name::InvalidName| Refusal::new(400, "InvalidDomainName", error.to_string());
    let name = request.parameter("dnsname").map(Name::parse).transpose().map_err(invalid)?;
    let id = request.parameter("hostedzoneid");
    if id.is_some() && name.is_none() {
        return Err(Refusal::invalid_input("HostedZoneId goes with DNSName"));
    }
    let max = max_items(request, PAGE)?;
    let mut sorted: Vec<_> = account.zones.values().collect();
    sorted.sort_by_key(|zone| (&zone.apex, &zone.id));
    let start = |zone: &&Zone| {
        let is_later = |name| (&zone.apex, zone.id.as_str()) >= (name, id.unwrap_or_default());
        name.as_ref().is_none_or(is_later)
    };
    let (zones, next) = page(sorted.into_iter().filter(start), max);
    let response = ListHostedZonesByNameResponse {
        hosted_zones: zones.into_iter().map(Zone::document).collect::<Vec<_>>().into(),
        dns_name: name.as_ref().map(Name::to_string),
        hosted_zone_id: id.map(str::to_owned),
        is_truncated: next.is_some(),
        next_dns_name: next.map(|zone| zone.apex.to_string()),
        next_hosted_zone_id: next.map(|zone| zone.id.clone()),
        max_items: max.to_string(),
    };
    Ok(Reply::ok("ListHostedZonesByNameResponse", &response))
}

pub(super) fn get(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let zone = account.zone(&request.id)?;
    let response = HostedZoneResponse {
        hosted_zone: zone.document(),
        change_info: None,
        delegation_set: zone.delegation_set(),
        vpcs: zone.vpc.clone().map(|vpc| Vpcs::from(vec![vpc])),
    };
    Ok(Reply::ok("GetHostedZoneResponse", &response))
}

pub(super) fn create(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    let (zone, change_info) = account.create_zone(xml::read(&request.body)?)?;
    let response = HostedZoneResponse {
        hosted_zone: zone.document(),
        change_info: Some(change_info),
        delegation_set: zone.delegation_set(),
        vpcs: None,
    };
    Ok(Reply::created("CreateHostedZoneResponse", &response, &format!("hostedzone/{}", zone.id)))
}

pub(super) fn delete(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    let change_info = account.delete_zone(&request.id)?;
    account.tags.forget("hostedzone", &request.id);
    Ok(Reply::ok("DeleteHostedZoneResponse", &ChangeResponse { change_info }))
}

//! The actions on health checks.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHealthChecks.html>: a page begins at a
//! marker, which is the id of its first check.

use super::{Reply, max_items, page};
use crate::account::Account;
use crate::action::Request;
use crate::health_check::HealthCheck;
use crate::refusal::Refusal;
use crate::xml;
use crate::xml::health::{
    HealthCheck as Document, HealthCheckCountResponse, HealthCheckResponse, HealthCheckStatusResponse,
    ListHealthChecksResponse,
};

const PAGE: usize = 100;

pub(super) fn create(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    let check = account.health_checks.create(xml::read(&request.body)?)?;
    let path = format!("healthcheck/{}", check.id);
    Ok(Reply::created(
        "CreateHealthCheckResponse",
        &HealthCheckResponse { health_check: document(&check) },
        &path,
    ))
}

pub(super) fn get(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let health_check = document(account.health_checks.get(&request.id)?);
    Ok(Reply::ok("GetHealthCheckResponse", &HealthCheckResponse { health_check }))
}

pub(super) fn update(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    let check = account.health_checks.update(&request.id, xml::read(&request.body)?)?;
    Ok(Reply::ok("UpdateHealthCheckResponse", &HealthCheckResponse { health_check: document(&check) }))
}

pub(super) fn delete(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    account.health_checks.delete(&request.id)?;
    account.tags.forget("healthcheck", &request.id);
    Ok(Reply::ok("DeleteHealthCheckResponse", &()))
}

pub(super) fn list(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let marker = request.parameter("marker").unwrap_or_default();
    let max = max_items(request, PAGE)?;
    let (checks, next) = page(account.health_checks.iter().filter(|check| check.id.as_str() >= marker), max);
    let response = ListHealthChecksResponse {
        health_checks: checks.into_iter().map(document).collect::<Vec<_>>().into(),
        marker: marker.to_owned(),
        is_truncated: next.is_some(),
        next_marker: next.map(|check| check.id.clone()),
        max_items: max.to_string(),
    };
    Ok(Reply::ok("ListHealthChecksResponse", &response))
}

pub(super) fn status(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let check = account.health_checks.get(&request.id)?;
    let health_check_observations = check.observed.report(&check.config).into();
    Ok(Reply::ok("GetHealthCheckStatusResponse", &HealthCheckStatusResponse { health_check_observations }))
}

pub(super) fn count(account: &Account) -> Reply {
    let health_check_count = account.health_checks.iter().count();
    Reply::ok("GetHealthCheckCountResponse", &HealthCheckCountResponse { health_check_count })
}

fn document(check: &HealthCheck) -> Document {
    Document {
        id: check.id.clone(),
        caller_reference: check.caller_reference.clone(),
        health_check_config: check.config.clone(),
        health_check_version: check.version,
    }
}

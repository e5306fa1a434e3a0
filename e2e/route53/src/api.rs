//! Carries out the actions on the account.

mod health_checks;
mod records;
mod tags;
mod zones;

use crate::account::Account;
use crate::action::{Action, Request};
use crate::refusal::Refusal;
use crate::xml;

/// The answer to a request that was carried out.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The document.
    pub(crate) body: String,
    /// Where a thing that was made can be found.
    pub(crate) location: Option<String>,
}

impl Reply {
    fn ok(root: &str, content: &impl serde::Serialize) -> Self {
        Self { status: 200, body: xml::write(root, content), location: None }
    }

    fn created(root: &str, content: &impl serde::Serialize, path: &str) -> Self {
        let location = Some(format!("https://route53.amazonaws.com/2013-04-01/{path}"));
        Self { status: 201, location, ..Self::ok(root, content) }
    }
}

/// Carries out one request.
pub(crate) fn handle(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    account.settle();
    match request.action {
        Action::ListHostedZones => zones::list(account, request),
        Action::ListHostedZonesByName => zones::list_by_name(account, request),
        Action::GetHostedZone => zones::get(account, request),
        Action::CreateHostedZone => zones::create(account, request),
        Action::DeleteHostedZone => zones::delete(account, request),
        Action::ChangeResourceRecordSets => records::change(account, request),
        Action::ListResourceRecordSets => records::list(account, request),
        Action::GetChange => records::get_change(account, request),
        Action::CreateHealthCheck => health_checks::create(account, request),
        Action::GetHealthCheck => health_checks::get(account, request),
        Action::ListHealthChecks => health_checks::list(account, request),
        Action::UpdateHealthCheck => health_checks::update(account, request),
        Action::DeleteHealthCheck => health_checks::delete(account, request),
        Action::GetHealthCheckStatus => health_checks::status(account, request),
        Action::GetHealthCheckCount => Ok(health_checks::count(account)),
        Action::ChangeTagsForResource => tags::change(account, request),
        Action::ListTagsForResource => tags::list(account, request),
        Action::ListTagsForResources => tags::list_several(account, request),
    }
}

/// How many items a page may have: what the request says, up to the limit of the action.
fn max_items(request: &Request, limit: usize) -> Result<usize, Refusal> {
    let Some(text) = request.parameter("maxitems") else { return Ok(limit) };
    match text.parse::<usize>() {
        Ok(max @ 1..) => Ok(max.min(limit)),
        _ => Err(Refusal::invalid_input(format!("MaxItems must be a positive number, not '{text}'"))),
    }
}

/// A page, and the first item after it.
fn page<T>(mut items: impl Iterator<Item = T>, max: usize) -> (Vec<T>, Option<T>) {
    let page = items.by_ref().take(max).collect();
    (page, items.next())
}

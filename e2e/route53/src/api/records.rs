//! The actions on record sets.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>: a page has at most
//! 300 sets and begins at a name, a type with it and an identifier with both; a page can end between two sets of one
//! name and type. A type without a name and an identifier without a type are refused.

use hickory_proto::rr::RecordType;

use super::{Reply, max_items, page};
use crate::account::Account;
use crate::action::Request;
use crate::name::Name;
use crate::record::{Key, RecordSet};
use crate::refusal::Refusal;
use crate::xml;
use crate::xml::records::{
    ChangeResourceRecordSetsRequest, ChangeResponse, ListResourceRecordSetsResponse, ResourceRecordSet,
};

const PAGE: usize = 300;

pub(super) fn change(account: &mut Account, request: &Request) -> Result<Reply, Refusal> {
    let body: ChangeResourceRecordSetsRequest = xml::read(&request.body)?;
    let change_info = account.change_records(&request.id, body.change_batch)?;
    Ok(Reply::ok("ChangeResourceRecordSetsResponse", &ChangeResponse { change_info }))
}

pub(super) fn get_change(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let change_info = account.change(&request.id)?;
    Ok(Reply::ok("GetChangeResponse", &ChangeResponse { change_info }))
}

pub(super) fn list(account: &Account, request: &Request) -> Result<Reply, Refusal> {
    let zone = account.zone(&request.id)?;
    let start = Start::read(request)?;
    let max = max_items(request, PAGE)?;
    let after = zone.records.iter().filter(|(key, _)| start.is_at_or_before(key)).map(|(_, set)| set);
    let (sets, next) = page(after, max);
    let response = ListResourceRecordSetsResponse {
        resource_record_sets: sets.into_iter().map(ResourceRecordSet::from).collect::<Vec<_>>().into(),
        is_truncated: next.is_some(),
        next_record_name: next.map(|set| set.name.to_string()),
        next_record_type: next.map(|set| set.kind.to_string()),
        next_record_identifier: next.and_then(identifier),
        max_items: max.to_string(),
    };
    Ok(Reply::ok("ListResourceRecordSetsResponse", &response))
}

fn identifier(set: &RecordSet) -> Option<String> {
    set.routing.identifier().map(str::to_owned)
}

/// Where a page begins.
struct Start {
    name: Option<Name>,
    kind: Option<RecordType>,
    identifier: Option<String>,
}

impl Start {
    fn read(request: &Request) -> Result<Self, Refusal> {
        let name = request.parameter("name").map(Name::parse).transpose();
        let name = name.map_err(|error| Refusal::invalid_input(error.to_string()))?;
        let kind = request.parameter("type").map(str::parse).transpose();
        let kind = kind.map_err(|_| Refusal::invalid_input("the type is no record type"))?;
        let identifier = request.parameter("identifier").map(str::to_owned);
        if kind.is_some() && name.is_none() || identifier.is_some() && kind.is_none() {
            return Err(Refusal::invalid_input("a type goes with a name, and an identifier with a type"));
        }
        Ok(Self { name, kind, identifier })
    }

    fn is_at_or_before(&self, key: &Key) -> bool {
        let Some(name) = &self.name else { return true };
        match self.kind {
            None => *name <= key.name,
            Some(kind) => (name, kind, &self.identifier) <= (&key.name, key.kind, &key.identifier),
        }
    }
}

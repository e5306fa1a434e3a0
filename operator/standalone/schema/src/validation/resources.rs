//! Amounts of resources of containers.

use serde_json::{Map, Value};

use super::{names, text};
use crate::field_error::Faults;
use crate::quantity::Quantity;

/// Resources without a domain that a container may have.
const OF_CONTAINERS: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];

/// Resources without a domain that there are at all.
const STANDARD: [&str; 12] = [
    "configmaps",
    "cpu",
    "ephemeral-storage",
    "memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.memory",
    "secrets",
    "services",
    "storage",
];

pub(super) fn validate(path: &str, resources: &Value, faults: &mut Faults) {
    for list in ["limits", "requests"] {
        for (name, amount) in resources[list].as_object().into_iter().flat_map(Map::iter) {
            amount_of(&format!("{path}.{list}[{name}]"), name, amount, faults);
            if list == "requests" {
                within_limit(&format!("{path}.requests"), name, amount, &resources["limits"][name], faults);
            }
        }
    }
}

fn amount_of(path: &str, name: &str, amount: &Value, faults: &mut Faults) {
    let whys = names::qualified(name);
    let is_domain = name.contains('/') || name.starts_with("hugepages-");
    if whys.is_empty() && !is_domain && !STANDARD.contains(&name) {
        faults.invalid(path, &name.into(), "must be a standard resource type or fully qualified");
    }
    faults.invalid_text(path, name, whys);
    if !is_domain && !OF_CONTAINERS.contains(&name) {
        faults.invalid(path, &name.into(), "must be a standard resource for containers");
    }
    if Quantity::parse(text(amount)).is_ok_and(Quantity::is_negative) {
        faults.invalid(path, amount, "must be greater than or equal to 0");
    }
}

fn within_limit(path: &str, name: &str, request: &Value, limit: &Value, faults: &mut Faults) {
    if let (Ok(wanted), Ok(most)) = (Quantity::parse(text(request)), Quantity::parse(text(limit)))
        && wanted.exceeds(most)
    {
        let why = format!("must be less than or equal to {name} limit of {}", text(limit));
        faults.invalid(path, request, &why);
    }
}

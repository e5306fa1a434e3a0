//! What a kube-apiserver refuses with a 422, in its words and order.
//!
//! ```text
//! metadata -> custom kinds:   structural schema -> scale -> list keys -> rules in CEL (unless the schema forbids to go on)
//!          -> built-in kinds: the rules of the kind, one file per family
//! ```

mod container;
mod endpoint_slice;
mod event;
mod keyed_data;
mod metadata;
mod names;
mod node;
mod pod;
mod probe;
mod resources;
mod rules;
mod selector;
mod service;
mod structural;
mod volume;
mod workload;

use serde_json::Value;

pub(crate) use self::rules::Rules;
use crate::field_error::{Faults, FieldError};
use crate::{Reason, Resource};

/// What is told where the schema forbids to look at the rules.
const RULES_NOT_CHECKED: &str = "some validation rules were not checked because the object was invalid; \
                                 correct the existing errors to complete validation";

impl Resource {
    /// Everything that is wrong with a new object, or with a new state of `old`. Defaults have to be filled in before.
    #[must_use]
    pub fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut faults = Faults::default();
        match old {
            None => metadata::create(self, new, &mut faults),
            Some(old) => metadata::update(self, new, old, false, &mut faults),
        }
        if self.is_custom {
            self.validate_custom(new, old, &mut faults);
        } else {
            self.validate_built_in(new, old, &mut faults);
        }
        faults.0
    }

    /// Everything that is wrong with a new status.
    #[must_use]
    pub fn validate_status(&self, new: &Value, old: &Value) -> Vec<FieldError> {
        let mut faults = Faults::default();
        metadata::update(self, new, old, true, &mut faults);
        match self.kind.as_str() {
            _ if self.is_custom => {
                structural::validate_status(&self.schema, new, old, &mut faults);
                self.validate_beyond_schema(new, Some(old), &mut faults);
            }
            "Deployment" => workload::deployment_status(&new["status"], &mut faults),
            "ReplicaSet" => workload::replica_set_status(&new["status"], &mut faults),
            "Service" => service::status(new, &mut faults),
            _ => {}
        }
        faults.0
    }

    fn validate_custom(&self, new: &Value, old: Option<&Value>, faults: &mut Faults) {
        structural::validate(&self.schema, new, old, faults);
        if let Some(scale) = &self.subresources.scale {
            structural::validate_replicas(&scale.spec_replicas, new, faults);
        }
        self.validate_beyond_schema(new, old, faults);
    }

    fn validate_beyond_schema(&self, new: &Value, old: Option<&Value>, faults: &mut Faults) {
        if let Some(scale) = &self.subresources.scale {
            structural::validate_replicas(&scale.status_replicas, new, faults);
            let selector = scale.label_selector.as_ref();
            selector.into_iter().for_each(|path| structural::validate_selector(path, new, faults));
        }
        structural::validate_list_keys(&self.schema, new, old, faults);
        let blocks = |fault: &FieldError| {
            use Reason::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
            matches!(fault.reason, NotSupported | Required | TooLong | TooMany | TypeInvalid)
        };
        if faults.0.iter().any(blocks) {
            faults.invalid("<nil>", &Value::Null, RULES_NOT_CHECKED);
        } else {
            self.rules.validate(&self.schema, new, old, faults);
        }
    }

    fn validate_built_in(&self, new: &Value, old: Option<&Value>, faults: &mut Faults) {
        match (self.group.as_str(), self.kind.as_str()) {
            ("apps", "Deployment") => workload::deployment(new, old, faults),
            ("apps", "ReplicaSet") => workload::replica_set(new, old, faults),
            ("", "Pod") => pod::pod(new, old, faults),
            ("", "Service") => service::service(new, old, faults),
            ("", "Secret") => keyed_data::secret(new, old, faults),
            ("", "ConfigMap") => keyed_data::config_map(new, old, faults),
            ("", "Namespace") => node::namespace(new, faults),
            ("", "Node") => node::node(new, faults),
            ("", "Event") => event::core(new, faults),
            ("events.k8s.io", "Event") => event::events(new, faults),
            ("coordination.k8s.io", "Lease") => node::lease(new, faults),
            ("discovery.k8s.io", "EndpointSlice") => endpoint_slice::endpoint_slice(new, old, faults),
            _ => {}
        }
    }
}

/// The entries of a list with their places in it.
fn entries<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
    let path = path.to_owned();
    let list = value.as_array().into_iter().flatten().enumerate();
    list.map(move |(index, entry)| (format!("{path}[{index}]"), entry))
}

/// The text of a value; empty where there is none.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Refuses what is none of the supported values, unless there is no value.
fn one_of(path: String, value: &Value, supported: &[&str], faults: &mut Faults) {
    if !text(value).is_empty() && !supported.contains(&text(value)) {
        faults.not_supported(path, value, supported);
    }
}

/// Refuses a number below nothing.
fn not_negative(path: String, value: &Value, faults: &mut Faults) {
    if value.as_i64().is_some_and(|number| number < 0) {
        faults.invalid(path, value, "must be greater than or equal to 0");
    }
}

/// Refuses a change.
fn immutable(path: &str, new: &Value, old: &Value, faults: &mut Faults) {
    if new != old {
        faults.invalid(path, new, "field is immutable");
    }
}

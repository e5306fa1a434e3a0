//! The difference between two configurations, as a value: what the operator sends for an edit.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Config, Host, KeyPair, Service};

/// What has to change; `None` as a value removes the entry of that name. Applied as a whole: no request sees half of it.
///
/// | in `from` | in `to` | in the delta      |
/// |-----------|---------|-------------------|
/// | no        | yes     | `Some(to)`        |
/// | yes       | equal   | absent            |
/// | yes       | other   | `Some(to)`        |
/// | yes       | no      | `None`            |
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// The default certificate, if it changes; the inner `None` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_certificate: Option<Option<String>>,
    /// Certificates that change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub certificates: BTreeMap<String, Option<KeyPair>>,
    /// Services that change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Option<Service>>,
    /// Hosts that change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, Option<Host>>,
}

impl Delta {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { default_certificate, certificates, services, hosts } = self;
        default_certificate.is_none() && certificates.is_empty() && services.is_empty() && hosts.is_empty()
    }

    /// Lays `later` over this one, as if both had been applied in turn.
    pub fn merge(&mut self, later: Self) {
        let Self { default_certificate, certificates, services, hosts } = later;
        self.default_certificate = default_certificate.or(self.default_certificate.take());
        self.certificates.extend(certificates);
        self.services.extend(services);
        self.hosts.extend(hosts);
    }
}

impl Config {
    /// What turns `self` into `to`. The listening addresses are not part of it: they cannot change while the router runs.
    #[must_use]
    pub fn diff(&self, to: &Self) -> Delta {
        let default =
            (self.default_certificate != to.default_certificate).then(|| to.default_certificate.clone());
        Delta {
            default_certificate: default,
            certificates: diff(&self.certificates, &to.certificates),
            services: diff(&self.services, &to.services),
            hosts: diff(&self.hosts, &to.hosts),
        }
    }

    /// Applies a difference.
    pub fn apply(&mut self, delta: Delta) {
        let Delta { default_certificate, certificates, services, hosts } = delta;
        if let Some(name) = default_certificate {
            self.default_certificate = name;
        }
        apply(&mut self.certificates, certificates);
        apply(&mut self.services, services);
        apply(&mut self.hosts, hosts);
    }
}

fn diff<T: Clone + PartialEq>(
    from: &BTreeMap<String, T>,
    to: &BTreeMap<String, T>,
) -> BTreeMap<String, Option<T>> {
    let removed = from.keys().filter(|name| !to.contains_key(*name)).map(|name| (name.clone(), None));
    let changed = to.iter().filter(|(name, value)| from.get(*name) != Some(value));
    removed.chain(changed.map(|(name, value)| (name.clone(), Some(value.clone())))).collect()
}

fn apply<T>(entries: &mut BTreeMap<String, T>, changes: BTreeMap<String, Option<T>>) {
    for (name, change) in changes {
        match change {
            Some(value) => entries.insert(name, value),
            None => entries.remove(&name),
        };
    }
}

//! The difference between two configurations, as a value: what the operator sends for an edit.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Config, CookieKey, Host, KeyPair, Service, TcpRoute};

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
    /// The key of sticky sessions, if it changes; the inner `None` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie_key: Option<Option<CookieKey>>,
    /// The page of a 503, if it changes; the inner `None` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_page: Option<Option<String>>,
    /// Certificates that change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub certificates: BTreeMap<String, Option<KeyPair>>,
    /// Services that change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Option<Service>>,
    /// Hosts that change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, Option<Host>>,
    /// TCP routes that change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tcp: BTreeMap<u16, Option<TcpRoute>>,
}

impl Delta {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { default_certificate, cookie_key, unavailable_page, certificates, services, hosts, tcp } =
            self;
        let no_single = default_certificate.is_none() && cookie_key.is_none() && unavailable_page.is_none();
        no_single && certificates.is_empty() && services.is_empty() && hosts.is_empty() && tcp.is_empty()
    }

    /// Lays `later` over this one, as if both had been applied in turn.
    pub fn merge(&mut self, later: Self) {
        let Self { default_certificate, cookie_key, unavailable_page, certificates, services, hosts, tcp } =
            later;
        self.default_certificate = default_certificate.or(self.default_certificate.take());
        self.cookie_key = cookie_key.or(self.cookie_key.take());
        self.unavailable_page = unavailable_page.or(self.unavailable_page.take());
        self.certificates.extend(certificates);
        self.services.extend(services);
        self.hosts.extend(hosts);
        self.tcp.extend(tcp);
    }
}

impl Config {
    /// What turns `self` into `to`. The listening addresses are not part of it: they cannot change while the router runs.
    #[must_use]
    pub fn diff(&self, to: &Self) -> Delta {
        Delta {
            default_certificate: changed(&self.default_certificate, &to.default_certificate),
            cookie_key: changed(&self.cookie_key, &to.cookie_key),
            unavailable_page: changed(&self.unavailable_page, &to.unavailable_page),
            certificates: diff(&self.certificates, &to.certificates),
            services: diff(&self.services, &to.services),
            hosts: diff(&self.hosts, &to.hosts),
            tcp: diff(&self.tcp, &to.tcp),
        }
    }

    /// Applies a difference.
    pub fn apply(&mut self, delta: Delta) {
        let Delta { default_certificate, cookie_key, unavailable_page, certificates, services, hosts, tcp } =
            delta;
        if let Some(name) = default_certificate {
            self.default_certificate = name;
        }
        if let Some(key) = cookie_key {
            self.cookie_key = key;
        }
        if let Some(page) = unavailable_page {
            self.unavailable_page = page;
        }
        apply(&mut self.certificates, certificates);
        apply(&mut self.services, services);
        apply(&mut self.hosts, hosts);
        apply(&mut self.tcp, tcp);
    }
}

fn changed<T: Clone + PartialEq>(from: &Option<T>, to: &Option<T>) -> Option<Option<T>> {
    (from != to).then(|| to.clone())
}

fn diff<K: Clone + Ord, T: Clone + PartialEq>(
    from: &BTreeMap<K, T>,
    to: &BTreeMap<K, T>,
) -> BTreeMap<K, Option<T>> {
    let removed = from.keys().filter(|name| !to.contains_key(*name)).map(|name| (name.clone(), None));
    let changed = to.iter().filter(|(name, value)| from.get(*name) != Some(value));
    removed.chain(changed.map(|(name, value)| (name.clone(), Some(value.clone())))).collect()
}

fn apply<K: Ord, T>(entries: &mut BTreeMap<K, T>, changes: BTreeMap<K, Option<T>>) {
    for (name, change) in changes {
        match change {
            Some(value) => entries.insert(name, value),
            None => entries.remove(&name),
        };
    }
}

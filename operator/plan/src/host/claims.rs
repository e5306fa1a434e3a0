//! Who gets a host and its paths.
//!
//! | a Route                                              | comes to             |
//! |------------------------------------------------------|----------------------|
//! | that `Cluster.spec.hosts` does not allow             | `HostNotAllowed`     |
//! | of another namespace than the host's oldest Route    | `HostClaimed`        |
//! | for a path that an older Route has on the same port  | `HostClaimed`        |
//! | below `/` while no Route has `/` on the same port    | `RootRouteMissing`   |
//! | any other                                            | the path is its own  |
//!
//! Older is by creation, then namespace, then name. What is not allowed claims nothing.

use std::collections::BTreeMap;

use crds::{HostRule, HttpRoute, Reason, Route};

use super::{HostInputs, normal_path, refuse, table_key};
use crate::{HostName, ObjectKey, Refusal};

/// What a Route's claim came to.
#[derive(Debug)]
pub(super) enum Claim {
    /// The path is this Route's.
    Won(String),
    /// It is not.
    Lost(Refusal),
}

/// The claims on one host.
#[derive(Debug)]
pub(super) struct Claims {
    claims: BTreeMap<ObjectKey, Claim>,
    roots: BTreeMap<Option<u16>, ObjectKey>,
}

impl Claims {
    /// Decides every claim.
    pub(super) fn settle(inputs: &HostInputs<'_>) -> Self {
        let (allowed, refused): (Vec<_>, Vec<_>) =
            inputs.routes.iter().partition(|(key, _)| is_allowed(inputs, &key.namespace));
        let mut claims: BTreeMap<ObjectKey, Claim> = refused
            .into_iter()
            .map(|(key, _)| (key.clone(), Claim::Lost(not_allowed(inputs.host, &key.namespace))))
            .collect();
        let oldest_first = by_age(allowed);
        claims.extend(settled(inputs.host, &oldest_first));
        let won_root = |key: &ObjectKey| matches!(claims.get(key), Some(Claim::Won(path)) if path == "/");
        let roots = oldest_first.iter().filter(|(key, _)| won_root(key));
        let roots = roots.map(|(key, http)| (http.port, (*key).clone())).collect();
        Self { claims, roots }
    }

    /// The Route that has `/` on a port.
    pub(super) fn root(&self, port: Option<u16>) -> Option<&ObjectKey> {
        self.roots.get(&port)
    }

    /// Every claim, in the order of the keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Claim)> {
        self.claims.iter()
    }
}

type Aged<'a> = (&'a ObjectKey, &'a HttpRoute);

fn by_age<'a>(routes: Vec<(&'a ObjectKey, &&'a Route)>) -> Vec<Aged<'a>> {
    let mut routes = routes;
    routes.sort_by_key(|(key, route)| (route.metadata.creation_timestamp.clone(), *key));
    routes.into_iter().filter_map(|(key, route)| Some((key, route.spec.http.as_ref()?))).collect()
}

/// Decides among the Routes that may claim the host, the oldest first.
fn settled(host: &HostName, oldest_first: &[Aged<'_>]) -> Vec<(ObjectKey, Claim)> {
    let Some((owner, _)) = oldest_first.first() else { return Vec::new() };
    let mut paths: BTreeMap<(Option<u16>, String), &ObjectKey> = BTreeMap::new();
    let mut claims = Vec::new();
    for (key, http) in oldest_first {
        let path = normal_path(&http.path);
        let place = (http.port, path.clone());
        let claim = if key.namespace != owner.namespace {
            Claim::Lost(host_claimed(host, owner))
        } else if let Some(winner) = paths.get(&place) {
            Claim::Lost(path_claimed(&table_key(host, http.port), &path, winner))
        } else {
            paths.insert(place, key);
            Claim::Won(path)
        };
        claims.push((http.port, (*key).clone(), claim));
    }
    let rooted = |port: Option<u16>| paths.contains_key(&(port, "/".to_owned()));
    let heard = claims.into_iter().map(|(port, key, claim)| match claim {
        Claim::Won(_) if !rooted(port) => (key, Claim::Lost(root_missing(&table_key(host, port)))),
        claim => (key, claim),
    });
    heard.collect()
}

fn is_allowed(inputs: &HostInputs<'_>, namespace: &str) -> bool {
    let rules = inputs.cluster.map_or(&[][..], |cluster| &cluster.hosts);
    rules.is_empty()
        || rules.iter().any(|rule| matches(rule, inputs.host) && selects(inputs, rule, namespace))
}

fn matches(rule: &HostRule, host: &HostName) -> bool {
    match rule.pattern.strip_prefix('*') {
        Some("") => true,
        Some(dot_domain) => host.as_str().ends_with(dot_domain),
        None => host.as_str() == rule.pattern,
    }
}

fn selects(inputs: &HostInputs<'_>, rule: &HostRule, namespace: &str) -> bool {
    let labels = inputs.namespace_labels.get(namespace);
    let has =
        |(name, value): (&String, &String)| labels.is_some_and(|labels| labels.get(name) == Some(value));
    rule.namespace_selector.match_labels.iter().all(has)
}

fn not_allowed(host: &HostName, namespace: &str) -> Refusal {
    let message = format!(
        "the Cluster does not let the namespace {namespace} claim {host}: use another host, or have an entry for it added to the Cluster's spec.hosts"
    );
    refuse(Reason::HostNotAllowed, message)
}

fn host_claimed(host: &HostName, owner: &ObjectKey) -> Refusal {
    let message = format!(
        "{host} belongs to the namespace {}, whose Route {} was first: use another host, or move this Route there",
        owner.namespace, owner.name
    );
    refuse(Reason::HostClaimed, message)
}

fn path_claimed(host: &str, path: &str, winner: &ObjectKey) -> Refusal {
    let message = format!(
        "the Route {winner} was first and serves {host}{path}: use another path, or delete one of the two"
    );
    refuse(Reason::HostClaimed, message)
}

fn root_missing(host: &str) -> Refusal {
    let message = format!("no Route serves / on {host}: create one, and this one follows");
    refuse(Reason::RootRouteMissing, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str) -> HostRule {
        HostRule { pattern: pattern.into(), ..HostRule::default() }
    }

    #[test]
    fn a_wildcard_rule_covers_every_name_below_its_domain_but_not_the_domain() {
        assert!(matches(&rule("*.site.com"), &HostName::new("a.b.site.com")));
        assert!(matches(&rule("*.site.com"), &HostName::new("*.site.com")));
        assert!(!matches(&rule("*.site.com"), &HostName::new("site.com")));
        assert!(!matches(&rule("*.site.com"), &HostName::new("mysite.com")));
    }

    #[test]
    fn an_exact_rule_covers_that_host_only_and_a_star_every_host() {
        assert!(matches(&rule("site.com"), &HostName::new("site.com")));
        assert!(!matches(&rule("site.com"), &HostName::new("www.site.com")));
        assert!(matches(&rule("*"), &HostName::new("anything.example")));
    }
}

//! The Routes that an App gets by itself: one for `<app>.<default domain>`, and, after the default domain has moved, those
//! that its Routes under the old domain need under the new one.
//!
//! In come the App, the Cluster's domains and the Routes around the App; out go wishes for the ones to make or mend. A
//! generated Route stays as long as its domain is listed: people set options on it, and these are theirs. A Route that a
//! person made is read, never written. Read next: `app/routes/mirror.rs`.

mod mirror;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use crds::{App, ClusterSpec, Domain, HttpRoute, Route, RouteSpec, names};
use kube::ResourceExt as _;

use super::{AppInputs, has_routes, is_live, object};
use crate::host::normal_path;
use crate::{HostName, Kind, ObjectKey, Wish};

/// What a label's value may have at most.
const LABEL_LIMIT: usize = 63;

/// The name of the App's default Route under a domain, which is also its host.
pub(super) fn default_key(app: &App, domain: &str) -> ObjectKey {
    let ObjectKey { namespace, name } = ObjectKey::of(app);
    ObjectKey::new(namespace, format!("{name}.{domain}"))
}

/// The default Routes that the App has or is about to get.
pub(super) fn defaults(
    inputs: &AppInputs<'_>,
    desired: &BTreeMap<(Kind, ObjectKey), Wish>,
) -> Vec<ObjectKey> {
    let domains = inputs.cluster.into_iter().filter(|_| has_routes(inputs.app));
    let having = domains.flat_map(|cluster| &cluster.domains).filter(|domain| {
        let key = default_key(inputs.app, &domain.name);
        let is_free = inputs.routes.get(&key).is_none_or(|route| object::is_ours(inputs.app, *route));
        let is_made = is_free && desired.contains_key(&(Kind::Route, key));
        is_made || own_default(inputs, domain).is_some()
    });
    having.map(|domain| default_key(inputs.app, &domain.name)).collect()
}

/// The default Route that the App was given under a domain. The label tells it from a mirror, should that be called so.
fn own_default<'a>(inputs: &AppInputs<'a>, domain: &Domain) -> Option<&'a Route> {
    let route = object::own(inputs.app, &inputs.routes, &default_key(inputs.app, &domain.name))?;
    let is_labelled = route.labels().get(names::DOMAIN) == Some(&domain_label(&domain.name));
    is_labelled.then_some(route)
}

/// Whether a generated Route has to go: the App wants none, or the Route's domain is not listed any more.
pub(super) fn is_stale(inputs: &AppInputs<'_>, route: &Route) -> bool {
    let Some(label) = route.labels().get(names::DOMAIN) else {
        return false;
    };
    match inputs.cluster {
        _ if !has_routes(inputs.app) => true,
        // Without a Cluster nothing says which domains there are; it may be on its way back.
        None => false,
        Some(cluster) => !cluster.domains.iter().any(|domain| domain_label(&domain.name) == *label),
    }
}

/// The Routes to make or mend: the default one, and mirrors of what the App has under earlier default domains, unless the App
/// has a Route for the same host and path already.
pub(super) fn wishes(inputs: &AppInputs<'_>) -> Vec<Wish> {
    let Some(cluster) = inputs.cluster.filter(|_| has_routes(inputs.app) && is_live(inputs.app)) else {
        return Vec::new();
    };
    let Some(domain) = cluster.default_domain() else {
        return Vec::new();
    };
    let before = earlier_defaults(inputs, cluster, domain);
    let default = default_route(inputs, domain, before.first());
    let mirrors = mirror::routes(inputs, cluster, &before, domain);

    let names: BTreeSet<_> = std::iter::once(&default).chain(&mirrors).map(ObjectKey::of).collect();
    let others = inputs.routes.iter().filter(|(key, route)| {
        let is_ours = object::is_ours(inputs.app, **route);
        !(is_ours && (names.contains(*key) || is_stale(inputs, route)))
    });
    let mut claimed: BTreeSet<_> = others.filter_map(|(_, route)| address(route)).collect();
    claimed.extend(address(&default));
    let mirrors =
        mirrors.into_iter().filter(|mirror| address(mirror).is_some_and(|address| claimed.insert(address)));
    std::iter::once(default).chain(mirrors).map(|route| Wish::Route(Box::new(route))).collect()
}

/// A domain that was the default once, and the proof of it: the App's default Route there.
struct Earlier<'a> {
    domain: &'a Domain,
    route: &'a Route,
}

/// The latest first: what was the default last is what people use now.
fn earlier_defaults<'a>(inputs: &AppInputs<'a>, cluster: &'a ClusterSpec, now: &Domain) -> Vec<Earlier<'a>> {
    let others = cluster.domains.iter().filter(|domain| domain.name != now.name);
    let earlier = others.filter_map(|domain| Some(Earlier { domain, route: own_default(inputs, domain)? }));
    let mut earlier: Vec<_> = earlier.collect();
    earlier.sort_by_key(|earlier| Reverse(earlier.route.creation_timestamp()));
    earlier
}

fn default_route(inputs: &AppInputs<'_>, domain: &Domain, before: Option<&Earlier<'_>>) -> Route {
    let key = default_key(inputs.app, &domain.name);
    let moved = before.and_then(|earlier| certificate_for(inputs.app, earlier.route, earlier.domain));
    let http = HttpRoute { host: key.name.clone(), certificate: moved, ..HttpRoute::default() };
    let spec = RouteSpec { http: Some(http), app: Some(inputs.app.name_any()), ..RouteSpec::default() };
    generated(inputs, key, domain, spec)
}

/// The certificate that a Route keeps when it moves: its own, unless that is the old domain's, which the new domain's
/// certificate replaces.
fn certificate_for(app: &App, route: &Route, from: &Domain) -> Option<String> {
    let namespace = app.namespace().unwrap_or_default();
    let own = route.spec.http.as_ref()?.certificate.clone()?;
    let is_domains = from
        .certificate
        .as_ref()
        .is_some_and(|domains| domains.namespace == namespace && domains.name == own);
    (!is_domains).then_some(own)
}

/// A Route of ours. The options are what the first one of that name is given; after that they are the user's.
fn generated(inputs: &AppInputs<'_>, key: ObjectKey, domain: &Domain, mut spec: RouteSpec) -> Route {
    let app = inputs.app;
    if let Some(route) = object::own(app, &inputs.routes, &key)
        && let (Some(wanted), Some(theirs)) = (&mut spec.http, &route.spec.http)
    {
        let HttpRoute { host, path, port, .. } = wanted.clone();
        *wanted = HttpRoute { host, path, port, ..theirs.clone() };
    }
    let labels = [(names::APP, app.name_any()), (names::DOMAIN, domain_label(&domain.name))];
    let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Route { metadata: object::metadata(app, key, labels), spec, status: None }
}

/// Whether another App made the Route. Any user can set the label, but only on a Route of their own namespace.
fn is_another_apps(inputs: &AppInputs<'_>, route: &Route) -> bool {
    route.labels().contains_key(names::DOMAIN) && !object::is_ours(inputs.app, route)
}

/// Where a Route for HTTP answers.
type Address = (HostName, Option<u16>, String);

fn address(route: &Route) -> Option<Address> {
    let http = route.spec.http.as_ref()?;
    Some((HostName::new(&http.host), http.port, normal_path(&http.path)))
}

/// A domain as a label's value; one that is too long for that by its hash.
fn domain_label(domain: &str) -> String {
    if domain.len() <= LABEL_LIMIT {
        return domain.to_owned();
    }
    let hash = digest(&SHA256, domain.as_bytes());
    hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The Routes under the new default domain that an App's Routes under earlier ones need there: same path, same options.
//!
//! In come the earlier default domains and the Routes around the App; out come the Routes that mirror them, each name once.
//! Whether there is a Route for such a host and path already is for the caller to see. Each Route has one App that mirrors it:
//!
//! | the Route is on               | and leads to       | mirrored by                      |
//! |-------------------------------|--------------------|----------------------------------|
//! | the default host of an App    | anything           | that App, whose paths these are  |
//! | any other host                | an App             | the App that it leads to         |
//! | any other host                | anything else      | nobody: its host was chosen      |

use std::collections::BTreeSet;

use crds::{App, ClusterSpec, Domain, HttpRoute, Route, RouteSpec};
use kube::ResourceExt as _;

use super::{Earlier, certificate_for, generated, is_another_apps, is_stale, object};
use crate::app::AppInputs;
use crate::cluster::domain_of;
use crate::{HostName, ObjectKey};

/// The App's other Routes under earlier default domains, moved to the new one. A mirror is moved on like the others, for the
/// Route that it mirrors may be gone; while that is there, it decides.
pub(super) fn routes(
    inputs: &AppInputs<'_>,
    cluster: &ClusterSpec,
    before: &[Earlier<'_>],
    to: &Domain,
) -> Vec<Route> {
    let routes = before.iter().flat_map(|from| {
        let others = inputs.routes.values().filter(|route| is_to_be_mirrored(inputs, from, route));
        others.map(move |route| (from, route))
    });
    let (mirrored, made): (Vec<_>, Vec<_>) =
        routes.partition(|(_, route)| object::is_ours(inputs.app, **route));
    let mut names = BTreeSet::new();
    let mirrors = made
        .into_iter()
        .chain(mirrored)
        .filter_map(|(from, route)| mirror(inputs, cluster, route, from.domain, to));
    mirrors.filter(|mirror| names.insert(ObjectKey::of(mirror))).collect()
}

fn is_to_be_mirrored(inputs: &AppInputs<'_>, from: &Earlier<'_>, route: &Route) -> bool {
    let is_default = ObjectKey::of(route) == ObjectKey::of(from.route);
    if is_default
        || is_another_apps(inputs, route)
        || object::is_ours(inputs.app, route) && is_stale(inputs, route)
    {
        return false;
    }
    // A default Route is named by its host.
    let Some(http) = &route.spec.http else { return false };
    let host = ObjectKey::new(ObjectKey::of(route).namespace, &http.host);
    let leads_here = route.spec.app == inputs.app.metadata.name;
    match inputs.routes.get(&host) {
        Some(default) if is_another_apps(inputs, default) => false,
        _ => leads_here || host == ObjectKey::of(from.route),
    }
}

fn mirror(
    inputs: &AppInputs<'_>,
    cluster: &ClusterSpec,
    route: &Route,
    from: &Domain,
    to: &Domain,
) -> Option<Route> {
    let declared = route.spec.http.as_ref()?;
    let host = HostName::new(&declared.host);
    if domain_of(&cluster.domains, &host)?.name != from.name {
        return None;
    }
    let http = HttpRoute {
        host: format!("{}{}", host.prefix_under(&from.name)?, to.name),
        certificate: certificate_for(inputs.app, route, from),
        ..declared.clone()
    };
    let spec = RouteSpec { http: Some(http), ..route.spec.clone() };
    Some(generated(inputs, key(inputs.app, route, from, to), to, spec))
}

/// `<route>.<app>.<domain>`: no App's default Route is called so, for the name of an App has no dot.
fn key(app: &App, route: &Route, from: &Domain, to: &Domain) -> ObjectKey {
    let name = route.name_any();
    let suffix = format!(".{}.{}", app.name_any(), from.name);
    let base = match object::is_ours(app, route) {
        true => name.strip_suffix(&suffix).unwrap_or(&name),
        false => &name,
    };
    ObjectKey::new(ObjectKey::of(app).namespace, format!("{base}.{}.{}", app.name_any(), to.name))
}

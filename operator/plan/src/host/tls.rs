//! The certificate of a host: its own, else that of the Cluster's domain it lies under, else the default.

use crds::{HttpRoute, Reason};

use super::{HostInputs, refuse};
use crate::certificate::covers;
use crate::cluster::domain_of;
use crate::{CertificatePlan, HostName, ObjectKey, Verdict};

/// The name, in the router's configuration, of the certificate for this host; none means the default certificate. Of the one that
/// the Route for `/` names and the domain's, the first that covers the host; failing that, the first that can be served at all.
/// Routes for other paths have no say, as in Flynn.
pub(super) fn certificate(inputs: &HostInputs<'_>, root: Option<(&ObjectKey, &HttpRoute)>) -> Option<String> {
    let own = root.and_then(|(key, http)| named(key, http));
    let domain = inputs.cluster.and_then(|cluster| domain_of(&cluster.domains, inputs.host));
    let domains = domain.and_then(|domain| domain.certificate.as_ref());
    let domains = domains.map(|reference| ObjectKey::new(&reference.namespace, &reference.name));
    let served = |key: &ObjectKey| inputs.certificates.get(key).filter(|plan| plan.pair.is_some());
    let candidates: Vec<ObjectKey> =
        own.into_iter().chain(domains).filter(|key| served(key).is_some()).collect();
    let covers = |key: &&ObjectKey| served(key).is_some_and(|plan| is_covered(plan, inputs.host));
    candidates.iter().find(covers).or(candidates.first()).map(ToString::to_string)
}

/// Whether the certificate that a Route names can be used for its host.
pub(super) fn verdict(inputs: &HostInputs<'_>, key: &ObjectKey, http: &HttpRoute) -> Verdict {
    let Some(named) = named(key, http) else { return Ok(()) };
    let Some(plan) = inputs.certificates.get(&named) else {
        let message = format!(
            "the Certificate {} does not exist in namespace {}: create it, or leave it out for the domain's",
            named.name, named.namespace
        );
        return Err(refuse(Reason::CertificateNotFound, message));
    };
    let Some(served) = &plan.served else {
        let message = format!(
            "the Certificate {} has nothing to serve yet: look at `kubectl -n {} describe fcert {}`",
            named.name, named.namespace, named.name
        );
        return Err(refuse(Reason::CertificateNotReady, message));
    };
    if is_covered(plan, inputs.host) {
        return Ok(());
    }
    let message = format!(
        "the Certificate {} covers {} but not {}: name another, or upload one that covers it",
        named.name,
        if served.dns_names.is_empty() { "no name".to_owned() } else { served.dns_names.join(", ") },
        inputs.host
    );
    Err(refuse(Reason::CertificateDoesNotCoverHost, message))
}

fn named(key: &ObjectKey, http: &HttpRoute) -> Option<ObjectKey> {
    http.certificate.as_ref().map(|name| ObjectKey::new(&key.namespace, name))
}

/// Whether clients accept the certificate for this host. For `*`, which stands for every host, any will do.
fn is_covered(plan: &CertificatePlan, host: &HostName) -> bool {
    let names = plan.served.as_ref().map_or(&[][..], |served| &served.dns_names);
    host.as_str() == "*" || covers(names, host)
}

//! One function per kind: its findings, in the order in which a person would ask.

use crds::{
    App, AppStatus, Certificate, CertificateStatus, Cluster, ClusterStatus, ConditionType, NodeAddressStatus,
    Reason, Route, RouteStatus, TcpRouteStatus,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Conditions, Finding, after, plain};
use crate::aws::Report;
use crate::programmed::Programmed;
use crate::{AppPlan, CertificatePlan, Refusal, RouteVerdict, Transition, Verdict};

/// The status of a Route. `port` is the TCP port that is its own, `reachable` whether the nodes' firewall lets its clients through, if there is one.
pub(crate) fn route(
    route: &Route,
    verdict: &RouteVerdict,
    programmed: Programmed,
    port: Option<u16>,
    reachable: Option<Verdict>,
    now: Timestamp,
) -> (RouteStatus, Vec<Transition>) {
    let generation = route.metadata.generation.unwrap_or_default();
    let observed = route.status.as_ref().map_or(&[][..], |status| &status.conditions);
    let (conditions, transitions) = Conditions::new(observed, generation, now)
        .with(ConditionType::Accepted, plain(&verdict.accepted))
        .with(ConditionType::ResolvedRefs, plain(&verdict.resolved))
        .with(ConditionType::Programmed, after(&[&verdict.accepted], programmed))
        .with_asked(ConditionType::Reachable, &reachable.as_ref().map(plain))
        .finish();
    let target = Some(verdict.target.clone());
    let tcp = port.map(|port| TcpRouteStatus { port });
    (RouteStatus { observed_generation: generation, conditions, target, tcp }, transitions)
}

/// The status of a Certificate. `failed` quotes the last write of its copy, if that went wrong.
pub(crate) fn certificate(
    certificate: &Certificate,
    plan: &CertificatePlan,
    failed: Option<&Refusal>,
    programmed: Programmed,
    served_secret: Option<String>,
    now: Timestamp,
) -> (CertificateStatus, Vec<Transition>) {
    let generation = certificate.metadata.generation.unwrap_or_default();
    let observed = certificate.status.as_ref().map_or(&[][..], |status| &status.conditions);
    let accepted: Verdict = failed.cloned().map_or(Ok(()), Err);
    let programmed = match &plan.served {
        Some(_) => programmed,
        None => {
            after(&[&plan.issued], Err(Refusal::new(Reason::Pending, "the nodes have no copy of it yet")))
        }
    };
    let (conditions, transitions) = Conditions::new(observed, generation, now)
        .with(ConditionType::Accepted, plain(&accepted))
        .with(ConditionType::Issued, plain(&plan.issued))
        .with(ConditionType::Programmed, programmed)
        .finish();
    let mut status =
        CertificateStatus { observed_generation: generation, conditions, ..CertificateStatus::default() };
    if let Some(facts) = &plan.served {
        status.dns_names = facts.dns_names.iter().take(MAX_NAMES).cloned().collect();
        status.not_before = Some(Time(facts.not_before));
        status.not_after = Some(Time(facts.not_after));
        status.fingerprint = facts.fingerprint.clone();
        status.tls_pin = facts.tls_pin.clone();
        status.served_secret = served_secret;
    }
    (status, transitions)
}

/// The status of an App. `url` is where it is served, `routed` what its default Routes came to.
pub(crate) fn app(
    app: &App,
    plan: &AppPlan,
    url: Option<String>,
    routed: &Verdict,
    now: Timestamp,
) -> (AppStatus, Vec<Transition>) {
    let generation = app.metadata.generation.unwrap_or_default();
    let observed = app.status.as_ref().map_or(&[][..], |status| &status.conditions);
    let (conditions, transitions) = Conditions::new(observed, generation, now)
        .with(ConditionType::Accepted, plain(&plan.accepted))
        .with_asked(ConditionType::ResolvedRefs, &plan.resolved.as_ref().map(plain))
        .with(ConditionType::Available, plain(&plan.available))
        .with(ConditionType::Routed, after(&[&plan.accepted], plain(routed)))
        .finish();
    let status = AppStatus {
        observed_generation: generation,
        conditions,
        url,
        replicas: plan.replicas,
        selector: plan.selector.clone(),
    };
    (status, transitions)
}

/// What is found about a Cluster.
pub(crate) struct ClusterFindings {
    /// Whether it is the active one.
    pub(crate) accepted: Verdict,
    /// Whether its domains' certificates can be used.
    pub(crate) resolved: Verdict,
    /// Whether the nodes serve.
    pub(crate) nodes: Finding,
    /// How many nodes serve, of how many.
    pub(crate) count: String,
    /// What is known of AWS; nothing if the Cluster does not ask for it.
    pub(crate) cloud: Option<Report>,
    /// What clients have to trust beside the authorities that they know.
    pub(crate) ca_bundle: Option<String>,
}

/// The status of a Cluster.
pub(crate) fn cluster(
    cluster: &Cluster,
    findings: ClusterFindings,
    now: Timestamp,
) -> (ClusterStatus, Vec<Transition>) {
    let generation = cluster.metadata.generation.unwrap_or_default();
    let observed: &[Condition] = cluster.status.as_ref().map_or(&[], |status| &status.conditions);
    let ClusterFindings { accepted, resolved, nodes, count, cloud, ca_bundle } = findings;
    let active = accepted.is_ok();
    let cloud = cloud.unwrap_or_default();
    let (conditions, transitions) = Conditions::new(observed, generation, now)
        .with(ConditionType::Accepted, plain(&accepted))
        .with(ConditionType::ResolvedRefs, after(&[&accepted], plain(&resolved)))
        .with(ConditionType::NodesReady, after(&[&accepted], nodes))
        .with_asked(ConditionType::AddressesAssociated, &cloud.associated)
        .with_asked(ConditionType::SecurityGroupsReady, &cloud.secured)
        .with_asked(ConditionType::RecordsPublished, &cloud.published)
        .finish();
    let domain = cluster.spec.default_domain().filter(|_| active).map(|domain| domain.name.clone());
    let status = ClusterStatus {
        observed_generation: generation,
        conditions,
        default_domain: domain,
        nodes: active.then_some(count),
        ca_bundle: ca_bundle.filter(|_| active),
        addresses_published: addresses_published(&cloud),
        addresses: cloud.addresses,
        records: cloud.records,
        planned_calls: cloud.planned_calls,
    };
    (status, transitions)
}

/// How many nodes are in DNS, of how many; nothing if no records are asked for.
fn addresses_published(cloud: &Report) -> Option<String> {
    let is_in_dns = |node: &&NodeAddressStatus| matches!(node.dns.as_deref(), Some("Published" | "Held"));
    let count = cloud.addresses.iter().filter(is_in_dns).count();
    cloud.published.as_ref().map(|_| format!("{count}/{}", cloud.addresses.len()))
}

/// How many names of a certificate a status lists.
const MAX_NAMES: usize = 100;

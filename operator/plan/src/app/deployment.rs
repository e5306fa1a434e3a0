//! The Deployment of a process.
//!
//! In come the App, its image and the process; out goes a Deployment with every field that we decide and no other, so that
//! others may decide the rest. A rollout starts a new Pod before it ends an old one, and an old one stays until the
//! routers have seen it go.

use std::collections::BTreeMap;

use crds::{App, EnvSource, Process, ResourceAmounts, Resources, WEB, names};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, EnvVar, HTTPGetAction, Lifecycle,
    LifecycleHandler, PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretEnvSource,
    SecurityContext, SleepAction,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;
use kube::core::ObjectMeta;

use super::blobstore::Attachment;
use super::{AppInputs, object, process_key};
use crate::{Platform, Wish, subset};

/// The name of a process's port, in its container and in its Service.
pub(super) const HTTP: &str = "http";

/// The port of `web` where none is declared.
const DEFAULT_PORT: u16 = 8080;

/// How long a process that is told to end goes on serving, so that every router stops sending to it before. One router, which reads
/// of it from the same process, needs no more than a moment.
const fn drain_seconds(platform: Platform) -> i64 {
    match platform {
        Platform::Kubernetes => 5,
        Platform::Standalone => 1,
    }
}

/// How long a process may take to end, draining included, before it is killed.
const GRACE_SECONDS: i64 = 30;

/// The Deployment of a process.
pub(super) fn wish(
    inputs: &AppInputs<'_>,
    image: &str,
    name: &str,
    process: &Process,
    attachment: Attachment,
) -> Wish {
    let app = inputs.app;
    let selector = object::selector_labels(app, name);
    let Attachment { labels, annotations, variables } = attachment;
    let container = container(inputs, image, name, process, variables);
    let deployment = Deployment {
        metadata: object::metadata(app, process_key(app, name), selector.clone()),
        spec: Some(DeploymentSpec {
            replicas: Some(process.replicas),
            revision_history_limit: Some(10),
            selector: LabelSelector { match_labels: Some(selector.clone()), ..LabelSelector::default() },
            strategy: Some(one_more_then_one_less()),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(pod_labels(selector, labels)),
                    annotations: (!annotations.is_empty()).then_some(annotations),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod(container)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    };
    Wish::Deployment(Box::new(subset::stamp(deployment)))
}

/// The port of a process, if it has one.
pub(super) fn port(name: &str, process: &Process) -> Option<u16> {
    process.port.or((name == WEB).then_some(DEFAULT_PORT))
}

fn one_more_then_one_less() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".into()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

fn pod_labels(
    mut labels: BTreeMap<String, String>,
    more: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    labels.insert(names::MANAGED_BY.into(), names::OPERATOR.into());
    labels.extend(more);
    labels
}

fn pod(container: Container) -> PodSpec {
    PodSpec {
        automount_service_account_token: Some(false),
        containers: vec![container],
        // The variables that Kubernetes makes up for every Service would be set over nobody's wish.
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        ..PodSpec::default()
    }
}

fn container(
    inputs: &AppInputs<'_>,
    image: &str,
    name: &str,
    process: &Process,
    variables: Vec<EnvVar>,
) -> Container {
    let app = inputs.app;
    let port = port(name, process);
    let sources: Vec<_> = app.spec.env_from.iter().map(env_source).collect();
    Container {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        command: (!process.command.is_empty()).then(|| process.command.clone()),
        working_dir: process.working_dir.clone(),
        env: Some(env(app, name, port, variables)),
        env_from: (!sources.is_empty()).then_some(sources),
        ports: port.map(|port| vec![container_port(port)]),
        readiness_probe: port.and(process.health_check.as_ref()).map(|check| readiness(&check.path)),
        resources: process.resources.as_ref().map(resources),
        security_context: Some(security()),
        lifecycle: port.map(|_| drain(drain_seconds(inputs.platform))),
        ..Container::default()
    }
}

/// The App's own variables win over ours, and over those of its Blobstore.
fn env(app: &App, process: &str, port: Option<u16>, of_blobstore: Vec<EnvVar>) -> Vec<EnvVar> {
    let ours = [
        ("FLYNN_APP_NAME", Some(app.name_any())),
        ("FLYNN_PROCESS_TYPE", Some(process.to_owned())),
        ("PORT", port.map(|port| port.to_string())),
    ];
    let ours = ours.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let own = app.spec.env.iter().map(|(name, value)| (name.clone(), literal(value)));
    let of_value = |(name, value)| EnvVar { name, value: Some(value), value_from: None };
    let variables = ours.map(of_value).chain(of_blobstore).chain(own.map(of_value));
    let by_name: BTreeMap<_, _> = variables.map(|variable| (variable.name.clone(), variable)).collect();
    by_name.into_values().collect()
}

/// Kubernetes takes `$(NAME)` in a value for another variable and `$$` for `$`; an App's values mean what they say.
fn literal(value: &str) -> String {
    if value.contains("$(") || value.contains("$$") { value.replace('$', "$$") } else { value.to_owned() }
}

fn env_source(source: &EnvSource) -> EnvFromSource {
    let secret = source.secret.clone().map(|name| SecretEnvSource { name, optional: None });
    let config_map = source.config_map.clone().map(|name| ConfigMapEnvSource { name, optional: None });
    EnvFromSource { secret_ref: secret, config_map_ref: config_map, prefix: None }
}

fn container_port(port: u16) -> ContainerPort {
    ContainerPort {
        name: Some(HTTP.into()),
        container_port: port.into(),
        protocol: Some("TCP".into()),
        ..ContainerPort::default()
    }
}

fn readiness(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(HTTP.into()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(3),
        timeout_seconds: Some(3),
        failure_threshold: Some(3),
        ..Probe::default()
    }
}

fn resources(resources: &Resources) -> ResourceRequirements {
    ResourceRequirements {
        limits: resources.limits.as_ref().map(amounts),
        requests: resources.requests.as_ref().map(amounts),
        claims: None,
    }
}

fn amounts(amounts: &ResourceAmounts) -> BTreeMap<String, Quantity> {
    let named = [("cpu", &amounts.cpu), ("memory", &amounts.memory)];
    named.into_iter().filter_map(|(name, amount)| Some((name.to_owned(), amount.clone()?))).collect()
}

fn security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
        ..SecurityContext::default()
    }
}

/// The kubelet does it, so that the image needs no `sleep` of its own.
fn drain(seconds: i64) -> Lifecycle {
    let sleep = SleepAction { seconds };
    Lifecycle {
        pre_stop: Some(LifecycleHandler { sleep: Some(sleep), ..LifecycleHandler::default() }),
        ..Lifecycle::default()
    }
}

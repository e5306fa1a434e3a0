//! One test for each rule of the Deployments and Services.

use crds::{EnvSource, HealthCheck, ResourceAmounts, Resources};
use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;

use super::*;

fn pod(namespace: &Namespace, deployment: &str) -> PodSpec {
    let deployment = &namespace.deployments[&key(deployment)];
    deployment.spec.clone().unwrap().template.spec.unwrap()
}

fn container(namespace: &Namespace, deployment: &str) -> Container {
    pod(namespace, deployment).containers.remove(0)
}

fn env(namespace: &Namespace, deployment: &str) -> Vec<(String, String)> {
    let env = container(namespace, deployment).env.unwrap();
    env.into_iter().map(|EnvVar { name, value, .. }| (name, value.unwrap())).collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn every_process_becomes_a_deployment_and_one_with_a_port_a_service() {
    let mut shop = www();
    shop.process("worker").command = vec!["work".into()];
    let changes = shop.settle();
    assert_eq!(
        written(&changes.create),
        ["Route www.site.com", "Service www-web", "Deployment www-web", "Deployment www-worker"]
    );
}

#[test]
fn an_app_of_a_name_and_an_image_listens_on_8080_behind_port_80() {
    let shop = www().settled();
    let port = container(&shop, "www-web").ports.unwrap().remove(0);
    assert_eq!((port.name.as_deref(), port.container_port), (Some("http"), 8080));
    let service = shop.services[&key("www-web")].spec.clone().unwrap();
    let port = service.ports.unwrap().remove(0);
    assert_eq!((port.name.as_deref(), port.port), (Some("http"), 80));
    assert_eq!(port.target_port, Some(IntOrString::String("http".into())));
    assert_eq!(service.type_.as_deref(), Some("ClusterIP"));
}

#[test]
fn pods_are_selected_by_app_and_process_and_nothing_else() {
    let shop = www().settled();
    let labels = pairs([("flynn.io/app", "www"), ("flynn.io/process", "web")]);
    let spec = shop.deployments[&key("www-web")].spec.clone().unwrap();
    assert_eq!(spec.selector.match_labels.unwrap().into_iter().collect::<Vec<_>>(), labels);
    let service = shop.services[&key("www-web")].spec.clone().unwrap();
    assert_eq!(service.selector.unwrap().into_iter().collect::<Vec<_>>(), labels);
    let pod_labels = spec.template.metadata.unwrap().labels.unwrap();
    assert!(labels.iter().all(|(name, value)| pod_labels[name] == *value));
}

#[test]
fn what_is_made_is_labelled_and_owned_by_the_app() {
    let shop = www().settled();
    let owner = OwnerReference {
        api_version: "flynn.io/v1alpha1".into(),
        kind: "App".into(),
        name: "www".into(),
        uid: "a-uid".into(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let metadata = [
        &shop.deployments[&key("www-web")].metadata,
        &shop.services[&key("www-web")].metadata,
        &shop.routes[&key("www.site.com")].metadata,
    ];
    for metadata in metadata {
        assert_eq!(metadata.owner_references.as_deref(), Some([owner.clone()].as_slice()));
        let labels = metadata.labels.as_ref().unwrap();
        assert_eq!(labels["app.kubernetes.io/managed-by"], "flynn-operator");
        assert_eq!(labels["flynn.io/app"], "www");
    }
}

#[test]
fn a_process_knows_its_app_its_type_and_its_port() {
    let mut shop = www();
    shop.process("worker");
    let shop = shop.settled();
    assert_eq!(
        env(&shop, "www-web"),
        pairs([("FLYNN_APP_NAME", "www"), ("FLYNN_PROCESS_TYPE", "web"), ("PORT", "8080")])
    );
    assert_eq!(
        env(&shop, "www-worker"),
        pairs([("FLYNN_APP_NAME", "www"), ("FLYNN_PROCESS_TYPE", "worker")])
    );
}

#[test]
fn a_variable_of_the_app_wins_over_ours() {
    let mut shop = www();
    shop.app.spec.env = pairs([("PORT", "9000"), ("LOG", "info")]).into_iter().collect();
    let env = env(&shop.settled(), "www-web");
    assert!(env.contains(&("PORT".into(), "9000".into())));
    assert!(env.contains(&("LOG".into(), "info".into())));
    assert_eq!(env.iter().filter(|(name, _)| name == "PORT").count(), 1);
}

#[test]
fn a_dollar_in_a_value_reaches_the_process_as_it_is() {
    let mut shop = www();
    shop.app.spec.env = pairs([("A", "pa$$word"), ("B", "$(HOME)/x$"), ("C", "US$5")]).into_iter().collect();
    let env = env(&shop.settled(), "www-web");
    assert_eq!(env[..3], pairs([("A", "pa$$$$word"), ("B", "$$(HOME)/x$$"), ("C", "US$5")]));
}

#[test]
fn sources_of_variables_keep_their_order() {
    let mut shop = www();
    shop.app.spec.env_from = vec![
        EnvSource { secret: Some("s".into()), config_map: None },
        EnvSource { secret: None, config_map: Some("c".into()) },
    ];
    let sources = container(&shop.settled(), "www-web").env_from.unwrap();
    assert_eq!(sources[0].secret_ref.as_ref().unwrap().name, "s");
    assert_eq!(sources[1].config_map_ref.as_ref().unwrap().name, "c");
}

#[test]
fn a_health_check_decides_whether_a_process_gets_requests() {
    let mut shop = www();
    shop.process("web").health_check = Some(HealthCheck { path: "/healthz".into() });
    let probe = container(&shop.settled(), "www-web").readiness_probe.unwrap().http_get.unwrap();
    assert_eq!(probe.path.as_deref(), Some("/healthz"));
    assert_eq!(probe.port, IntOrString::String("http".into()));
}

#[test]
fn command_replicas_port_and_resources_are_those_declared() {
    let mut shop = www();
    let cpu = |amount: &str| Some(ResourceAmounts { cpu: Some(Quantity(amount.into())), memory: None });
    *shop.process("web") = Process {
        command: vec!["serve".into(), "--fast".into()],
        working_dir: Some("/srv".into()),
        replicas: 3,
        port: Some(3000),
        resources: Some(Resources { requests: cpu("0.5"), limits: cpu("2") }),
        ..Process::default()
    };
    let shop = shop.settled();
    assert_eq!(shop.deployments[&key("www-web")].spec.as_ref().unwrap().replicas, Some(3));
    let container = container(&shop, "www-web");
    assert_eq!(container.command.unwrap(), ["serve", "--fast"]);
    assert_eq!(container.args, None);
    assert_eq!(container.working_dir.as_deref(), Some("/srv"));
    assert_eq!(container.ports.unwrap()[0].container_port, 3000);
    let resources = container.resources.unwrap();
    assert_eq!(resources.requests.unwrap()["cpu"].0, "0.5");
    assert_eq!(resources.limits.unwrap()["cpu"].0, "2");
}

#[test]
fn a_rollout_starts_a_pod_before_it_ends_one() {
    let shop = www().settled();
    let strategy = shop.deployments[&key("www-web")].spec.clone().unwrap().strategy.unwrap();
    let rolling = strategy.rolling_update.unwrap();
    assert_eq!(rolling.max_surge, Some(IntOrString::Int(1)));
    assert_eq!(rolling.max_unavailable, Some(IntOrString::Int(0)));
}

#[test]
fn a_process_with_a_port_outlives_its_endpoint() {
    let mut shop = www();
    shop.process("worker");
    let shop = shop.settled();
    let sleep = container(&shop, "www-web").lifecycle.unwrap().pre_stop.unwrap().sleep.unwrap();
    assert_eq!(sleep.seconds, 5);
    assert_eq!(pod(&shop, "www-web").termination_grace_period_seconds, Some(30));
    assert_eq!(container(&shop, "www-worker").lifecycle, None);
}

#[test]
fn a_process_gets_no_token_and_no_way_to_more_privileges() {
    let shop = www().settled();
    assert_eq!(pod(&shop, "www-web").automount_service_account_token, Some(false));
    let security = container(&shop, "www-web").security_context.unwrap();
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault");
}

#[test]
fn an_object_that_the_api_has_completed_is_not_written_again() {
    let mut shop = www();
    shop.app.spec.env = pairs([("EMPTY", "")]).into_iter().collect();
    let mut shop = shop.settled();
    let deployment = shop.deployment("www-web");
    deployment.metadata.resource_version = Some("12".into());
    deployment.annotations_mut().insert("deployment.kubernetes.io/revision".into(), "1".into());
    let template = deployment.spec.as_mut().unwrap();
    template.progress_deadline_seconds = Some(600);
    let container = &mut template.template.spec.as_mut().unwrap().containers[0];
    container.image_pull_policy = Some("IfNotPresent".into());
    container.env.as_mut().unwrap()[0].value = None;
    assert!(shop.plan().changes.is_empty());
}

#[test]
fn a_field_that_another_changed_is_put_back() {
    let mut shop = www().settled();
    shop.deployment("www-web").spec.as_mut().unwrap().replicas = Some(7);
    assert_eq!(written(&shop.settle().update), ["Deployment www-web"]);
}

#[test]
fn a_field_that_is_declared_no_more_is_taken_back() {
    let mut shop = www();
    shop.process("web").health_check = Some(HealthCheck { path: "/healthz".into() });
    let mut shop = shop.settled();
    shop.process("web").health_check = None;
    assert_eq!(written(&shop.settle().update), ["Deployment www-web"]);
}

#[test]
fn a_process_that_left_the_app_is_deleted() {
    let mut shop = www();
    shop.process("api").port = Some(9000);
    let mut shop = shop.settled();
    shop.app.spec.processes.remove("api");
    assert_eq!(names(&shop.settle().delete), ["Service www-api", "Deployment www-api"]);
}

#[test]
fn a_process_that_gave_up_its_port_loses_its_service_only() {
    let mut shop = www();
    shop.process("api").port = Some(9000);
    let mut shop = shop.settled();
    shop.process("api").port = None;
    let changes = shop.settle();
    assert_eq!(names(&changes.delete), ["Service www-api"]);
    assert_eq!(written(&changes.update), ["Deployment www-api"]);
}

#[test]
fn what_another_made_is_neither_taken_over_nor_deleted() {
    let mut shop = www();
    for name in ["www-web", "www-old"] {
        let theirs = Deployment { metadata: metadata_of(name), ..Deployment::default() };
        shop.deployments.insert(key(name), theirs);
    }
    let changes = shop.settle();
    assert_eq!(names(&changes.taken), ["Deployment www-web"]);
    assert_eq!(changes.delete, []);
    assert_eq!(written(&changes.create), ["Route www.site.com", "Service www-web"]);
}

#[test]
fn an_object_of_an_app_of_the_same_name_that_was_deleted_is_not_ours() {
    let mut shop = www().settled();
    shop.app.metadata.uid = Some("another-uid".into());
    let changes = shop.plan().changes;
    assert_eq!(changes.taken.len(), 3);
    assert!(changes.is_empty());
}

#[test]
fn without_an_image_nothing_is_made_and_what_is_there_stays() {
    let mut shop = www();
    shop.app.spec.image = None;
    assert!(shop.plan().changes.is_empty());

    let mut shop = www().settled();
    shop.app.spec.image = None;
    shop.app.spec.processes.clear();
    assert!(shop.plan().changes.is_empty());
}

#[test]
fn an_app_that_is_being_deleted_makes_nothing_again() {
    let mut shop = www();
    shop.app.metadata.deletion_timestamp = created(1);
    assert!(shop.plan().changes.is_empty());
    assert_eq!(shop.plan().default_routes, []);
}

#[test]
fn an_app_claims_the_names_of_its_processes_and_of_its_routes_under_every_domain() {
    let shop = www();
    let cluster = cluster(&["site.com", "old.com"]);
    assert_eq!(
        names(&wanted_names(&shop.app, Some(&cluster))),
        ["Deployment www-web", "Service www-web", "Route www.site.com", "Route www.old.com"]
    );
    assert_eq!(names(&wanted_names(&shop.app, None)), ["Deployment www-web", "Service www-web"]);
}

//! One test for each verdict, and for what `kubectl scale` and people read.

use crds::Reason;
use k8s_openapi::api::apps::v1::{DeploymentCondition, DeploymentStatus};

use super::*;

fn refused(verdict: &Verdict) -> (Reason, &str) {
    let refusal = verdict.as_ref().unwrap_err();
    (refusal.reason, &refusal.message)
}

/// The status of a Deployment that is rolled out with that many replicas.
fn rolled_out(replicas: i32) -> DeploymentStatus {
    DeploymentStatus {
        observed_generation: Some(1),
        replicas: Some(replicas),
        updated_replicas: Some(replicas),
        available_replicas: Some(replicas),
        ..DeploymentStatus::default()
    }
}

fn running(replicas: i32) -> Namespace {
    let mut shop = www();
    shop.process("web").replicas = replicas;
    let mut shop = shop.settled();
    shop.deployment("www-web").metadata.generation = Some(1);
    shop.deployment("www-web").status = Some(rolled_out(replicas));
    shop
}

fn status(shop: &mut Namespace) -> &mut DeploymentStatus {
    shop.deployment("www-web").status.as_mut().unwrap()
}

#[test]
fn an_app_without_an_image_is_told_to_name_one() {
    let mut shop = www();
    shop.app.spec.image = None;
    let plan = shop.plan();
    assert_eq!(refused(&plan.accepted).0, Reason::ImageRequired);
    assert!(
        refused(&plan.accepted).1.contains("App shop/www")
            && refused(&plan.accepted).1.contains("spec.image")
    );
    assert_eq!(refused(&plan.available), (Reason::Blocked, "web waits for the App to be accepted"));
}

#[test]
fn without_kubernetes_every_process_names_its_command() {
    let mut shop = www();
    shop.platform = Platform::Standalone;
    let plan = shop.plan();
    let (reason, message) = refused(&plan.accepted);
    assert_eq!(reason, Reason::ImageNeedsContainerRuntime);
    assert!(message.contains("registry.example/www:1") && message.contains("spec.processes.web.command"));
    shop.app.spec.image = None;
    let plan = shop.plan();
    assert_eq!(refused(&plan.accepted).0, Reason::CommandRequired);
    assert!(plan.changes.is_empty());

    shop.process("web").command = vec!["./serve".into()];
    shop.process("worker");
    assert!(refused(&shop.plan().accepted).1.contains("process worker runs"));
    shop.process("worker").command = vec!["./work".into()];
    assert_eq!(shop.plan().accepted, Ok(()));
    let shop = shop.settled();
    let pods = shop.deployments[&key("www-web")].spec.as_ref().unwrap().template.spec.as_ref().unwrap();
    assert_eq!(pods.containers[0].image.as_deref(), Some("command"));
    let sleep = pods.containers[0].lifecycle.as_ref().unwrap().pre_stop.as_ref().unwrap().sleep.as_ref();
    assert_eq!(sleep.unwrap().seconds, 1, "one router knows at once");
}

#[test]
fn a_taken_name_is_told_with_the_object_that_has_it() {
    let mut shop = www();
    let theirs = Service { metadata: metadata_of("www-web"), ..Service::default() };
    shop.services.insert(key("www-web"), theirs);
    let plan = shop.plan();
    let (reason, message) = refused(&plan.accepted);
    assert_eq!(reason, Reason::NameTaken);
    assert!(message.contains("Service shop/www-web") && message.contains("rename or delete"), "{message}");
}

#[test]
fn a_process_whose_deployment_is_anothers_is_blocked() {
    let mut shop = running(1);
    shop.deployment("www-web").metadata.owner_references = None;
    let plan = shop.plan();
    assert_eq!(refused(&plan.available).0, Reason::Blocked);
    assert_eq!(plan.replicas, 0);
}

#[test]
fn what_the_api_refused_is_told_as_it_was_refused() {
    let mut shop = www();
    shop.outcome = Some(Refusal::new(Reason::ApplyFailed, "quota exceeded"));
    assert_eq!(shop.plan().accepted, Err(Refusal::new(Reason::ApplyFailed, "quota exceeded")));
}

#[test]
fn without_a_cluster_an_app_runs_and_waits_for_its_domain() {
    let mut shop = www();
    shop.cluster = None;
    let plan = shop.plan();
    assert_eq!(refused(&plan.accepted).0, Reason::ClusterNotFound);
    assert_eq!(written(&plan.changes.create), ["Service www-web", "Deployment www-web"]);
    shop.app.spec.routes = DefaultRoutes::None;
    assert_eq!(shop.plan().accepted, Ok(()));
}

#[test]
fn an_app_is_available_when_all_its_replicas_are() {
    assert_eq!(running(3).plan().available, Ok(()));
    assert_eq!(running(0).plan().available, Ok(()));
}

#[test]
fn an_app_that_lacks_replicas_says_how_many_are_available() {
    let mut shop = running(3);
    status(&mut shop).available_replicas = Some(1);
    assert_eq!(refused(&shop.plan().available), (Reason::Progressing, "web has 1 of 3 replicas available"));
    let plan = www().plan();
    assert_eq!(refused(&plan.available), (Reason::Progressing, "web has 0 of 1 replicas available"));
}

#[test]
fn old_replicas_that_still_run_are_not_the_app_as_declared() {
    let mut shop = running(3);
    status(&mut shop).updated_replicas = Some(2);
    status(&mut shop).replicas = Some(4);
    assert_eq!(refused(&shop.plan().available).1, "web has 2 of 3 replicas updated");
}

#[test]
fn counts_of_an_older_generation_prove_nothing() {
    let mut shop = running(3);
    shop.deployment("www-web").metadata.generation = Some(2);
    assert_eq!(refused(&shop.plan().available).0, Reason::Progressing);
}

#[test]
fn counts_of_a_deployment_that_is_about_to_change_prove_nothing() {
    let mut shop = running(3);
    shop.app.spec.image = Some("registry.example/www:2".into());
    let plan = shop.plan();
    assert_eq!(written(&plan.changes.update), ["Deployment www-web"]);
    assert_eq!(refused(&plan.available).0, Reason::Progressing);
}

#[test]
fn what_the_deployment_says_is_in_the_way_is_quoted() {
    for (type_, status_, message) in [
        ("ReplicaFailure", "True", "exceeded quota: pods"),
        ("Progressing", "False", "ReplicaSet has timed out progressing"),
    ] {
        let mut shop = running(3);
        status(&mut shop).available_replicas = Some(1);
        status(&mut shop).conditions = Some(vec![DeploymentCondition {
            type_: type_.into(),
            status: status_.into(),
            message: Some(message.into()),
            ..DeploymentCondition::default()
        }]);
        let expected = format!("web has 1 of 3 replicas available: {message}");
        assert_eq!(refused(&shop.plan().available).1, expected);
    }
}

#[test]
fn each_process_that_lacks_replicas_is_told() {
    let mut shop = running(1);
    shop.process("worker");
    shop.process("clock");
    let plan = shop.plan();
    assert_eq!(
        refused(&plan.available).1,
        "clock has 0 of 1 replicas available; worker has 0 of 1 replicas available"
    );
}

#[test]
fn kubectl_scale_and_autoscalers_find_the_pods_of_web() {
    let mut shop = running(3);
    let plan = shop.plan();
    assert_eq!(plan.replicas, 3);
    assert_eq!(plan.selector.as_deref(), Some("flynn.io/app=www,flynn.io/process=web"));
    let web = shop.app.spec.processes.remove("web").unwrap();
    shop.app.spec.processes.insert("worker".into(), web);
    assert_eq!(shop.plan().selector, None);
}

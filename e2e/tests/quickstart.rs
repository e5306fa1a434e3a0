//! From six lines of YAML to an answer over HTTPS.

use std::collections::BTreeSet;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use e2e::platform::{NODES, WAIT};
use e2e::{Platform, eventually, http, unique};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::api::Api;

#[tokio::test]
async fn an_app_of_six_lines_is_served_over_https() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("quickstart").await?;
    let name = unique("www");
    let app = format!(
        "
apiVersion: flynn.io/v1alpha1
kind: App
metadata:
  name: {name}
spec:
  image: registry.example/www:1.4.2
"
    );
    tenant.kubectl.apply(&app).await?;
    tenant.kubectl.ok(&["wait", "--for=condition=Ready", &format!("app/{name}"), "--timeout=60s"]).await?;

    let host = format!("{name}.site.com");
    for node in platform.nodes() {
        let answer = platform.https(node, &host, "/a%20b?c=d").await?; // the domain's certificate, or it would fail
        ensure!(answer.status == 200, "{}", answer.text());
        ensure!(answer.text().contains(&format!("pod={name}-web-")), "{}", answer.text());
        ensure!(answer.text().contains(&format!("host={host}\npath=/a%20b?c=d\n")), "{}", answer.text());
        let plain = http::get(node.http()?, &host, "/a%20b?c=d").await?;
        let port = node.https()?.port();
        let to = [format!("https://{host}/a%20b?c=d"), format!("https://{host}:{port}/a%20b?c=d")];
        ensure!(plain.status == 308 && to.contains(&plain.header("location").to_owned()), "{plain:?}");
    }
    assert_eq!(tenant.kubectl.field(&format!("app/{name}"), ".status.url").await?, format!("https://{host}"));
    Ok(())
}

#[tokio::test]
async fn an_app_becomes_a_deployment_a_service_and_a_route_of_its_own() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("objects").await?;
    let (name, host) = tenant.app("www", "{image: registry.example/www:1}").await?;
    let object = format!("{name}-web");
    let deployments: Api<Deployment> = Api::namespaced(tenant.client.clone(), &tenant.namespace);
    let deployment = deployments.get(&object).await?;
    let services: Api<Service> = Api::namespaced(tenant.client.clone(), &tenant.namespace);
    let service = services.get(&object).await?;
    let uid = tenant.kubectl.field(&format!("app/{name}"), ".metadata.uid").await?;
    for metadata in [&deployment.metadata, &service.metadata] {
        let owner = metadata.owner_references.iter().flatten().next().context("it has an owner")?;
        assert_eq!(
            (owner.kind.as_str(), owner.uid.as_str(), owner.controller),
            ("App", uid.as_str(), Some(true))
        );
    }
    let route = tenant.read(&format!("route/{host}")).await?;
    assert_eq!(route["spec"]["http"]["host"], host.as_str());
    assert_eq!(route["metadata"]["ownerReferences"][0]["uid"], uid.as_str());
    assert_eq!(route["status"]["target"], format!("app {name}"));
    Ok(())
}

#[tokio::test]
async fn kubectl_scale_changes_how_many_pods_answer() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("scale").await?;
    let (name, host) = tenant.app("www", "{image: a}").await?;
    let app = format!("app/{name}");
    tenant.kubectl.ok(&["scale", &app, "--replicas=3"]).await?;
    tenant.kubectl.ok(&["wait", "--for=jsonpath={.status.replicas}=3", &app, "--timeout=60s"]).await?;
    tenant.ready(&app).await?;
    let pods = Mutex::new(BTreeSet::new());
    eventually("three Pods answer", WAIT, || async {
        let answer = platform.https(&platform.nodes()[0], &host, "/").await?.text();
        let mut pods = pods.lock().expect("no check panics");
        pods.insert(answer.lines().next().unwrap_or_default().to_owned());
        ensure!(pods.len() == 3, "{pods:?}");
        Ok(())
    })
    .await?;
    let selector = tenant.kubectl.field(&app, ".status.selector").await?;
    let names = tenant.kubectl.ok(&["get", "pods", "-l", &selector, "-o", "name"]).await?;
    assert_eq!(names.lines().count(), 3, "{names}");
    Ok(())
}

#[tokio::test]
async fn kubectl_get_shows_what_a_person_asks_first() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("columns").await?;
    let (name, host) = tenant.app("www", "{image: registry.example/www:1}").await?;
    let shows = async |object: &str, columns: &str| {
        let table = tenant.kubectl.ok(&["get", object, "--no-headers"]).await?;
        let row: Vec<_> = table.split_whitespace().collect();
        ensure!(row.join(" ").starts_with(columns), "{object}: {table}");
        anyhow::Ok(())
    };
    shows("cluster/site", "site site.com 2/2 True Ready").await?;
    shows(&format!("app/{name}"), &format!("{name} https://{host} registry.example/www:1 1 True Ready"))
        .await?;
    shows(&format!("route/{host}"), &format!("{host} {host} / app {name} True Ready")).await?;
    for node in NODES {
        let table = tenant.kubectl.ok(&["get", &format!("routernode/{node}"), "--no-headers"]).await?;
        ensure!(
            table.contains("http://127.0.1.") && table.contains(" 0 "),
            "no address, or a fault: {table}"
        );
        ensure!(table.contains("True"), "{table}");
    }
    let certificates = platform.bed().kubectl("flynn").ok(&["get", "certificates", "--no-headers"]).await?;
    let row: Vec<_> = certificates.split_whitespace().collect();
    ensure!(row.starts_with(&["wildcard", "wildcard-tls"]) && row.contains(&"True"), "{certificates}");
    Ok(())
}

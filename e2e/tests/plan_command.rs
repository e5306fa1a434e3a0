//! `flynn-operator plan`: what a pipeline says below a pull request.

use std::fs::write;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use e2e::definitions::repository;
use e2e::operator::Launch;
use e2e::{Operator, Platform, TestBed, unique};
use serde_json::Value;

/// Runs `plan` and returns its exit code and what it printed.
async fn plan(bed: &TestBed, kubeconfig: &Path, args: &[&str]) -> Result<(Option<i32>, String)> {
    let launch = Launch::new("plan", kubeconfig).args(args);
    let (status, text) = Operator::run_to_end(&launch, bed.folder()).await?;
    Ok((status.code(), text))
}

fn nowhere() -> PathBuf {
    "/nonexistent/kubeconfig".into()
}

#[tokio::test]
async fn an_example_is_planned_without_a_cluster() -> Result<()> {
    let bed = TestBed::shared().await?;
    let example = repository("manifests/examples/quickstart");
    let (code, table) = plan(&bed, &nowhere(), &["-f", &example]).await?;
    ensure!(code == Some(2), "{code:?} {table}");
    for words in ["Deployment", "Service", "Route"] {
        ensure!(table.contains(words), "{words} is missing: {table}");
    }
    let (code, json) = plan(&bed, &nowhere(), &["-f", &example, "-o", "json"]).await?;
    let json: Value = serde_json::from_str(&json)?;
    ensure!(code == Some(2) && json.is_object(), "{code:?} {json}");
    ensure!(!json.to_string().contains("PRIVATE KEY") && !table.contains("PRIVATE KEY"), "a key was printed");
    Ok(())
}

#[tokio::test]
async fn the_cluster_is_compared_with_and_not_written_to() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("plan").await?;
    let bed = platform.bed();
    let (name, file) = (unique("www"), bed.folder().join(unique("manifest")).with_extension("yaml"));
    let manifest = |image: &str| {
        let namespace = &tenant.namespace;
        format!(
            "{{apiVersion: flynn.io/v1alpha1, kind: App, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{image: {image}}}}}\n---\n\
             {{apiVersion: flynn.io/v1alpha1, kind: Route, metadata: {{name: extra, namespace: {namespace}}}, spec: {{http: {{host: extra-{name}.site.com}}, app: {name}}}}}\n"
        )
    };
    let path = file.display().to_string();
    let args = ["-f", &path, "--against", "cluster"];
    let kubeconfig = bed.control_plane().kubeconfig();
    write(&file, manifest("a:1"))?;
    let (code, text) = plan(bed, &kubeconfig, &args).await?;
    ensure!(code == Some(2) && text.contains(&format!("{name}-web")), "before: {code:?} {text}");
    assert_eq!(
        tenant.kubectl.ok(&["get", "apps,routes,deployments", "-o", "name"]).await?,
        "",
        "nothing was written"
    );

    tenant.kubectl.ok(&["apply", "-f", &path]).await?;
    tenant.ready(&format!("app/{name}")).await?;
    tenant.ready("route/extra").await?;
    let (code, text) = plan(bed, &kubeconfig, &args).await?;
    ensure!(code == Some(0), "after: {code:?} {text}");

    write(&file, manifest("a:2"))?;
    let (code, text) = plan(bed, &kubeconfig, &args).await?;
    ensure!(code == Some(2) && text.contains(&format!("{name}-web")), "edited: {code:?} {text}");
    assert_eq!(
        tenant.kubectl.field(&format!("app/{name}"), ".spec.image").await?,
        "a:1",
        "nothing was written"
    );
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_planned_with_its_reason() -> Result<()> {
    let bed = TestBed::shared().await?;
    let file = bed.folder().join(unique("refused")).with_extension("yaml");
    write(
        &file,
        "{apiVersion: flynn.io/v1alpha1, kind: Cluster, metadata: {name: site}, spec: {domains: [{name: site.com}]}}\n---\n\
         {apiVersion: flynn.io/v1alpha1, kind: Route, metadata: {name: www}, spec: {http: {host: www.site.com}, app: missing}}\n",
    )?;
    let (code, text) = plan(&bed, &nowhere(), &["-f", &file.display().to_string()]).await?;
    ensure!(code == Some(2) && text.contains("AppNotFound") && text.contains("missing"), "{code:?} {text}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_error() -> Result<()> {
    let bed = TestBed::shared().await?;
    let folder = bed.folder().join(unique("bad"));
    std::fs::create_dir_all(&folder)?;
    let app = |spec: &str| {
        format!("{{apiVersion: flynn.io/v1alpha1, kind: App, metadata: {{name: www}}, spec: {spec}}}")
    };
    let cases = [
        ("syntax.yaml", "a: [b".to_owned(), "syntax.yaml"),
        ("unknown.yaml", app("{imagee: a}"), "imagee"),
        ("type.yaml", app("{image: 7}"), "image"),
        ("rule.yaml", app("{image: a, envFrom: [{}]}"), "name either a secret or a configMap"),
        ("bound.yaml", app("{image: a, processes: {web: {replicas: 1001}}}"), "1000"),
    ];
    for (name, text, words) in cases {
        let path = folder.join(name);
        write(&path, text)?;
        let (code, text) = plan(&bed, &nowhere(), &["-f", &path.display().to_string()]).await?;
        ensure!(code == Some(1) && text.contains(words) && text.contains(name), "{name}: {code:?} {text}");
    }
    let (code, text) = plan(&bed, &nowhere(), &["-f", "/nonexistent/manifests"]).await?;
    ensure!(code == Some(1) && text.contains("/nonexistent/manifests"), "{code:?} {text}");
    let (code, text) =
        plan(&bed, &nowhere(), &["-f", &repository("manifests/examples/quickstart"), "--against", "cluster"])
            .await?;
    ensure!(code == Some(1) && text.contains("kubeconfig"), "{code:?} {text}");
    Ok(())
}

//! What the API server itself says of a declaration, before the operator sees it: one test for each rule and bound of
//! `crds`, with the sentence that a person reads. Good declarations are tried with a dry run, so that nothing comes of them.

mod app;
mod blobstore;
mod certificate;
mod cluster;
mod route;

use anyhow::{Result, ensure};
use e2e::{TestBed, definitions};
use http::{Request, header::ACCEPT};
use kube::client::Body;
use serde_json::{Value, json};

use crate::plan_command;

#[tokio::test]
async fn the_definitions_are_accepted_without_a_warning_and_established() -> Result<()> {
    let bed = TestBed::shared().await?;
    if bed.control_plane().lacks("definitions that can be written") {
        return Ok(());
    }
    definitions::install(&bed).await?;
    let kubectl = bed.kubectl("default");
    let again = kubectl.run(&["apply", "-f", &definitions::repository("crds/yaml")]).await?;
    assert_eq!((again.status.success(), again.stderr.as_str()), (true, ""), "{}", again.stdout);
    for definition in crds::all() {
        let name = format!("crd/{}.flynn.io", definition.spec.names.plural);
        let established = r#".status.conditions[?(@.type=="Established")].status"#;
        assert_eq!(kubectl.field(&name, established).await?, "True", "{name}");
        let problem = kubectl.field(&name, r#".status.conditions[?(@.type=="NonStructuralSchema")]"#).await?;
        assert_eq!(problem, "", "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn kubectl_explains_every_field_that_a_person_writes() -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    let kubectl = bed.kubectl("default");
    let host = kubectl.ok(&["explain", "route.spec.http.host"]).await?;
    for words in [
        "KIND:       Route\nVERSION:    v1alpha1",
        "FIELD: host <string>",
        "The host: an exact name, `*.site.com`",
    ] {
        ensure!(host.contains(words), "{host}");
    }
    for kind in ["cluster", "app", "route", "certificate", "blobstore"] {
        let fields = kubectl.ok(&["explain", &format!("{kind}.spec"), "--recursive"]).await?;
        ensure!(fields.contains("FIELDS:") && !fields.contains("<no description>"), "{fields}");
    }
    Ok(())
}

#[tokio::test]
async fn kubectl_prints_these_columns() -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    assert_eq!(columns(&bed, "clusters").await?, "Name Domain Nodes Addresses Ready Reason Age");
    assert_eq!(columns(&bed, "apps").await?, "Name URL Image Replicas Ready Reason Age");
    assert_eq!(columns(&bed, "routes").await?, "Name Host Path TCP Target Ready Reason (Nodes) Age");
    assert_eq!(columns(&bed, "certificates").await?, "Name Secret Names Expires Ready Reason (Pin) Age");
    let blobstores = "Name Bucket Region Secret Rotated Ready Reason (Key) Age";
    assert_eq!(columns(&bed, "blobstores").await?, blobstores);
    assert_eq!(columns(&bed, "routernodes").await?, "Name Addresses Hosts Faults Ready (Version) Age");
    Ok(())
}

#[tokio::test]
async fn every_kind_has_a_short_name() -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    let kinds = bed.kubectl("default").ok(&["api-resources", "--api-group=flynn.io", "--no-headers"]).await?;
    let kinds: Vec<_> =
        kinds.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "apps fapp flynn.io/v1alpha1 true App",
        "blobstores fblob flynn.io/v1alpha1 true Blobstore",
        "certificates fcert flynn.io/v1alpha1 true Certificate",
        "clusters fcl flynn.io/v1alpha1 false Cluster",
        "routernodes frn flynn.io/v1alpha1 false RouterNode",
        "routes frt flynn.io/v1alpha1 true Route",
    ];
    assert_eq!(kinds, expected);
    bed.kubectl("default").ok(&["get", "fcl,fapp,frt,fcert,fblob,frn"]).await?;
    bed.kubectl("default").ok(&["get", "flynn"]).await?;
    Ok(())
}

/// The headings of `kubectl get`, those of `-o wide` in brackets.
async fn columns(bed: &TestBed, plural: &str) -> Result<String> {
    let request = Request::get(format!("/apis/flynn.io/v1alpha1/{plural}"))
        .header(ACCEPT, "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Body::empty())?;
    let table: Value =
        serde_json::from_slice(&bed.client().await?.send(request).await?.into_body().collect_bytes().await?)?;
    let columns = table["columnDefinitions"].as_array().into_iter().flatten();
    let headings = columns.map(|column| match (&column["name"], &column["priority"]) {
        (Value::String(name), priority) if *priority == json!(0) => name.clone(),
        (name, _) => format!("({})", name.as_str().unwrap_or_default()),
    });
    Ok(headings.collect::<Vec<_>>().join(" "))
}

/// Applies a declaration of that kind with that spec (YAML), and expects one sentence on standard error; `plan` has to say it
/// as well.
async fn refused(kind: &str, spec: &str, sentence: &str) -> Result<()> {
    refused_by_name(kind, "it", spec, sentence).await
}

async fn refused_by_name(kind: &str, name: &str, spec: &str, sentence: &str) -> Result<()> {
    refused_by_the_api(kind, name, spec, sentence).await?;
    plan_command::refuses(&*TestBed::shared().await?, &declaration(kind, name, spec), sentence).await
}

/// The same of a change, which `plan` cannot see without the cluster.
async fn refused_by_the_api(kind: &str, name: &str, spec: &str, sentence: &str) -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    let stderr = bed.kubectl("default").apply_fails(&declaration(kind, name, spec)).await?;
    let prefix = format!("The {kind} {name:?} is invalid: ");
    let mut said =
        stderr.lines().map(|line| line.strip_prefix(&prefix).or(line.strip_prefix("* ")).unwrap_or(line));
    ensure!(said.any(|line| line == sentence), "{kind} {spec}: expected: {sentence}\nbut got: {stderr}");
    Ok(())
}

/// Tries a declaration of that kind, which is to be accepted without a warning.
async fn accepted(kind: &str, spec: &str) -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    let args = ["apply", "--dry-run=server", "-f", "-"];
    let output = bed.kubectl("default").run_with(&args, &declaration(kind, "it", spec)).await?;
    ensure!(output.status.success() && output.stderr.is_empty(), "{kind} {spec}: {}", output.stderr);
    Ok(())
}

fn declaration(kind: &str, name: &str, spec: &str) -> String {
    format!("{{apiVersion: flynn.io/v1alpha1, kind: {kind}, metadata: {{name: {name}}}, spec: {spec}}}")
}

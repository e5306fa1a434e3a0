//! `flynn-operator plan`: what a pipeline says below a pull request.

use std::collections::BTreeSet;
use std::fs::write;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use e2e::definitions::{self, repository};
use e2e::operator::Launch;
use e2e::{Operator, Platform, TestBed, unique};
use serde_json::Value;

use crate::leader::hold_lease;

/// Runs `plan` and returns its exit code and what it printed.
async fn plan(bed: &TestBed, kubeconfig: &Path, args: &[&str]) -> Result<(Option<i32>, String)> {
    let launch = Launch::new("plan", kubeconfig).args(args);
    let (status, text) = Operator::run_to_end(&launch, bed.folder()).await?;
    Ok((status.code(), text))
}

/// Expects `plan` to refuse a document with the sentence that `kubectl apply` printed for it.
pub(crate) async fn refuses(bed: &TestBed, document: &str, sentence: &str) -> Result<()> {
    let file = bed.folder().join(unique("refused")).with_extension("yaml");
    write(&file, document)?;
    let (code, text) = plan(bed, &nowhere(), &["-f", &file.display().to_string()]).await?;
    let sentence = format!(": {}", without_preface(sentence));
    ensure!(
        code == Some(1) && text.lines().any(|line| line.ends_with(&sentence)),
        "{sentence}\n{code:?} {text}"
    );
    Ok(())
}

/// A sentence on standard error without what kubectl says of its own doing.
fn without_preface(line: &str) -> &str {
    line.split_once("error when creating \"STDIN\": ").map_or(line, |(_, sentence)| sentence)
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
async fn a_certificate_that_would_be_signed_counts_as_there_and_no_key_is_printed() -> Result<()> {
    let bed = TestBed::shared().await?;
    let file = bed.folder().join(unique("self-signed")).with_extension("yaml");
    write(
        &file,
        "{apiVersion: flynn.io/v1alpha1, kind: Cluster, metadata: {name: site}, spec: {domains: [{name: site.test}]}}\n---\n\
         {apiVersion: flynn.io/v1alpha1, kind: Certificate, metadata: {name: own}, spec: {selfSigned: {dnsNames: [www.site.test]}}}\n---\n\
         {apiVersion: flynn.io/v1alpha1, kind: Route, metadata: {name: www}, spec: {http: {host: www.site.test, certificate: own}, redirect: {host: site.com}}}\n",
    )?;
    let path = file.display().to_string();
    for platform in [&[][..], &["--standalone"]] {
        let (code, table) = plan(&bed, &nowhere(), &[&["-f", &path], platform].concat()).await?;
        ensure!(code == Some(2) && table.contains("default/own  redirected to HTTPS"), "{code:?} {table}");
        ensure!(table.contains("0 refused"), "{table}");
        let (_, json) = plan(&bed, &nowhere(), &[&["-f", &path, "-o", "json"], platform].concat()).await?;
        let answer: Value = serde_json::from_str(&json)?;
        let pair = &answer["table"]["certificates"]["default/own"];
        ensure!(pair["chain"] == "to be signed for www.site.test\n", "{pair}");
        ensure!(!json.contains("-----BEGIN"), "something was made: {json}");
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_the_cluster_has_is_no_difference_and_other_names_are_one() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("plan-signed").await?;
    let bed = platform.bed();
    let name = unique("own");
    let file = bed.folder().join(&name).with_extension("yaml");
    let manifest = |host: &str| {
        let namespace = &tenant.namespace;
        format!(
            "{{apiVersion: flynn.io/v1alpha1, kind: Certificate, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{selfSigned: {{dnsNames: [{host}]}}}}}}\n---\n\
             {{apiVersion: flynn.io/v1alpha1, kind: Route, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{http: {{host: {name}.test, certificate: {name}}}, redirect: {{host: site.com}}}}}}\n"
        )
    };
    let path = file.display().to_string();
    let args = ["-f", &path, "--against", "cluster"];
    let kubeconfig = bed.control_plane().kubeconfig();
    write(&file, manifest(&format!("{name}.test")))?;
    let (code, text) = plan(bed, &kubeconfig, &args).await?;
    let served = format!("{}/{name}  redirected to HTTPS", tenant.namespace);
    ensure!(
        code == Some(2) && text.contains(&served) && text.contains("0 refused"),
        "before: {code:?} {text}"
    );

    tenant.kubectl.ok(&["apply", "-f", &path]).await?;
    tenant.ready(&format!("route/{name}")).await?;
    let (code, text) = plan(bed, &kubeconfig, &args).await?;
    ensure!(code == Some(0), "after: {code:?} {text}");

    write(&file, manifest(&format!("'*.{name}.test'")))?;
    let (code, text) = plan(bed, &kubeconfig, &args).await?;
    ensure!(code == Some(2) && text.contains("update  Secret"), "other names: {code:?} {text}");
    ensure!(text.contains("CertificateDoesNotCoverHost"), "the Route is not covered any more: {text}");
    Ok(())
}

/// Kinds and fields that the API server refuses, one or more sentences each.
const REFUSED: &[(&str, &str)] = &[
    ("Route", "spec: {http: {host: www.site.com, hots: x}, app: www}"),
    ("Route", "spec: {http: {host: 7}, app: www}"),
    ("Route", "spec: {app: www}"),
    ("Route", "spec: {http: {host: 'https://www.site.com', path: a}, app: www, service: {name: www}}"),
    ("Route", "spec: {http: {host: www.site.com}, redirect: {host: www.site.com, code: 300}}"),
    ("App", "spec: {image: a, processes: {web: {replicas: 1001}, WEB: {}}}"),
    ("App", "spec: {image: a, envFrom: [{}], env: {'1': a}}"),
    ("Certificate", "spec: {selfSigned: {dnsNames: []}}"),
    ("Certificate", "spec: {}"),
    ("Cluster", "spec: {domains: [{name: site.com}, {name: site.com}]}"),
    ("Service", "spec: {ports: [{port: 0}, {port: 80, protocol: HTTP}]}"),
    ("Service", "spec: {ports: [{port: http}]}"),
    ("Secret", "type: kubernetes.io/tls\ndata: {tls.crt: eA==}"),
    ("Secret", "data: {tls.crt: 'x!'}"),
    ("Deployment", "spec: {selector: {matchLabels: {a: b}}, template: {spec: {containers: [{name: A}]}}}"),
];

#[tokio::test]
async fn what_the_api_server_refuses_is_refused_with_its_sentences() -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    let file = bed.folder().join(unique("refused-by-the-api")).with_extension("yaml");
    for (kind, fields) in REFUSED {
        let api_version = match *kind {
            "Service" | "Secret" => "v1",
            "Deployment" => "apps/v1",
            _ => "flynn.io/v1alpha1",
        };
        let document =
            format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: refused}}\n{fields}\n");
        let refusal = bed.kubectl("default").apply_fails(&document).await?;
        write(&file, &document)?;
        let (code, text) = plan(&bed, &nowhere(), &["-f", &file.display().to_string()]).await?;
        ensure!(code == Some(1), "{kind} {fields}: {code:?} {text}");
        let about = format!("{kind} refused: ");
        let planned = text.lines().filter_map(|line| Some(line.split_once(&about)?.1));
        let planned: BTreeSet<_> = planned.collect();
        assert_eq!(planned, sentences(kind, &refusal), "{kind} {fields}: {refusal}");
    }
    Ok(())
}

/// What `kubectl apply` says on standard error, without the words around each sentence.
fn sentences<'a>(kind: &str, refusal: &'a str) -> BTreeSet<&'a str> {
    let invalid = format!("The {kind} \"refused\" is invalid: ");
    let lines = refusal.lines().map(|line| line.strip_prefix(&invalid).unwrap_or(line).trim());
    let lines = lines.map(|line| without_preface(line.strip_prefix("* ").unwrap_or(line)));
    lines.filter(|line| !line.is_empty() && *line != invalid.trim()).collect()
}

#[tokio::test]
async fn what_may_not_change_is_refused_against_the_cluster() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("plan-immutable").await?;
    let bed = platform.bed();
    let file = bed.folder().join(unique("immutable")).with_extension("yaml");
    let secret = |type_: &str| {
        let metadata = format!("{{name: sealed, namespace: {}}}", tenant.namespace);
        format!(
            "{{apiVersion: v1, kind: Secret, metadata: {metadata}, type: {type_}, stringData: {{tls.crt: a, tls.key: b}}}}"
        )
    };
    let path = file.display().to_string();
    write(&file, secret("kubernetes.io/tls"))?;
    tenant.kubectl.ok(&["apply", "-f", &path]).await?;
    write(&file, secret("Opaque"))?;
    let kubeconfig = bed.control_plane().kubeconfig();
    let (code, text) = plan(bed, &kubeconfig, &["-f", &path, "--against", "cluster"]).await?;
    let sentence = "type: Invalid value: \"Opaque\": field is immutable";
    ensure!(code == Some(1) && text.contains(sentence), "{code:?} {text}");
    ensure!(tenant.kubectl.fails(&["apply", "-f", &path]).await?.contains(sentence), "the API says so too");
    Ok(())
}

/// The Pod that a planned Route to a leader would lead to, as the table has it.
fn planned_leader(answer: &Value) -> Option<String> {
    let services = answer["table"]["services"].as_object()?;
    let service = services.values().find(|service| service["leader"].is_string())?;
    Some(service["instances"][service["leader"].as_str()?]["job"].as_str()?.to_owned())
}

#[tokio::test]
async fn a_route_to_a_leader_is_planned_with_the_leader_that_the_cluster_has() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("plan-leader").await?;
    let bed = platform.bed();
    let (app, _) = tenant.app("db", "{image: a, processes: {web: {replicas: 2}}}").await?;
    let pods = tenant.kubectl.ok(&["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"]).await?;
    let file = bed.folder().join(unique("leader")).with_extension("yaml");
    write(
        &file,
        format!(
            "{{apiVersion: flynn.io/v1alpha1, kind: Route, metadata: {{name: leader, namespace: {}}}, \
             spec: {{app: {app}, http: {{host: {app}-leader.site.com, leader: true}}}}}}\n",
            tenant.namespace
        ),
    )?;
    let path = file.display().to_string();
    let kubeconfig = bed.control_plane().kubeconfig();
    let planned = async || -> Result<Value> {
        let (_, json) = plan(bed, &kubeconfig, &["-f", &path, "--against", "cluster", "-o", "json"]).await?;
        Ok(serde_json::from_str(&json)?)
    };
    let oldest = planned_leader(&planned().await?);
    ensure!(oldest.is_some_and(|pod| pods.contains(&pod)), "without a Lease one of {pods} leads");
    for pod in pods.split(' ') {
        hold_lease(&tenant, &app, pod).await?;
        let answer = planned().await?;
        ensure!(planned_leader(&answer).as_deref() == Some(pod), "{pod} holds the Lease: {answer}");
    }
    hold_lease(&tenant, &app, "somebody-else").await?;
    let answer = planned().await?;
    ensure!(planned_leader(&answer).is_none(), "nobody stands in for the holder: {answer}");
    hold_lease(&tenant, &app, pods.split(' ').next().unwrap_or_default()).await?;
    tenant.kubectl.ok(&["apply", "-f", &path]).await?;
    tenant.ready("route/leader").await?;
    let (code, text) = plan(bed, &kubeconfig, &["-f", &path, "--against", "cluster"]).await?;
    ensure!(code == Some(0) && !text.contains("NoLeader"), "what is so already: {code:?} {text}");
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
        ("type.yaml", app("{image: 7}"), "spec.image in body must be of type string"),
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

//! The tools and the failed starts, as a person or a pipeline meets them: the real binary, no API server.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn operator(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flynn-operator"));
    command.args(arguments).env_remove("KUBECONFIG").env_remove("RUST_LOG").stdin(Stdio::null());
    command.output().expect("the binary was built")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the folder is ours");
    path.display().to_string()
}

const APP: &str = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec: {domains: [{name: site.com}]}
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: www}
spec: {image: 'www:1'}
";

#[test]
fn plan_prints_what_would_be_and_exits_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "app.yaml", APP);
    let output = operator(&["plan", "-f", &file]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("create  Deployment  default/www-web"), "{text}");
    let row = "create www.site.com / to default/www-web:80 none answered";
    let mut rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert!(rows.any(|line| line == row), "{text}");
}

#[test]
fn plan_prints_json_for_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "app.yaml", APP);
    let output = operator(&["plan", "-f", &folder.path().display().to_string(), "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(answer["difference"], true);
    assert!(answer["table"]["hosts"]["www.site.com"].is_object(), "{answer}");
}

#[test]
fn plan_of_nothing_that_matters_exits_with_0() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    let output = operator(&["plan", "-f", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("No difference"), "{}", stdout(&output));
}

#[test]
fn plan_of_something_that_the_api_would_refuse_exits_with_1_and_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let text =
        "apiVersion: flynn.io/v1alpha1\nkind: Route\nmetadata: {name: a}\nspec: {http: {host: a.site.com}}\n";
    let file = write(folder.path(), "route.yaml", text);
    let output = operator(&["plan", "-f", &file]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(
        text.contains("route.yaml, document 1, Route a: spec: Invalid value: name exactly one target"),
        "{text}"
    );
}

#[test]
fn plan_never_prints_a_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let certified = rcgen::generate_simple_self_signed(["site.com".to_owned()]).expect("a certificate");
    let secret = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "site"}, "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": certified.cert.pem(), "tls.key": certified.signing_key.serialize_pem()},
    });
    write(folder.path(), "secret.json", &secret.to_string());
    let certificate =
        "apiVersion: flynn.io/v1alpha1\nkind: Certificate\nmetadata: {name: site}\nspec: {secret: site}\n";
    write(folder.path(), "certificate.yaml", certificate);
    for form in ["table", "json"] {
        let output = operator(&["plan", "-f", &folder.path().display().to_string(), "-o", form]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stdout(&output).contains("certificate-"), "{}", stdout(&output));
        assert!(!stdout(&output).contains("PRIVATE KEY-----"), "{}", stdout(&output));
        let key = certified.signing_key.serialize_pem();
        let secret_line = key.lines().nth(1).expect("a key has lines");
        assert!(!stdout(&output).contains(secret_line));
    }
}

#[test]
fn manifests_are_the_same_on_standard_output_and_in_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let printed = operator(&["manifests", "--image", "a:1"]);
    let written =
        operator(&["manifests", "--image", "a:1", "--output", &folder.path().display().to_string()]);
    assert!(printed.status.success() && written.status.success(), "{}", stderr(&written));
    let node = std::fs::read_to_string(folder.path().join("node.yaml")).expect("it was written");
    assert!(stdout(&printed).contains(&node));
    assert!(node.contains("image: a:1") || node.contains("image: \"a:1\""), "{node}");
}

#[test]
fn pin_prints_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let certified = rcgen::generate_simple_self_signed(["site.com".to_owned()]).expect("a certificate");
    let file = write(folder.path(), "tls.crt", &certified.cert.pem());
    let output = operator(&["pin", &file]);
    assert_eq!(stdout(&output).trim().len(), 44, "{}", stderr(&output));
}

#[test]
fn a_role_without_an_api_server_says_what_to_do_and_exits_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}"#;
    let file = write(folder.path(), "kubeconfig", text);
    for role in [&["controller"][..], &["node", "--node-name", "a"]] {
        let output = operator(&[role, &["--kubeconfig", &file]].concat());
        assert_eq!(output.status.code(), Some(1));
        let text = stderr(&output);
        assert!(
            text.starts_with("flynn-operator: the Kubernetes API at http://127.0.0.1:1/ does not answer"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

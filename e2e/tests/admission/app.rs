//! The rules of an App.

use anyhow::{Result, ensure};
use e2e::{TestBed, definitions};

use super::{accepted, refused, refused_by_name};

const NAME: &str = "<nil>: Invalid value: an App's name becomes a host name: use at most 40 lower-case letters, digits and dashes, a letter first";
const PROCESS: &str = "spec.processes: Invalid value: a process type is at most 20 lower-case letters, digits and dashes, a letter first, such as web or worker";
const ENV: &str = "spec.env: Invalid value: the name of an environment variable has letters, digits and underscores, and no digit first";
const AMOUNT: &str =
    "an amount of CPU or memory is a number with or without a unit, such as 500m, 2 or 256Mi";

#[tokio::test]
async fn admit_an_app_of_six_lines_and_one_with_everything() -> Result<()> {
    accepted("App", "{image: registry.example/www:1}").await?;
    accepted("App", "{}").await?;
    let web = "{command: [run, --port, '80'], replicas: 2, port: 80, healthCheck: {path: /healthz}, resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 500m}}}";
    let rest = "env: {LOG: info, _A1: ''}, envFrom: [{secret: www-env}, {configMap: www}], routes: None";
    accepted("App", &format!("{{image: a, processes: {{web: {web}, worker-2: {{}}}}, {rest}}}")).await
}

#[tokio::test]
async fn kubectl_scales_an_app_that_declares_no_process() -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    let kubectl = bed.kubectl(&bed.namespace("scale").await?.name);
    kubectl.apply("{apiVersion: flynn.io/v1alpha1, kind: App, metadata: {name: www}, spec: {image: a, routes: None}}").await?;
    assert_eq!(kubectl.field("app/www", ".spec.processes.web.replicas").await?, "1");
    assert_eq!(kubectl.ok(&["scale", "app/www", "--replicas=3"]).await?, "app.flynn.io/www scaled\n");
    assert_eq!(kubectl.field("app/www", ".spec.processes").await?, r#"{"web":{"replicas":3}}"#);
    let refusal = kubectl.fails(&["scale", "app/www", "--replicas=1001"]).await?;
    let bound = "spec.processes.web.replicas in body should be less than or equal to 1000";
    ensure!(refusal.contains(bound), "{refusal}");
    kubectl.apply("{apiVersion: flynn.io/v1alpha1, kind: App, metadata: {name: www}, spec: {image: b, routes: None}}").await?;
    assert_eq!(
        kubectl.field("app/www", ".spec.processes.web.replicas").await?,
        "3",
        "an apply leaves the scale alone"
    );
    Ok(())
}

#[tokio::test]
async fn admit_no_bad_app_name() -> Result<()> {
    let long = "a".repeat(41);
    for name in ["www.site", "1www", "www-", &long] {
        // The API's own rule for a name comes before ours where both are broken.
        let sentence = match name.ends_with('-') {
            true => {
                r#"metadata.name: Invalid value: "www-": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#
            }
            false => NAME,
        };
        refused_by_name("App", name, "{image: a}", sentence).await?;
    }
    Ok(())
}

#[tokio::test]
async fn admit_no_unknown_field_in_an_app() -> Result<()> {
    let sentence = r#"Error from server (BadRequest): error when creating "STDIN": App in version "v1alpha1" cannot be handled as a App: strict decoding error: unknown field "spec.processes.web.scale""#;
    refused("App", "{image: a, processes: {web: {scale: 2}}}", sentence).await
}

#[tokio::test]
async fn admit_no_bad_image() -> Result<()> {
    let empty = r#"spec.image: Invalid value: "": spec.image in body should be at least 1 chars long"#;
    refused("App", "{image: ''}", empty).await?;
    let long = format!("{{image: {}}}", "a".repeat(1025));
    refused("App", &long, "spec.image: Too long: may not be more than 1024 bytes").await
}

#[tokio::test]
async fn admit_no_bad_process_type() -> Result<()> {
    let long = "a".repeat(21);
    for process in ["Web", "1web", "web-", "my_web", &long] {
        refused("App", &format!("{{image: a, processes: {{{process}: {{}}}}}}"), PROCESS).await?;
    }
    let many: String = (0..21).map(|number| format!("p{number}: {{}}, ")).collect();
    let sentence = "spec.processes: Too many: 21: must have at most 20 items";
    refused("App", &format!("{{image: a, processes: {{{many}}}}}"), sentence).await
}

#[tokio::test]
async fn admit_no_number_out_of_range() -> Result<()> {
    let field = |field: &str, value: i64, bound: &str| {
        format!(
            "spec.processes.web.{field}: Invalid value: {value}: spec.processes.web.{field} in body should be {bound}"
        )
    };
    for (name, value, bound) in [
        ("replicas", -1, "greater than or equal to 0"),
        ("replicas", 1001, "less than or equal to 1000"),
        ("port", 0, "greater than or equal to 1"),
        ("port", 65536, "less than or equal to 65535"),
    ] {
        refused(
            "App",
            &format!("{{image: a, processes: {{web: {{{name}: {value}}}}}}}"),
            &field(name, value, bound),
        )
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn admit_no_bad_command() -> Result<()> {
    let web = |command: String| format!("{{image: a, processes: {{web: {{command: {command}}}}}}}");
    let sentence = "spec.processes.web.command: Too many: 65: must have at most 64 items";
    refused("App", &web(format!("[{}]", "a, ".repeat(65))), sentence).await?;
    let sentence = "spec.processes.web.command[0]: Too long: may not be more than 4096 bytes";
    refused("App", &web(format!("[{}]", "a".repeat(4097))), sentence).await
}

#[tokio::test]
async fn admit_no_bad_health_check() -> Result<()> {
    let sentence = r#"spec.processes[web].healthCheck.path: Invalid value: "healthz": the path of a health check starts with a slash"#;
    refused("App", "{image: a, processes: {web: {healthCheck: {path: healthz}}}}", sentence).await?;
    let missing = "spec.processes.web.healthCheck.path: Required value";
    refused("App", "{image: a, processes: {web: {healthCheck: {}}}}", missing).await?;
    let long = format!("{{image: a, processes: {{web: {{healthCheck: {{path: /{}}}}}}}}}", "a".repeat(1024));
    let sentence = "spec.processes.web.healthCheck.path: Too long: may not be more than 1024 bytes";
    refused("App", &long, sentence).await
}

#[tokio::test]
async fn admit_no_bad_amount() -> Result<()> {
    for (amount, shown) in [("lots", "\"lots\""), ("256MB", "\"256MB\""), ("-1", "-1"), ("'-1'", "\"-1\"")] {
        let sentence =
            format!("spec.processes[web].resources.limits.memory: Invalid value: {shown}: {AMOUNT}");
        let spec =
            format!("{{image: a, processes: {{web: {{resources: {{limits: {{memory: {amount}}}}}}}}}}}");
        refused("App", &spec, &sentence).await?;
    }
    Ok(())
}

#[tokio::test]
async fn admit_no_bad_environment() -> Result<()> {
    for name in ["1A", "A-B", "A.B", "''"] {
        refused("App", &format!("{{image: a, env: {{{name}: x}}}}"), ENV).await?;
    }
    let number =
        r#"spec.env.A: Invalid value: "integer": spec.env.A in body must be of type string: "integer""#;
    refused("App", "{image: a, env: {A: 1}}", number).await?;
    let long = format!("{{image: a, env: {{A: {}}}}}", "a".repeat(32769));
    refused("App", &long, "spec.env.A: Too long: may not be more than 32768 bytes").await?;
    let many: String = (0..257).map(|number| format!("A{number}: a, ")).collect();
    let sentence = "spec.env: Too many: 257: must have at most 256 items";
    refused("App", &format!("{{image: a, env: {{{many}}}}}"), sentence).await
}

#[tokio::test]
async fn admit_either_a_secret_or_a_config_map_as_a_source() -> Result<()> {
    let sentence = "spec.envFrom[0]: Invalid value: name either a secret or a configMap";
    refused("App", "{image: a, envFrom: [{}]}", sentence).await?;
    refused("App", "{image: a, envFrom: [{secret: a, configMap: b}]}", sentence).await?;
    let many = format!("{{image: a, envFrom: [{}]}}", "{secret: a}, ".repeat(17));
    refused("App", &many, "spec.envFrom: Too many: 17: must have at most 16 items").await
}

#[tokio::test]
async fn admit_default_routes_or_none() -> Result<()> {
    let sentence = r#"spec.routes: Unsupported value: "All": supported values: "Default", "None""#;
    refused("App", "{image: a, routes: All}", sentence).await
}

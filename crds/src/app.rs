//! `App`: an image and its processes, with a route and TLS.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The process type that gets an App's default Routes and that `kubectl scale` acts on.
pub const WEB: &str = "web";

/// An image and its processes. An App called `www` is served as `https://www.<default domain>`.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "flynn.io",
    version = "v1alpha1",
    kind = "App",
    plural = "apps",
    shortname = "fapp",
    category = "flynn",
    namespaced,
    status = "AppStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "An image and its processes. An App called `www` is served as `https://www.<default domain>`.",
    scale(
        spec_replicas_path = ".spec.processes.web.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("an App's name becomes a host name: use at most 40 lower-case letters, digits and dashes, a letter first"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".status.replicas"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// The container image, for example `registry.example/www:1.4.2`. Every process runs it. Without Kubernetes
    /// (`flynn-operator up`) it is not looked at: there every process names its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub image: Option<String>,

    /// The processes, by type. Each becomes a Deployment `<app>-<type>`, and a Service of the same name if it has a port.
    /// Left out: one process of type `web`. At most 20.
    #[serde(default = "one_web_process")]
    #[schemars(extend("maxProperties" = 20))]
    #[x_kube(
        validation = Rule::new("self.all(type, type.size() <= 20 && type.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))")
            .message("a process type is at most 20 lower-case letters, digits and dashes, a letter first, such as web or worker"),
        validation = Rule::new("self.all(type, type == 'web' || !has(self[type].healthCheck) || has(self[type].port))")
            .message("a health check needs a port to ask: set port beside it")
    )]
    pub processes: BTreeMap<String, Process>,

    /// Environment variables of every process, passed as they are: `$(NAME)` means nothing in them. `PORT` is set to the
    /// process's port unless it is given here. At most 256.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 256), transform = env_values)]
    #[x_kube(
        validation = Rule::new("self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_]*$'))")
            .message("the name of an environment variable has letters, digits and underscores, and no digit first")
    )]
    pub env: BTreeMap<String, String>,

    /// Secrets and ConfigMaps in this namespace whose entries become environment variables; a later one wins over an
    /// earlier one, and `env` over all. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub env_from: Vec<EnvSource>,

    /// The Blobstore in this namespace whose credentials every process has in its environment: `S3_BUCKET`, `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, and Flynn's `BACKEND_S3MAIN` and `DEFAULT_BACKEND`. The processes wait until the Blobstore
    /// has credentials, and are replaced, one after the other, when its access key is. `env` wins over these variables, and they win over `envFrom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub blobstore: Option<String>,

    /// Whether the App gets a Route `<app>.<default domain>`. Default: `Default`.
    #[serde(default)]
    pub routes: DefaultRoutes,
}

/// A process of an App.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The command and its arguments, in which `$(NAME)` stands for a variable of the environment, such as `$(PORT)`. Left out:
    /// those of the image. At most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("items" = { "type": "string", "maxLength": 4096 }))]
    pub command: Vec<String>,

    /// The folder that it starts in: a path in the image, or of this machine where Apps run without images; there, one that does
    /// not begin with a slash begins at the folder that `flynn-operator up` was given. Left out: the image's, or that folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub working_dir: Option<String>,

    /// How many of it run. `kubectl scale app/NAME --replicas=N` sets it for `web`, and declares `web` where there is none.
    /// 0 to 1000, default 1.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,

    /// The port that it listens on, 1 to 65535, also in its environment as `PORT`. Left out: 8080 for `web`; none, and
    /// so no Service, for any other type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535))]
    pub port: Option<u16>,

    /// What it speaks on its port: `HTTP` (1.1), or `H2C` for HTTP/2 without TLS, as gRPC needs it. Default: `HTTP`.
    #[serde(default, skip_serializing_if = "ProcessProtocol::is_http")]
    pub protocol: ProcessProtocol,

    /// How to find out that it can take requests. Left out: it can as soon as it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,

    /// The CPU and memory of each replica, as in a Pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// What a process speaks on its port.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProcessProtocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/2 without TLS, known beforehand (RFC 9113 section 3.3). The port of the Service says so in its `appProtocol`.
    H2c,
}

impl ProcessProtocol {
    // serde gives references.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_http(&self) -> bool {
        *self == Self::Http
    }
}

/// An HTTP request that a process answers with 200 to 399 when it can take requests.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The path, for example `/healthz`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new("self.startsWith('/')").message("the path of a health check starts with a slash"))]
    pub path: String,
}

/// The CPU and memory of a replica.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// What it is sure to get, and what the scheduler counts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<ResourceAmounts>,
    /// What it never gets more of: CPU is throttled, and memory beyond it kills the replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ResourceAmounts>,
}

/// Amounts of CPU and memory.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourceAmounts {
    /// CPU in cores, for example `500m` or `2`; a fraction has to be quoted, as in `'0.5'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::quantity")]
    pub cpu: Option<Quantity>,
    /// Memory in bytes, for example `256Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::quantity")]
    pub memory: Option<Quantity>,
}

/// A source of environment variables.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.secret) != has(self.configMap)").message("name either a secret or a configMap")
)]
pub struct EnvSource {
    /// The name of a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret: Option<String>,
    /// The name of a ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub config_map: Option<String>,
}

/// Which Routes an App gets by itself.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultRoutes {
    /// One for `<app>.<default domain>`.
    #[default]
    Default,
    /// None.
    None,
}

/// What the operator found.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,
    /// What is true of the App now.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// Where it is served, for example `https://www.site.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many replicas of `web` run. For `kubectl scale` and autoscalers.
    pub replicas: i32,
    /// The label selector of the Pods of `web`. For autoscalers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            working_dir: None,
            replicas: one(),
            port: None,
            protocol: ProcessProtocol::default(),
            health_check: None,
            resources: None,
        }
    }
}

fn one() -> i32 {
    1
}

fn one_web_process() -> BTreeMap<String, Process> {
    BTreeMap::from([(WEB.to_owned(), Process::default())])
}

fn env_values(schema: &mut schemars::Schema) {
    schema.insert("additionalProperties".into(), serde_json::json!({ "type": "string", "maxLength": 32768 }));
}

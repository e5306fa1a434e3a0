//! `Certificate`: a key pair in a Secret, checked, served, and described for people and pinned clients.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A TLS certificate that Routes and the Cluster's domains can use. It is checked before it is served: when a bad one is
/// uploaded, the last good one stays.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "flynn.io",
    version = "v1alpha1",
    kind = "Certificate",
    plural = "certificates",
    shortname = "fcert",
    category = "flynn",
    namespaced,
    status = "CertificateStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A TLS certificate that Routes and the Cluster's domains can use. It is checked before it is served: when a bad one is uploaded, the last good one stays.",
    printcolumn(name = "Secret", type_ = "string", json_path = ".spec.secret"),
    printcolumn(name = "Names", type_ = "string", json_path = ".status.dnsNames"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.notAfter"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Pin", type_ = "string", json_path = ".status.tlsPin", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.secret) != has(self.selfSigned)")
        .message("name either a secret, or the names that a selfSigned certificate covers")
)]
pub struct CertificateSpec {
    /// A Secret of type `kubernetes.io/tls` in this namespace, with the chain in `tls.crt` (PEM, the leaf first) and the
    /// leaf's key in `tls.key` (PEM). `kubectl create secret tls NAME --cert=FILE --key=FILE` makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret: Option<String>,

    /// Left to the operator: it makes the key pair, signs it with an authority of its own, and renews it in time. Clients have to
    /// trust that authority: `flynn-operator ca` prints it, and so does `status.caBundle` of the Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_signed: Option<SelfSigned>,
}

/// A certificate that the operator's own authority signs.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelfSigned {
    /// The names that it covers, for example `flynn.localhost` and `*.flynn.localhost`. 1 to 100.
    #[schemars(length(min = 1, max = 100), extend("items" = { "type": "string", "minLength": 1, "maxLength": 253 }))]
    #[x_kube(
        validation = Rule::new(r"self.all(name, name.matches('^([*][.])?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?[.])*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'))")
            .message("a name is a host such as site.com, or a wildcard such as *.site.com, in lower case")
    )]
    pub dns_names: Vec<String>,
}

/// What the operator found. Everything but the conditions describes the certificate that is served, which is the last good
/// one.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,
    /// What is true of the Certificate now.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The names that the certificate covers (its DNS subject alternative names). At most 100 are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns_names: Vec<String>,
    /// The start of its validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::time")]
    pub not_before: Option<Time>,
    /// The end of its validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::time")]
    pub not_after: Option<Time>,
    /// SHA-256 of the leaf (DER), as 64 lower-case hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// SHA-256 of the leaf (DER) in base64: what Flynn's CLI calls `TLSPin`, and what
    /// `openssl x509 -outform DER -in FILE | openssl dgst -sha256 -binary | base64` prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_pin: Option<String>,
    /// The Secret in `flynn-system` from which the router nodes read the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served_secret: Option<String>,
}

//! The names that the operator gives: its namespace, labels, annotations and field manager.

/// The API group of every custom resource.
pub const GROUP: &str = "flynn.io";

/// The namespace of the operator itself, of the certificate keys in use and of the Lease.
pub const SYSTEM_NAMESPACE: &str = "flynn-system";

/// The field manager of everything that the operator applies, and the value of [`MANAGED_BY`].
pub const OPERATOR: &str = "flynn-operator";

/// The label of every object that the operator creates; its value is [`OPERATOR`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The label that names the App of a Deployment, a Service, a Pod or a Route.
pub const APP: &str = "flynn.io/app";

/// The label that names the process type of a Deployment, a Service or a Pod.
pub const PROCESS: &str = "flynn.io/process";

/// The label of a Route that an App made, with the Cluster's domain under which its host lies.
pub const DOMAIN: &str = "flynn.io/domain";

/// The label of a Secret in [`SYSTEM_NAMESPACE`] that holds a copy of a certificate and its key for the nodes.
/// Its value is the uid of the Certificate.
pub const CERTIFICATE_UID: &str = "flynn.io/certificate-uid";

/// The annotation of such a copy that names the Certificate as `namespace/name`.
pub const CERTIFICATE: &str = "flynn.io/certificate";

/// The annotation of a Cluster or a Blobstore whose every new value has the operator compare AWS with what is declared at once.
pub const RESYNC: &str = "flynn.io/resync";

/// The finalizer of a Cluster or a Blobstore for which something was made in AWS.
pub const AWS_FINALIZER: &str = "flynn.io/aws";

/// The annotation of a Blobstore whose every new value has its access key replaced at once.
pub const ROTATE: &str = "flynn.io/rotate";

/// The label of a Secret with the credentials of a Blobstore, and of the Pods that an App starts with them; its value is the Blobstore's name.
pub const BLOBSTORE: &str = "flynn.io/blobstore";

/// The annotation of such a Pod with the id of the access key that it was started with.
pub const BLOBSTORE_KEY: &str = "flynn.io/blobstore-key";

/// The type of such a Secret.
pub const BLOBSTORE_SECRET_TYPE: &str = "flynn.io/blobstore-credentials";

/// The Secret in [`SYSTEM_NAMESPACE`] with what all routers share.
pub const ROUTER_SECRET: &str = "flynn-operator-router";

/// Its entry for the key of sticky sessions: 32 bytes in base64, as Flynn's `COOKIE_KEY`.
pub const COOKIE_KEY: &str = "cookieKey";

/// The `appProtocol` of a Service's port whose endpoints speak HTTP/2 without TLS (KEP-3726).
pub const H2C: &str = "kubernetes.io/h2c";

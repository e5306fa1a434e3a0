//! How the Go types of the built-in kinds are written, as far as OpenAPI does not say it.
//!
//! A Go field without a pointer cannot tell zero from absent, so that a zero is left out; behind a pointer it is a value.

/// Scalars behind pointers: their zeros are kept.
const POINTERS: &[(&str, &[&str])] = &[
    ("AppArmorProfile", &["localhostProfile"]),
    ("AzureDiskVolumeSource", &["cachingMode", "fsType", "kind", "readOnly"]),
    ("CSIVolumeSource", &["fsType", "readOnly"]),
    ("ClientIPConfig", &["timeoutSeconds"]),
    ("ClusterTrustBundleProjection", &["name", "optional", "signerName"]),
    ("ConfigMap", &["immutable"]),
    ("ConfigMapEnvSource", &["optional"]),
    ("ConfigMapKeySelector", &["optional"]),
    ("ConfigMapProjection", &["optional"]),
    ("ConfigMapVolumeSource", &["defaultMode", "optional"]),
    ("Container", &["restartPolicy"]),
    ("ContainerStatus", &["started", "stopSignal"]),
    ("DeploymentSpec", &["progressDeadlineSeconds", "replicas", "revisionHistoryLimit"]),
    ("DeploymentStatus", &["collisionCount", "terminatingReplicas"]),
    ("DownwardAPIVolumeFile", &["mode"]),
    ("DownwardAPIVolumeSource", &["defaultMode"]),
    ("Endpoint", &["hostname", "nodeName", "zone"]),
    ("EndpointConditions", &["ready", "serving", "terminating"]),
    ("EndpointPort", &["appProtocol", "name", "port", "protocol"]),
    ("FCVolumeSource", &["lun"]),
    ("FileKeySelector", &["optional"]),
    ("GRPCAction", &["service"]),
    ("HostPathVolumeSource", &["type"]),
    ("ISCSIVolumeSource", &["initiatorName"]),
    ("KeyToPath", &["mode"]),
    (
        "LeaseSpec",
        &["holderIdentity", "leaseDurationSeconds", "leaseTransitions", "preferredHolder", "strategy"],
    ),
    ("Lifecycle", &["stopSignal"]),
    ("LoadBalancerIngress", &["ipMode"]),
    ("NodeFeatures", &["supplementalGroupsPolicy"]),
    ("NodeRuntimeHandlerFeatures", &["recursiveReadOnlyMounts", "userNamespaces"]),
    ("NodeSwapStatus", &["capacity"]),
    ("ObjectMeta", &["deletionGracePeriodSeconds"]),
    ("OwnerReference", &["blockOwnerDeletion", "controller"]),
    ("PersistentVolumeClaimSpec", &["storageClassName", "volumeAttributesClassName", "volumeMode"]),
    ("PodCertificateProjection", &["maxExpirationSeconds"]),
    ("PodDNSConfigOption", &["value"]),
    ("PodResourceClaim", &["resourceClaimName", "resourceClaimTemplateName"]),
    ("PodResourceClaimStatus", &["resourceClaimName"]),
    ("PodSchedulingGroup", &["podGroupName"]),
    (
        "PodSecurityContext",
        &[
            "fsGroup",
            "fsGroupChangePolicy",
            "runAsGroup",
            "runAsNonRoot",
            "runAsUser",
            "seLinuxChangePolicy",
            "supplementalGroupsPolicy",
        ],
    ),
    (
        "PodSpec",
        &[
            "activeDeadlineSeconds",
            "automountServiceAccountToken",
            "enableServiceLinks",
            "hostUsers",
            "hostnameOverride",
            "preemptionPolicy",
            "priority",
            "runtimeClassName",
            "setHostnameAsFQDN",
            "shareProcessNamespace",
            "terminationGracePeriodSeconds",
        ],
    ),
    ("PortStatus", &["error"]),
    ("Probe", &["terminationGracePeriodSeconds"]),
    ("ProjectedVolumeSource", &["defaultMode"]),
    ("ReplicaSetSpec", &["replicas"]),
    ("ReplicaSetStatus", &["terminatingReplicas"]),
    ("ResourceHealth", &["message"]),
    ("SeccompProfile", &["localhostProfile"]),
    ("Secret", &["immutable"]),
    ("SecretEnvSource", &["optional"]),
    ("SecretKeySelector", &["optional"]),
    ("SecretProjection", &["optional"]),
    ("SecretVolumeSource", &["defaultMode", "optional"]),
    (
        "SecurityContext",
        &[
            "allowPrivilegeEscalation",
            "privileged",
            "procMount",
            "readOnlyRootFilesystem",
            "runAsGroup",
            "runAsNonRoot",
            "runAsUser",
        ],
    ),
    ("ServiceAccountTokenProjection", &["expirationSeconds"]),
    ("ServicePort", &["appProtocol"]),
    (
        "ServiceSpec",
        &[
            "allocateLoadBalancerNodePorts",
            "internalTrafficPolicy",
            "ipFamilyPolicy",
            "loadBalancerClass",
            "trafficDistribution",
        ],
    ),
    ("Toleration", &["tolerationSeconds"]),
    ("TopologySpreadConstraint", &["minDomains", "nodeAffinityPolicy", "nodeTaintsPolicy"]),
    ("TypedLocalObjectReference", &["apiGroup"]),
    ("TypedObjectReference", &["apiGroup", "namespace"]),
    ("VolumeMount", &["mountPropagation", "recursiveReadOnly"]),
    ("VolumeMountStatus", &["recursiveReadOnly"]),
    (
        "WindowsSecurityContextOptions",
        &["gmsaCredentialSpec", "gmsaCredentialSpecName", "hostProcess", "runAsUserName"],
    ),
];

/// Lists that are written as null where they are empty.
const NULL_LISTS: &[(&str, &[&str])] = &[
    ("ContainerImage", &["names"]),
    ("Endpoint", &["addresses"]),
    ("EndpointSlice", &["endpoints", "ports"]),
    ("NodeSelector", &["nodeSelectorTerms"]),
    ("PodSpec", &["containers"]),
    ("ProjectedVolumeSource", &["sources"]),
];

/// Instants that are written as null where there is none.
const NULL_TIMES: &[(&str, &[&str])] = &[
    ("Condition", &["lastTransitionTime"]),
    ("ContainerStateRunning", &["startedAt"]),
    ("ContainerStateTerminated", &["finishedAt", "startedAt"]),
    ("DeploymentCondition", &["lastTransitionTime", "lastUpdateTime"]),
    (
        "Event",
        &[
            "deprecatedFirstTimestamp",
            "deprecatedLastTimestamp",
            "eventTime",
            "firstTimestamp",
            "lastTimestamp",
        ],
    ),
    ("EventSeries", &["lastObservedTime"]),
    ("NamespaceCondition", &["lastTransitionTime"]),
    ("NodeCondition", &["lastHeartbeatTime", "lastTransitionTime"]),
    ("PodCondition", &["lastProbeTime", "lastTransitionTime"]),
    ("ReplicaSetCondition", &["lastTransitionTime"]),
];

/// Whether the zero of this scalar is a value.
pub(super) fn is_pointer(definition: &str, field: &str) -> bool {
    has(POINTERS, definition, field)
}

/// Whether the field is written as null where it has no value.
pub(super) fn is_null_when_empty(definition: &str, field: &str) -> bool {
    has(NULL_LISTS, definition, field) || has(NULL_TIMES, definition, field)
}

fn has(table: &[(&str, &[&str])], definition: &str, field: &str) -> bool {
    table.iter().any(|(name, fields)| *name == definition && fields.contains(&field))
}

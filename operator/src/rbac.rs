//! What each role may do on the API server, as values: the least that its code does, and why.
//!
//! `manifests.rs` prints them, and the end-to-end tests run the roles with nothing more. A rule that no code needs is a
//! rule to remove; a request that no rule allows shows in the log with the verb and the resource.

use crds::names::{OPERATOR, SYSTEM_NAMESPACE};

/// A permission with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The API groups; the core group is empty.
    pub(crate) groups: &'static [&'static str],
    /// The resources and subresources.
    pub(crate) resources: &'static [&'static str],
    /// The names it is limited to; empty for all.
    pub(crate) names: &'static [&'static str],
    /// The verbs.
    pub(crate) verbs: &'static [&'static str],
    /// What needs it.
    pub(crate) reason: &'static str,
}

/// The permissions of a service account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permissions {
    /// The name of the service account, and of its roles.
    pub(crate) account: &'static str,
    /// In every namespace, and on what has none.
    pub(crate) everywhere: &'static [Rule],
    /// The same, each as a cluster role of its own: who wants less binds it in some namespaces, or deletes its binding.
    pub(crate) apart: &'static [Apart],
    /// In [`SYSTEM_NAMESPACE`] only.
    pub(crate) in_system_namespace: &'static [Rule],
}

/// Permissions that many installations do not need everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Apart {
    /// The name of the cluster role and of its binding.
    pub(crate) name: &'static str,
    /// What it allows.
    pub(crate) rules: &'static [Rule],
}

const CORE: &[&str] = &[""];
const FLYNN: &[&str] = &["flynn.io"];
const READ: &[&str] = &["list", "watch"];

// What both plan hosts from.
const ENDPOINTS: Rule = Rule {
    groups: &["discovery.k8s.io"],
    resources: &["endpointslices"],
    names: &[],
    verbs: READ,
    reason: "Which endpoints are ready.",
};

const LEADERS: Rule = Rule {
    groups: &["coordination.k8s.io"],
    resources: &["leases"],
    names: &[],
    verbs: READ,
    reason: "Who leads, in the namespaces of Routes with leader: true. No other is asked for.",
};

const POD_AGES: Rule = Rule {
    groups: CORE,
    resources: &["pods"],
    names: &[],
    verbs: READ,
    reason: "How old Pods are, in the same namespaces; their metadata alone is asked for.",
};

// What the credentials of Blobstores need, and nothing else does.
const BLOBSTORES: Apart = Apart {
    name: "flynn-operator-blobstores",
    rules: &[
        Rule {
            groups: CORE,
            resources: &["secrets"],
            names: &[],
            verbs: &["create", "delete", "get", "patch"],
            reason: "The Secrets with the credentials of Blobstores, in the namespaces of their Apps. One that the operator did not make is never changed.",
        },
        Rule {
            groups: CORE,
            resources: &["pods"],
            names: &[],
            verbs: &["list"],
            reason: "Which Pods were started with an access key that is to end, in the same namespaces.",
        },
    ],
};

/// What `controller` may do.
pub(crate) const CONTROLLER: Permissions = Permissions {
    account: "flynn-operator-controller",
    everywhere: &[
        Rule {
            groups: FLYNN,
            resources: &["apps", "blobstores", "certificates", "clusters", "routernodes", "routes"],
            names: &[],
            verbs: READ,
            reason: "What is declared, and what the nodes report.",
        },
        Rule {
            groups: FLYNN,
            resources: &[
                "apps/status",
                "blobstores/status",
                "certificates/status",
                "clusters/status",
                "routes/status",
            ],
            names: &[],
            verbs: &["patch"],
            reason: "Statuses are the controller's to write.",
        },
        Rule {
            groups: FLYNN,
            resources: &["blobstores", "clusters"],
            names: &[],
            verbs: &["get", "patch"],
            reason: "The finalizer flynn.io/aws, while there is something to undo in AWS.",
        },
        Rule {
            groups: FLYNN,
            resources: &["routes"],
            names: &[],
            verbs: &["create", "delete", "get", "patch"],
            reason: "The default Routes of Apps. Server-side apply needs create and patch; get is for looking twice before a deletion.",
        },
        Rule {
            groups: FLYNN,
            resources: &["apps/finalizers"],
            names: &[],
            verbs: &["update"],
            reason: "The admission plugin OwnerReferencesPermissionEnforcement asks for it before an object may hold up the deletion of its App.",
        },
        Rule {
            groups: &["apps"],
            resources: &["deployments"],
            names: &[],
            verbs: &["create", "delete", "get", "list", "patch", "watch"],
            reason: "The processes of Apps; all are watched, to notice a name that is taken.",
        },
        Rule {
            groups: CORE,
            resources: &["services"],
            names: &[],
            verbs: &["create", "delete", "get", "list", "patch", "watch"],
            reason: "The addresses of Apps, and the Services that Routes name.",
        },
        Rule {
            groups: CORE,
            resources: &["namespaces"],
            names: &[],
            verbs: READ,
            reason: "The labels that Cluster.spec.hosts selects by.",
        },
        Rule {
            groups: CORE,
            resources: &["nodes"],
            names: &[],
            verbs: READ,
            reason: "The nodes that Cluster.spec.nodes selects, for their addresses in AWS.",
        },
        Rule {
            groups: CORE,
            resources: &["secrets"],
            names: &[],
            verbs: READ,
            reason: "The Secrets of Certificates, in every namespace. Only those of type kubernetes.io/tls are asked for.",
        },
        ENDPOINTS,
        LEADERS,
        POD_AGES,
        Rule {
            groups: &["events.k8s.io"],
            resources: &["events"],
            names: &[],
            verbs: &["create"],
            reason: "One event for each condition that flips.",
        },
    ],
    apart: &[BLOBSTORES],
    in_system_namespace: &[
        Rule {
            groups: CORE,
            resources: &["secrets"],
            names: &[],
            verbs: &["create", "delete", "get", "patch"],
            reason: "The copies of the certificates in use, which are all that nodes can read.",
        },
        Rule {
            groups: &["coordination.k8s.io"],
            resources: &["leases"],
            names: &[],
            verbs: &["create"],
            reason: "The Lease, once; a name cannot be given for what does not exist.",
        },
        Rule {
            groups: &["coordination.k8s.io"],
            resources: &["leases"],
            names: &[OPERATOR],
            verbs: &["get", "list", "patch", "watch"],
            reason: "Which of the replicas writes.",
        },
    ],
};

/// What `node` may do.
pub(crate) const NODE: Permissions = Permissions {
    account: "flynn-operator-node",
    everywhere: &[
        Rule {
            groups: FLYNN,
            resources: &["apps", "certificates", "clusters", "routes"],
            names: &[],
            verbs: READ,
            reason: "What is declared.",
        },
        Rule {
            groups: CORE,
            resources: &["namespaces", "services"],
            names: &[],
            verbs: READ,
            reason: "The labels that Cluster.spec.hosts selects by, and the Services that Routes name.",
        },
        ENDPOINTS,
        LEADERS,
        POD_AGES,
        Rule {
            groups: FLYNN,
            resources: &["routernodes"],
            names: &[],
            verbs: &["create", "get"],
            reason: "Its own RouterNode. (The API cannot limit this to one name per node of a DaemonSet.)",
        },
        Rule {
            groups: FLYNN,
            resources: &["routernodes/status"],
            names: &[],
            verbs: &["patch"],
            reason: "Its report.",
        },
        Rule {
            groups: CORE,
            resources: &["nodes"],
            names: &[],
            verbs: &["get"],
            reason: "The Node that owns its RouterNode, so that both go together.",
        },
    ],
    apart: &[],
    in_system_namespace: &[Rule {
        groups: CORE,
        resources: &["secrets"],
        names: &[],
        verbs: READ,
        reason: "The copies of the certificates in use. No Secret anywhere else.",
    }],
};

/// Where the roles that are not everywhere are.
pub(crate) const NAMESPACE: &str = SYSTEM_NAMESPACE;

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a rule allows one of the verbs on a resource.
    fn allows(rules: &[Rule], resource: &str, verbs: &[&str]) -> bool {
        let mut on_it = rules.iter().filter(|rule| rule.resources.contains(&resource));
        on_it.any(|rule| rule.verbs.iter().any(|verb| verbs.contains(verb)))
    }

    #[test]
    fn no_rule_has_a_wildcard_and_each_has_a_reason() {
        for permissions in [CONTROLLER, NODE] {
            let apart = permissions.apart.iter().flat_map(|apart| apart.rules);
            for rule in permissions.everywhere.iter().chain(permissions.in_system_namespace).chain(apart) {
                let words = [rule.groups, rule.resources, rule.names, rule.verbs].concat();
                assert!(!words.contains(&"*"), "{rule:?}");
                assert!(rule.reason.ends_with(['.', ')']), "{rule:?}");
            }
        }
    }

    #[test]
    fn but_for_blobstores_secrets_are_written_in_the_system_namespace_only_and_by_the_controller_only() {
        let write = ["create", "update", "patch", "delete"];
        assert!(!allows(CONTROLLER.everywhere, "secrets", &write));
        assert!(allows(CONTROLLER.in_system_namespace, "secrets", &write));
        assert!(!allows(NODE.in_system_namespace, "secrets", &write));
        assert_eq!(CONTROLLER.apart, [BLOBSTORES]);
        assert!(allows(BLOBSTORES.rules, "secrets", &write) && NODE.apart.is_empty());
    }

    #[test]
    fn a_node_reads_no_secret_outside_the_system_namespace() {
        assert!(!allows(NODE.everywhere, "secrets", &["get", "list", "watch"]));
    }

    #[test]
    fn a_node_writes_its_router_node_and_nothing_else() {
        let write = ["create", "update", "patch", "delete", "deletecollection"];
        let rules = NODE.everywhere.iter().chain(NODE.in_system_namespace);
        let writing = rules.filter(|rule| rule.verbs.iter().any(|verb| write.contains(verb)));
        let resources: Vec<_> = writing.flat_map(|rule| rule.resources).collect();
        assert_eq!(resources, [&"routernodes", &"routernodes/status"]);
    }
}

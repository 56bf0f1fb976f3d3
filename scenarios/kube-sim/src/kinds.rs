//! The table of served kinds.

pub mod certificate_signing_request;
mod controller_revision;
mod cron_job;
mod daemon_set;
mod event;
mod horizontal_pod_autoscaler;
mod kind;
mod metrics;
mod networking;
mod pod_template;
mod rbac;
mod stateful_set;
mod volumes;

pub use daemon_set::TEMPLATE_GENERATION;
pub use rbac::GROUP as RBAC_GROUP;
pub use volumes::DEFAULT_CLASS;

pub use kind::{Conversion, Kind, Rules, Subresource, Traits, WriteRules};

use kind::{CAREFUL, CORE, COUNTED, CREATE, LEASE, REVIEW, STATUS, UPSERTED, proxy, scale, status, stream};

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];
const REGARDING_FIELDS: &[&str] = &[
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
];
const POD_FIELDS: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
];

/// Every served kind. What is not here is not in discovery either.
pub static KINDS: &[Kind] = &[
    Kind { resource: "configmaps", kind: "ConfigMap", short: &["cm"], ..CORE },
    Kind { resource: "endpoints", kind: "Endpoints", short: &["ep"], traits: UPSERTED, ..CORE },
    Kind {
        resource: "events",
        kind: "Event",
        short: &["ev"],
        traits: UPSERTED,
        selectable: EVENT_FIELDS,
        ..CORE
    },
    Kind {
        resource: "namespaces",
        kind: "Namespace",
        namespaced: false,
        short: &["ns"],
        subresources: &[
            Subresource { name: "finalize", body: ("", "", "Namespace"), verbs: &["update"] },
            status("Namespace"),
        ],
        selectable: &["status.phase"],
        ..CORE
    },
    Kind {
        resource: "nodes",
        kind: "Node",
        namespaced: false,
        short: &["no"],
        subresources: &[proxy("NodeProxyOptions"), status("Node")],
        selectable: &["spec.unschedulable"],
        ..CORE
    },
    volumes::CLAIMS,
    volumes::VOLUMES,
    Kind {
        resource: "pods",
        kind: "Pod",
        short: &["po"],
        categories: &["all"],
        subresources: &[
            stream("attach", "PodAttachOptions"),
            Subresource { name: "binding", body: ("", "", "Binding"), verbs: CREATE },
            Subresource { name: "eviction", body: ("policy", "v1", "Eviction"), verbs: CREATE },
            stream("exec", "PodExecOptions"),
            Subresource { name: "log", body: ("", "", "Pod"), verbs: &["get"] },
            stream("portforward", "PodPortForwardOptions"),
            proxy("PodProxyOptions"),
            Subresource { name: "resize", body: ("", "", "Pod"), verbs: STATUS },
            status("Pod"),
        ],
        traits: COUNTED,
        selectable: POD_FIELDS,
        ..CORE
    },
    pod_template::POD_TEMPLATES,
    Kind { resource: "secrets", kind: "Secret", selectable: &["type"], ..CORE },
    Kind {
        resource: "serviceaccounts",
        kind: "ServiceAccount",
        short: &["sa"],
        subresources: &[Subresource {
            name: "token",
            body: ("authentication.k8s.io", "v1", "TokenRequest"),
            verbs: CREATE,
        }],
        ..CORE
    },
    Kind {
        resource: "services",
        kind: "Service",
        short: &["svc"],
        categories: &["all"],
        subresources: &[proxy("ServiceProxyOptions"), status("Service")],
        traits: UPSERTED,
        selectable: &["spec.clusterIP", "spec.type"],
        ..CORE
    },
    Kind {
        group: "apps",
        resource: "deployments",
        kind: "Deployment",
        short: &["deploy"],
        categories: &["all"],
        subresources: &[scale(), status("Deployment")],
        traits: COUNTED,
        ..CORE
    },
    Kind {
        group: "apps",
        resource: "replicasets",
        kind: "ReplicaSet",
        short: &["rs"],
        categories: &["all"],
        subresources: &[scale(), status("ReplicaSet")],
        traits: COUNTED,
        selectable: &["status.replicas"],
        ..CORE
    },
    controller_revision::CONTROLLER_REVISIONS,
    daemon_set::DAEMON_SETS,
    stateful_set::STATEFUL_SETS,
    Kind {
        group: "authentication.k8s.io",
        resource: "selfsubjectreviews",
        kind: "SelfSubjectReview",
        ..REVIEW
    },
    Kind { group: "authentication.k8s.io", resource: "tokenreviews", kind: "TokenReview", ..REVIEW },
    Kind {
        group: "authorization.k8s.io",
        resource: "localsubjectaccessreviews",
        kind: "LocalSubjectAccessReview",
        namespaced: true,
        ..REVIEW
    },
    Kind {
        group: "authorization.k8s.io",
        resource: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview",
        ..REVIEW
    },
    Kind {
        group: "authorization.k8s.io",
        resource: "selfsubjectrulesreviews",
        kind: "SelfSubjectRulesReview",
        ..REVIEW
    },
    Kind {
        group: "authorization.k8s.io",
        resource: "subjectaccessreviews",
        kind: "SubjectAccessReview",
        ..REVIEW
    },
    horizontal_pod_autoscaler::AUTOSCALERS,
    horizontal_pod_autoscaler::AUTOSCALERS_V1,
    cron_job::CRON_JOBS,
    Kind {
        group: "batch",
        resource: "jobs",
        kind: "Job",
        categories: &["all"],
        subresources: &[status("Job")],
        traits: COUNTED,
        selectable: &["status.successful"],
        ..CORE
    },
    certificate_signing_request::REQUESTS,
    Kind { group: "coordination.k8s.io", resource: "leases", kind: "Lease", traits: LEASE, ..CORE },
    Kind {
        group: "discovery.k8s.io",
        resource: "endpointslices",
        kind: "EndpointSlice",
        traits: COUNTED,
        ..CORE
    },
    Kind {
        group: "events.k8s.io",
        resource: "events",
        kind: "Event",
        short: &["ev"],
        traits: UPSERTED,
        selectable: REGARDING_FIELDS,
        conversion: Some(event::NEWER),
        ..CORE
    },
    networking::INGRESSES,
    networking::INGRESS_CLASSES,
    networking::NETWORK_POLICIES,
    Kind {
        group: "policy",
        resource: "poddisruptionbudgets",
        kind: "PodDisruptionBudget",
        short: &["pdb"],
        subresources: &[status("PodDisruptionBudget")],
        traits: CAREFUL,
        ..CORE
    },
    rbac::CLUSTER_ROLE_BINDINGS,
    rbac::CLUSTER_ROLES,
    rbac::ROLE_BINDINGS,
    rbac::ROLES,
    Kind {
        group: "scheduling.k8s.io",
        resource: "priorityclasses",
        kind: "PriorityClass",
        namespaced: false,
        short: &["pc"],
        ..CORE
    },
    volumes::CLASSES,
    Kind {
        group: "admissionregistration.k8s.io",
        resource: "mutatingwebhookconfigurations",
        kind: "MutatingWebhookConfiguration",
        namespaced: false,
        categories: &["api-extensions"],
        traits: CAREFUL,
        ..CORE
    },
    Kind {
        group: "admissionregistration.k8s.io",
        resource: "validatingwebhookconfigurations",
        kind: "ValidatingWebhookConfiguration",
        namespaced: false,
        categories: &["api-extensions"],
        traits: CAREFUL,
        ..CORE
    },
    metrics::NODES,
    metrics::PODS,
];

/// The kind of this resource in this group, in the version that is stored.
pub fn find(group: &str, resource: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.resource == resource && kind.group == group)
}

/// The kind of this resource in a version of this group.
pub fn served(group: &str, version: &str, resource: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.resource == resource && kind.group == group && kind.version == version)
}

/// The kind of this name in this group, in the version that is stored.
pub fn named(group: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|known| known.group == group && known.kind == kind)
}

/// The versions of a group, the preferred one first; none of a group that is not served.
pub fn versions(group: &str) -> Vec<&'static str> {
    let mut versions = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group) {
        if !versions.contains(&kind.version) {
            versions.push(kind.version);
        }
    }
    versions
}

/// Every group with each of its versions, the core first.
pub fn group_versions() -> Vec<(&'static str, &'static str)> {
    let of = |group| versions(group).into_iter().map(move |version| (group, version));
    groups().into_iter().flat_map(of).collect()
}

/// The groups, the core first, each once.
pub fn groups() -> Vec<&'static str> {
    let mut groups = Vec::new();
    for kind in KINDS {
        if !groups.contains(&kind.group) {
            groups.push(kind.group);
        }
    }
    groups
}

//! The table of served kinds.

use serde_json::{Value, json};

/// A kind of object, and what may be done with it.
#[derive(Debug)]
pub struct Kind {
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The version without the group, as in `v1`.
    pub version: &'static str,
    /// The plural, as it stands in paths.
    pub resource: &'static str,
    /// The kind, as it stands in objects.
    pub kind: &'static str,
    /// True for a kind whose objects live in namespaces.
    pub namespaced: bool,
    /// Short names for kubectl, as in `po`.
    pub short: &'static [&'static str],
    /// Groups of kinds, such as `all`.
    pub categories: &'static [&'static str],
    /// The kind's subresources.
    pub subresources: &'static [Subresource],
    /// Rules for writes of its objects.
    pub traits: Traits,
    /// The fields that select, beside name and namespace.
    pub selectable: &'static [&'static str],
}

/// A subresource: its name, the kind of its bodies, and its verbs.
#[derive(Debug)]
pub struct Subresource {
    /// Name in the path, as in `status`.
    pub name: &'static str,
    /// Group, version and kind of its body; empty group and version mean those of the object.
    pub body: (&'static str, &'static str, &'static str),
    /// The verbs that discovery lists.
    pub verbs: &'static [&'static str],
}

/// Rules for writes in which kinds differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traits {
    /// True when `metadata.generation` counts changes of the specification.
    pub generation: bool,
    /// True when a PUT of a missing object creates it.
    pub create_on_update: bool,
    /// True when a PUT needs a resource version.
    pub needs_version: bool,
    /// True for reviews, which are answered and not stored.
    pub computed: bool,
}

const STORED: Traits =
    Traits { generation: false, create_on_update: false, needs_version: false, computed: false };
const COUNTED: Traits = Traits { generation: true, ..STORED };
const COMPUTED: Traits = Traits { computed: true, ..STORED };
const UPSERTED: Traits = Traits { create_on_update: true, ..STORED };
const CAREFUL: Traits = Traits { needs_version: true, ..COUNTED };
const LEASE: Traits = Traits { create_on_update: true, needs_version: true, ..STORED };

const ALL: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const NO_COLLECTION: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const CREATE: &[&str] = &["create"];
const STATUS: &[&str] = &["get", "patch", "update"];
const STREAM: &[&str] = &["create", "get"];
const PROXY: &[&str] = &["create", "delete", "get", "patch", "update"];

const fn status(kind: &'static str) -> Subresource {
    Subresource { name: "status", body: ("", "", kind), verbs: STATUS }
}

const fn proxy(kind: &'static str) -> Subresource {
    Subresource { name: "proxy", body: ("", "", kind), verbs: PROXY }
}

const fn stream(name: &'static str, kind: &'static str) -> Subresource {
    Subresource { name, body: ("", "", kind), verbs: STREAM }
}

const fn scale() -> Subresource {
    Subresource { name: "scale", body: ("autoscaling", "v1", "Scale"), verbs: STATUS }
}

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

const CORE: Kind = Kind {
    group: "",
    version: "v1",
    resource: "",
    kind: "",
    namespaced: true,
    short: &[],
    categories: &[],
    subresources: &[],
    traits: STORED,
    selectable: &[],
};
const REVIEW: Kind = Kind { version: "v1", namespaced: false, traits: COMPUTED, ..CORE };

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
    Kind {
        resource: "persistentvolumeclaims",
        kind: "PersistentVolumeClaim",
        short: &["pvc"],
        subresources: &[status("PersistentVolumeClaim")],
        ..CORE
    },
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
        ..CORE
    },
    Kind {
        group: "policy",
        resource: "poddisruptionbudgets",
        kind: "PodDisruptionBudget",
        short: &["pdb"],
        subresources: &[status("PodDisruptionBudget")],
        traits: CAREFUL,
        ..CORE
    },
    Kind {
        group: "scheduling.k8s.io",
        resource: "priorityclasses",
        kind: "PriorityClass",
        namespaced: false,
        short: &["pc"],
        ..CORE
    },
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
];

/// The kind of this resource in this group.
pub fn find(group: &str, resource: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.group == group && kind.resource == resource)
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

impl Kind {
    /// Group and version as in `apiVersion`: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Resource and group as in messages: `pods`, `deployments.apps`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    /// The details of a Status about one object of this kind.
    pub fn details(&self, name: &str) -> Value {
        match self.group {
            "" => json!({"name": name, "kind": self.resource}),
            group => json!({"name": name, "group": group, "kind": self.resource}),
        }
    }

    /// The verbs of the kind's objects.
    pub fn verbs(&self) -> &'static [&'static str] {
        match (self.traits.computed, self.resource) {
            (true, _) => CREATE,
            (false, "namespaces") => NO_COLLECTION,
            (false, _) => ALL,
        }
    }

    /// Group and resource under which its objects are stored; `events.k8s.io` shares the core's events.
    pub fn storage(&self) -> (&'static str, &'static str) {
        if self.resource == "events" { ("", "events") } else { (self.group, self.resource) }
    }

    /// The singular, as kubectl takes it.
    pub fn singular(&self) -> String {
        self.kind.to_ascii_lowercase()
    }
}

//! The roles and bindings of every cluster, as far as people bind to them.

use serde_json::{Value, json};

use crate::authn::{AUTHENTICATED, MASTERS, UNAUTHENTICATED};
use crate::kinds::RBAC_GROUP;

/// Resources of workloads and what they need, by group.
const WORKLOADS: [(&str, &[&str]); 8] = [
    (
        "",
        &[
            "configmaps",
            "endpoints",
            "events",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "pods/log",
            "pods/status",
            "serviceaccounts",
            "services",
            "services/status",
        ],
    ),
    (
        "apps",
        &[
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ],
    ),
    ("autoscaling", &["horizontalpodautoscalers", "horizontalpodautoscalers/status"]),
    ("batch", &["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("networking.k8s.io", &["ingresses", "ingresses/status", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets", "poddisruptionbudgets/status"]),
    ("coordination.k8s.io", &["leases"]),
];
const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];
const DISCOVERY: [&str; 8] =
    ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/"];
/// The group of signing requests, and the roles of kubelets whose requests are approved.
const SIGNING: &str = "certificates.k8s.io";
const NODE_CLIENT: &str = "system:certificates.k8s.io:certificatesigningrequests:nodeclient";
const OWN_NODE_CLIENT: &str = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient";
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

/// All of them: the resource, and the object.
pub fn all() -> Vec<(&'static str, Value)> {
    let anything = json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]);
    let reviews = json!([
        {"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
            "verbs": ["create"]},
        {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
    ]);
    let roles = [
        ("cluster-admin", anything),
        ("admin", json!([view(), edit(), secrets(), accounts(), roles()].concat())),
        ("edit", json!([view(), edit(), secrets()].concat())),
        ("view", json!(view())),
        ("system:aggregated-metrics-reader", json!([rule("metrics.k8s.io", &["nodes", "pods"], &READ)])),
        ("system:basic-user", reviews),
        (NODE_CLIENT, json!([rule(SIGNING, &["certificatesigningrequests/nodeclient"], &["create"])])),
        (
            OWN_NODE_CLIENT,
            json!([rule(SIGNING, &["certificatesigningrequests/selfnodeclient"], &["create"])]),
        ),
        ("system:discovery", json!([{"nonResourceURLs": DISCOVERY, "verbs": ["get"]}])),
        ("system:public-info-viewer", json!([{"nonResourceURLs": PUBLIC, "verbs": ["get"]}])),
    ];
    let bindings = [
        ("cluster-admin", vec![MASTERS]),
        ("system:basic-user", vec![AUTHENTICATED]),
        ("system:discovery", vec![AUTHENTICATED]),
        ("system:public-info-viewer", vec![AUTHENTICATED, UNAUTHENTICATED]),
    ];
    let metadata = |name: &str| {
        json!({"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
            "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}})
    };
    let roles = roles
        .into_iter()
        .map(|(name, rules)| ("clusterroles", json!({"metadata": metadata(name), "rules": rules})));
    let bindings = bindings.into_iter().map(|(name, groups)| {
        let subjects: Vec<_> = groups.iter().map(|group| json!({"kind": "Group", "name": group})).collect();
        let role = json!({"kind": "ClusterRole", "name": name});
        ("clusterrolebindings", json!({"metadata": metadata(name), "roleRef": role, "subjects": subjects}))
    });
    roles.chain(bindings).collect()
}

fn view() -> Vec<Value> {
    let rules = WORKLOADS.into_iter().map(|(group, resources)| rule(group, resources, &READ));
    rules
        .chain([rule("", &["namespaces"], &READ), rule("metrics.k8s.io", &["nodes", "pods"], &READ)])
        .collect()
}

fn edit() -> Vec<Value> {
    let rules = WORKLOADS.into_iter().map(|(group, resources)| rule(group, resources, &WRITE));
    let streams = ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"];
    rules
        .chain([
            rule("", &streams, &["get", "list", "watch", "create", "delete", "patch", "update"]),
            rule("", &["pods/eviction", "serviceaccounts/token"], &["create"]),
            rule("", &["serviceaccounts"], &["impersonate"]),
        ])
        .collect()
}

fn secrets() -> Vec<Value> {
    vec![rule("", &["secrets"], &[READ.as_slice(), &WRITE].concat())]
}

fn accounts() -> Vec<Value> {
    vec![rule("authorization.k8s.io", &["localsubjectaccessreviews"], &["create"])]
}

fn roles() -> Vec<Value> {
    let verbs = [READ.as_slice(), &WRITE].concat();
    vec![rule(RBAC_GROUP, &["rolebindings", "roles"], &verbs)]
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

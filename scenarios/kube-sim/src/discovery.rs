//! API discovery, in the aggregated and in the older form.

use serde_json::{Value, json};

use crate::kinds::{self, KINDS, Kind};

/// The document of `/version`: Kubernetes 1.34.4.
pub fn version() -> Value {
    json!({
        "major": "1",
        "minor": "34",
        "emulationMajor": "1",
        "emulationMinor": "34",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "33",
        "gitVersion": "v1.34.4",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": "embedded",
    })
}

/// `/`: the paths there are.
pub fn paths() -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for group in kinds::groups().into_iter().filter(|group| !group.is_empty()) {
        paths.push(format!("/apis/{group}"));
        paths.extend(kinds::versions(group).into_iter().map(|version| format!("/apis/{group}/{version}")));
    }
    paths.extend(
        ["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_owned),
    );
    json!({"paths": paths})
}

/// `/api` in the older form.
pub fn core_versions(address: &str) -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]})
}

/// `/apis` in the older form.
pub fn group_list() -> Value {
    let groups: Vec<_> =
        kinds::groups().into_iter().filter(|group| !group.is_empty()).map(group_entry).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`; `None` for an unknown one.
pub fn group(name: &str) -> Option<Value> {
    let known = !name.is_empty() && KINDS.iter().any(|kind| kind.group == name);
    known.then(|| {
        let mut group = json!({"kind": "APIGroup", "apiVersion": "v1"});
        if let (Some(whole), Value::Object(mut entry)) = (group.as_object_mut(), group_entry(name)) {
            whole.append(&mut entry);
        }
        group
    })
}

fn group_entry(name: &str) -> Value {
    let versions = kinds::versions(name).into_iter();
    let versions = versions.map(|v| json!({"groupVersion": format!("{name}/{v}"), "version": v}));
    let versions: Vec<Value> = versions.collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions.first()})
}

/// `/api/v1` and `/apis/<group>/<version>`; `None` for an unknown one.
pub fn resource_list(group: &str, version: &str) -> Option<Value> {
    let mut resources = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group && kind.version == version) {
        let mut entry = json!({
            "name": kind.resource,
            "singularName": kind.singular(),
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": kind.verbs(),
        });
        if !kind.short.is_empty() {
            entry["shortNames"] = json!(kind.short);
        }
        if !kind.categories.is_empty() {
            entry["categories"] = json!(kind.categories);
        }
        resources.push(entry);
        for below in kind.subresources {
            let (body_group, body_version, body_kind) = below.body;
            let mut entry = json!({"name": format!("{}/{}", kind.resource, below.name), "singularName": "",
                "namespaced": kind.namespaced});
            if !body_version.is_empty() {
                entry["group"] = body_group.into();
                entry["version"] = body_version.into();
            }
            entry["kind"] = body_kind.into();
            entry["verbs"] = json!(below.verbs);
            resources.push(entry);
        }
    }
    let name = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    (!resources.is_empty())
        .then(|| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources}))
}

/// `/api` (the core alone) and `/apis` (all others) in the aggregated form.
pub fn aggregated(core: bool, version: &str) -> Value {
    let groups = kinds::groups().into_iter().filter(|group| group.is_empty() == core);
    let items: Vec<_> = groups.map(aggregated_group).collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {}, "items": items})
}

fn aggregated_group(group: &str) -> Value {
    let versions = kinds::versions(group).into_iter().map(|version| {
        let own = KINDS.iter().filter(|kind| kind.group == group && kind.version == version);
        let resources: Vec<_> = own.map(aggregated_resource).collect();
        json!({"version": version, "freshness": "Current", "resources": resources})
    });
    let versions: Vec<_> = versions.collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": versions})
}

fn aggregated_resource(kind: &Kind) -> Value {
    let mut entry = json!({
        "resource": kind.resource,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular(),
        "verbs": kind.verbs(),
    });
    if !kind.short.is_empty() {
        entry["shortNames"] = json!(kind.short);
    }
    if !kind.categories.is_empty() {
        entry["categories"] = json!(kind.categories);
    }
    let below = kind.subresources.iter().map(|below| {
        let (group, version, name) = below.body;
        json!({"subresource": below.name, "responseKind": {"group": group, "version": version, "kind": name}, "verbs": below.verbs})
    });
    let below: Vec<_> = below.collect();
    if !below.is_empty() {
        entry["subresources"] = below.into();
    }
    entry
}

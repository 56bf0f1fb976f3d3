//! Audit log of the API server: its policy, and its entries, read back.

use std::path::Path;

use serde_json::{Value, json};

/// One request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditedRequest {
    /// Verb, as `get`, `list`, `watch`, `create` or `patch`.
    pub verb: String,
    /// API group; empty for the core one.
    pub group: String,
    /// Resource, as `pods`, and with a subresource as `pods/status`.
    pub resource: String,
    /// Namespace, when the resource has one.
    pub namespace: Option<String>,
    /// Name of the object, when the request has one.
    pub name: Option<String>,
    /// HTTP status of the answer.
    pub code: u16,
}

/// Audit policy: everybody's requests, once answered, but those of the control plane's own programs.
#[must_use]
pub fn policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "omitManagedFields": true,
        "rules": [
            {"level": "None", "users": [
                "system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:anonymous",
            ]},
            {"level": "Metadata"},
        ],
    })
}

/// Requests of this user, oldest first. A watch is logged when it has ended.
#[must_use]
pub fn requests_of(user: &str, log: &Path) -> Vec<AuditedRequest> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["user"]["username"] == user).filter_map(|event| read(&event)).collect()
}

fn read(event: &Value) -> Option<AuditedRequest> {
    let object = event.get("objectRef")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut resource = text(&object["resource"])?;
    if let Some(subresource) = object["subresource"].as_str() {
        resource = format!("{resource}/{subresource}");
    }
    Some(AuditedRequest {
        verb: text(&event["verb"])?,
        group: text(&object["apiGroup"]).unwrap_or_default(),
        resource,
        namespace: text(&object["namespace"]),
        name: text(&object["name"]),
        code: event["responseStatus"]["code"].as_u64()?.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_says_who_asked_for_what() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let line = r#"{"verb":"patch","user":{"username":"node"},"objectRef":{"resource":"pods","namespace":"vk","name":"nginx","apiVersion":"v1","subresource":"status"},"responseStatus":{"code":200}}"#;
        std::fs::write(log.path(), format!("{line}\n{line}\nhalf a li")).unwrap();
        let asked = requests_of("node", log.path());
        assert_eq!(asked.len(), 2);
        assert_eq!((asked[0].verb.as_str(), asked[0].resource.as_str()), ("patch", "pods/status"));
        assert_eq!((asked[0].name.as_deref(), asked[0].code), (Some("nginx"), 200));
        assert_eq!(requests_of("somebody", log.path()), []);
    }
}

//! Which webhooks a request concerns, and in which order.

use std::sync::Arc;

use serde_json::Value;

use crate::admission::attributes::{Attributes, Objects};
use crate::controllers::label_selector::selects;
use crate::pods::field::{list, name, number, text};

/// Whether webhooks may change the object or only judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// They may change it.
    Mutating,
    /// They judge it.
    Validating,
}

impl Role {
    fn resource(self) -> &'static str {
        match self {
            Self::Mutating => "mutatingwebhookconfigurations",
            Self::Validating => "validatingwebhookconfigurations",
        }
    }
}

/// One webhook of one configuration.
#[derive(Debug, Clone)]
pub struct Webhook {
    configuration: Arc<Value>,
    position: usize,
}

impl Webhook {
    /// The webhook's entry in its configuration.
    pub fn entry(&self) -> &Value {
        &self.configuration["webhooks"][self.position]
    }

    /// The webhook's name.
    pub fn name(&self) -> &str {
        text(self.entry(), "/name")
    }

    /// Whether a failed call lets the request pass.
    pub fn ignores_failure(&self) -> bool {
        text(self.entry(), "/failurePolicy") == "Ignore"
    }

    /// Whether it wants to be asked again when the object changed after it.
    pub fn wants_second_look(&self) -> bool {
        text(self.entry(), "/reinvocationPolicy") == "IfNeeded"
    }

    /// How long it may take.
    pub fn timeout_seconds(&self) -> u64 {
        number(self.entry(), "/timeoutSeconds").and_then(|s| u64::try_from(s).ok()).unwrap_or(10)
    }

    /// Whether it may be asked about what is not going to happen.
    pub fn bears_dry_run(&self) -> bool {
        matches!(text(self.entry(), "/sideEffects"), "None" | "NoneOnDryRun")
    }

    /// Where it is: its address, and the authority that vouches for it.
    pub fn address(&self) -> String {
        let client = &self.entry()["clientConfig"];
        let url = text(client, "/url");
        let base = if url.is_empty() {
            let port = number(client, "/service/port").unwrap_or(443);
            let path = text(client, "/service/path").trim_start_matches('/');
            let (service, namespace) = (text(client, "/service/name"), text(client, "/service/namespace"));
            format!("https://{service}.{namespace}.svc:{port}/{path}")
        } else {
            url.to_owned()
        };
        let joint = if base.contains('?') { '&' } else { '?' };
        format!("{base}{joint}timeout={}s", self.timeout_seconds())
    }
}

/// The webhooks of `role` that `request` with `object` concerns: by configuration's name, then by position.
pub fn select(role: Role, request: &Attributes<'_>, object: &Value, objects: &dyn Objects) -> Vec<Webhook> {
    if request.group == "admissionregistration.k8s.io" {
        return Vec::new();
    }
    let mut configurations = objects.list("admissionregistration.k8s.io", role.resource());
    configurations.sort_by(|a, b| name(a).cmp(name(b)));
    let mut chosen = Vec::new();
    for configuration in configurations {
        for position in 0..list(&configuration, "/webhooks").len() {
            let webhook = Webhook { configuration: Arc::clone(&configuration), position };
            if concerns(webhook.entry(), request, object, objects) {
                chosen.push(webhook);
            }
        }
    }
    chosen
}

fn concerns(webhook: &Value, request: &Attributes<'_>, object: &Value, objects: &dyn Objects) -> bool {
    list(webhook, "/rules").iter().any(|rule| covers(rule, request))
        && namespace_selected(webhook, request, object, objects)
        && object_selected(webhook, request, object)
}

/// Whether a rule speaks of the request's resource and operation.
pub fn covers(rule: &Value, request: &Attributes<'_>) -> bool {
    let has = |path: &str, wanted: &str| {
        list(rule, path).iter().filter_map(Value::as_str).any(|v| v == "*" || v == wanted)
    };
    let scope = match text(rule, "/scope") {
        "Namespaced" => request.namespaced,
        "Cluster" => !request.namespaced,
        _ => true,
    };
    scope
        && has("/apiGroups", request.group)
        && has("/apiVersions", request.version)
        && has("/operations", request.operation.as_str())
        && list(rule, "/resources").iter().filter_map(Value::as_str).any(|r| covers_resource(r, request))
}

fn covers_resource(pattern: &str, request: &Attributes<'_>) -> bool {
    let (resource, subresource) = pattern.split_once('/').unwrap_or((pattern, ""));
    (resource == "*" || resource == request.resource)
        && (subresource == "*" || subresource == request.subresource)
}

fn namespace_selected(
    webhook: &Value,
    request: &Attributes<'_>,
    object: &Value,
    objects: &dyn Objects,
) -> bool {
    let Some(selector) = webhook.get("namespaceSelector").filter(|s| !s.is_null()) else {
        return true;
    };
    if request.group.is_empty() && request.resource == "namespaces" {
        let itself = if object.is_null() { request.old.unwrap_or(object) } else { object };
        return selects(Some(selector), itself);
    }
    if !request.namespaced {
        return true;
    }
    let namespace = objects.get("", "namespaces", "", request.namespace);
    namespace.is_some_and(|namespace| selects(Some(selector), &namespace))
}

fn object_selected(webhook: &Value, request: &Attributes<'_>, object: &Value) -> bool {
    let Some(selector) = webhook.get("objectSelector").filter(|s| !s.is_null()) else {
        return true;
    };
    let matches = |object: &Value| !object.is_null() && selects(Some(selector), object);
    matches(object)
        || request.old.is_some_and(matches)
        || (object.is_null()
            && request.old.is_none()
            && crate::controllers::label_selector::is_empty(selector))
}

//! Selection of the webhooks that a request concerns, in the order of their calls.

use std::sync::Arc;

use serde_json::Value;

use crate::admission::attributes::{Attributes, ObjectReader};
use crate::label_selector::selects;
use crate::object::field::{list, name, number, text};

/// The two kinds of admission webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookKind {
    /// Webhooks that may change the object.
    Mutating,
    /// Webhooks that only allow or deny.
    Validating,
}

impl WebhookKind {
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

    /// The webhook's fully qualified name, as in `pods.example.com`.
    pub fn name(&self) -> &str {
        text(self.entry(), "/name")
    }

    /// True when a failed call lets the request pass (`failurePolicy: Ignore`).
    pub fn ignores_failure(&self) -> bool {
        text(self.entry(), "/failurePolicy") == "Ignore"
    }

    /// True when the webhook is called again after others changed the object (`reinvocationPolicy: IfNeeded`).
    pub fn wants_reinvocation(&self) -> bool {
        text(self.entry(), "/reinvocationPolicy") == "IfNeeded"
    }

    /// True when the webhook's namespace and object selectors match `object` as it is now.
    pub fn concerns(&self, request: &Attributes<'_>, object: &Value, objects: &dyn ObjectReader) -> bool {
        namespace_selected(self.entry(), request, object, objects)
            && object_selected(self.entry(), request, object)
    }

    /// True when the webhook has `matchConditions`, whose language (CEL) is not evaluated here.
    pub fn has_conditions(&self) -> bool {
        !list(self.entry(), "/matchConditions").is_empty()
    }

    /// The call's timeout in seconds; 10 unless the webhook says otherwise.
    pub fn timeout_seconds(&self) -> u64 {
        number(self.entry(), "/timeoutSeconds").and_then(|s| u64::try_from(s).ok()).unwrap_or(10)
    }

    /// True when the webhook declares that dry runs cause no side effects.
    pub fn supports_dry_run(&self) -> bool {
        matches!(text(self.entry(), "/sideEffects"), "None" | "NoneOnDryRun")
    }

    /// The webhook's URL: its own, or that of its service, with the timeout as a query parameter.
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

/// The webhooks of `kind` whose rules cover `request`: by configuration's name, then by position.
pub fn select(kind: WebhookKind, request: &Attributes<'_>, objects: &dyn ObjectReader) -> Vec<Webhook> {
    if request.group == "admissionregistration.k8s.io" {
        return Vec::new();
    }
    let mut configurations = objects.list("admissionregistration.k8s.io", kind.resource());
    configurations.sort_by(|a, b| name(a).cmp(name(b)));
    let mut chosen = Vec::new();
    for configuration in configurations {
        for position in 0..list(&configuration, "/webhooks").len() {
            let webhook = Webhook { configuration: Arc::clone(&configuration), position };
            if list(webhook.entry(), "/rules").iter().any(|rule| covers(rule, request)) {
                chosen.push(webhook);
            }
        }
    }
    chosen
}

/// True when a rule covers the request's resource, operation and scope.
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
    objects: &dyn ObjectReader,
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
        || (object.is_null() && request.old.is_none() && crate::label_selector::is_empty(selector))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::attributes::Operation;

    struct Labelled(Value);

    impl ObjectReader for Labelled {
        fn get(&self, _: &str, resource: &str, _: &str, _: &str) -> Option<Arc<Value>> {
            (resource == "namespaces").then(|| Arc::new(json!({"metadata": {"labels": self.0}})))
        }

        fn list(&self, _: &str, _: &str) -> Vec<Arc<Value>> {
            Vec::new()
        }
    }

    fn request(resource: &'static str, subresource: &'static str) -> Attributes<'static> {
        Attributes {
            operation: Operation::Create,
            group: "",
            version: "v1",
            resource,
            subresource,
            kind: "Pod",
            namespaced: resource != "nodes",
            namespace: "vk",
            name: "p",
            old: None,
            dry_run: false,
            user: &Value::Null,
            options: &Value::Null,
        }
    }

    #[test]
    fn a_rule_covers_exactly_these_requests() {
        let rule = |resources: Value, scope: &str| json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": resources, "scope": scope});
        for (resources, scope, pod, status, node) in [
            (json!(["pods"]), "*", true, false, false),
            (json!(["pods/status"]), "*", false, true, false),
            (json!(["pods/*"]), "*", true, true, false),
            (json!(["*"]), "*", true, false, true),
            (json!(["*/*"]), "*", true, true, true),
            (json!(["*/status"]), "*", false, true, false),
            (json!(["*"]), "Namespaced", true, false, false),
            (json!(["*"]), "Cluster", false, false, true),
        ] {
            let rule = rule(resources, scope);
            let seen =
                [("pods", ""), ("pods", "status"), ("nodes", "")].map(|(r, s)| covers(&rule, &request(r, s)));
            assert_eq!(seen, [pod, status, node], "{rule}");
        }
        let other =
            json!({"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]});
        assert!(!covers(&other, &request("pods", "")));
    }

    #[test]
    fn selectors_look_at_the_namespace_and_at_the_object() {
        let enabled = json!({"matchLabels": {"virtual-node-affinity-injection": "enabled"}});
        let labels = json!({"virtual-node-affinity-injection": "enabled"});
        let webhook = |namespaces: &Value, objects: &Value| Webhook {
            configuration: Arc::new(
                json!({"webhooks": [{"namespaceSelector": namespaces, "objectSelector": objects}]}),
            ),
            position: 0,
        };
        let (any, none) = (json!({}), json!({}));
        for (namespaces, objects, of_namespace, of_object, wanted) in [
            (&any, &any, &none, &none, true),
            (&enabled, &any, &labels, &none, true),
            (&enabled, &any, &none, &labels, false),
            (&any, &enabled, &none, &labels, true),
            (&any, &enabled, &labels, &none, false),
        ] {
            let object = json!({"metadata": {"labels": of_object}});
            let seen = webhook(namespaces, objects).concerns(
                &request("pods", ""),
                &object,
                &Labelled(of_namespace.clone()),
            );
            assert_eq!(seen, wanted, "{namespaces} {objects} on {of_namespace} {of_object}");
        }
    }
}

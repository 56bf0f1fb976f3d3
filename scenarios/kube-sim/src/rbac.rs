//! The evaluation of roles and their bindings: what a user may do, and by which binding.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::authn::{MASTERS, User};
use crate::kinds::RBAC_GROUP as GROUP;
use crate::object::field::{list, name, namespace, text};
use crate::sim::KubeSim;
use crate::store::GroupResource;

/// Group and resource of ClusterRoles.
pub const CLUSTER_ROLES: GroupResource = (GROUP, "clusterroles");
/// Group and resource of ClusterRoleBindings.
pub const CLUSTER_ROLE_BINDINGS: GroupResource = (GROUP, "clusterrolebindings");
const ROLES: GroupResource = (GROUP, "roles");
const ROLE_BINDINGS: GroupResource = (GROUP, "rolebindings");

/// Something that a user wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed<'a> {
    /// A verb on a resource.
    Resource {
        /// The verb, as in `list`.
        verb: &'a str,
        /// The API group; empty for the core.
        group: &'a str,
        /// The resource, with its subresource as in `pods/log`.
        resource: &'a str,
        /// The object's name; empty for all.
        name: &'a str,
        /// The namespace; empty for the whole cluster.
        namespace: &'a str,
    },
    /// A verb on a path that is no resource.
    Path {
        /// The verb, as in `get`.
        verb: &'a str,
        /// The path, as in `/healthz`.
        path: &'a str,
    },
}

/// True where a user may do something: by roles where these are evaluated, else for everybody who is known.
pub fn is_allowed(sim: &KubeSim, user: &User, deed: Deed<'_>) -> bool {
    match sim.has_rbac() {
        true => reason(sim, user, deed).is_some(),
        false => user.is_known(),
    }
}

/// The binding that allows a deed, as the real server gives it for the reason; `None` when nothing does.
pub fn reason(sim: &KubeSim, user: &User, deed: Deed<'_>) -> Option<String> {
    if user.groups.iter().any(|group| group == MASTERS) {
        return Some(String::new());
    }
    let place = match deed {
        Deed::Resource { namespace, .. } => namespace,
        Deed::Path { .. } => "",
    };
    granted(sim, user, place)
        .find(|grant| grant.rules().iter().any(|rule| allows(rule, deed)))
        .map(|grant| grant.reason())
}

/// A role that a user has, and the binding that gives it.
struct Grant {
    role: Arc<Value>,
    binding: Arc<Value>,
    /// The place of the user, or of one of its groups, among the binding's subjects.
    subject: usize,
}

impl Grant {
    fn rules(&self) -> &[Value] {
        list(&self.role, "/rules")
    }

    /// The reason, as the real server gives it.
    fn reason(&self) -> String {
        let own = namespace(&self.binding);
        let shown = match own {
            "" => format!("ClusterRoleBinding {:?}", name(&self.binding)),
            own => format!("RoleBinding \"{}/{own}\"", name(&self.binding)),
        };
        let subject = &list(&self.binding, "/subjects")[self.subject];
        let who = match text(subject, "/kind") {
            "ServiceAccount" => {
                let own = Some(text(subject, "/namespace")).filter(|n| !n.is_empty()).unwrap_or(own);
                format!("ServiceAccount \"{}/{own}\"", text(subject, "/name"))
            }
            kind => format!("{kind} {:?}", text(subject, "/name")),
        };
        let (kind, role) = (text(&self.binding, "/roleRef/kind"), text(&self.binding, "/roleRef/name"));
        format!("RBAC: allowed by {shown} of {kind} {role:?} to {who}")
    }
}

/// The roles that a user has in a namespace, those of the whole cluster first.
fn granted<'a>(sim: &'a KubeSim, user: &'a User, place: &'a str) -> impl Iterator<Item = Grant> + use<'a> {
    let bindings = sim.store().list(CLUSTER_ROLE_BINDINGS, None).0;
    let local = if place.is_empty() { Vec::new() } else { sim.store().list(ROLE_BINDINGS, Some(place)).0 };
    bindings.into_iter().chain(local).filter_map(move |binding| {
        let subject =
            list(&binding, "/subjects").iter().position(|subject| is_meant(subject, &binding, user))?;
        let role = text(&binding, "/roleRef/name");
        let role = match text(&binding, "/roleRef/kind") {
            "Role" => sim.store().get(ROLES, place, role),
            _ => sim.store().get(CLUSTER_ROLES, "", role),
        }?;
        Some(Grant { role, binding, subject })
    })
}

fn is_meant(subject: &Value, binding: &Value, user: &User) -> bool {
    let known = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => known == user.name,
        "Group" => user.groups.iter().any(|group| group == known),
        "ServiceAccount" => {
            let own = Some(text(subject, "/namespace")).filter(|n| !n.is_empty());
            user.as_service_account() == Some((own.unwrap_or(namespace(binding)), known))
        }
        _ => false,
    }
}

/// True for a rule that allows a deed.
fn allows(rule: &Value, deed: Deed<'_>) -> bool {
    let has = |key: &str, wanted: &str| {
        list(rule, key).iter().any(|own| own == "*" || own.as_str() == Some(wanted))
    };
    match deed {
        Deed::Path { verb, path } => {
            let fits = |own: &Value| {
                let own = own.as_str().unwrap_or_default();
                own == path || own.strip_suffix('*').is_some_and(|start| path.starts_with(start))
            };
            has("/verbs", verb) && list(rule, "/nonResourceURLs").iter().any(fits)
        }
        Deed::Resource { verb, group, resource, name, .. } => {
            let names = list(rule, "/resourceNames");
            let below = resource.split_once('/').map(|(_, below)| format!("*/{below}"));
            has("/verbs", verb)
                && has("/apiGroups", group)
                && (has("/resources", resource)
                    || below.is_some_and(|below| list(rule, "/resources").iter().any(|own| *own == below)))
                && (names.is_empty() || names.iter().any(|own| own.as_str() == Some(name)))
        }
    }
}

/// The rules of a user in a namespace, as a SelfSubjectRulesReview lists them.
pub fn rules_of(sim: &KubeSim, user: &User, place: &str) -> Value {
    let all: Vec<Value> = match user.groups.iter().any(|group| group == MASTERS) {
        true => vec![
            json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
            json!({"verbs": ["*"], "nonResourceURLs": ["*"]}),
        ],
        false => granted(sim, user, place).flat_map(|grant| grant.rules().to_vec()).collect(),
    };
    let (paths, resources): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|rule| !list(rule, "/nonResourceURLs").is_empty());
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_allows_what_it_names_and_nothing_else() {
        let resource =
            |verb, group, resource, name| Deed::Resource { verb, group, resource, name, namespace: "n" };
        let pods = json!({"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]});
        let scales = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*/scale"]});
        let one =
            json!({"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]});
        let paths = json!({"verbs": ["get"], "nonResourceURLs": ["/healthz", "/api/*"]});
        let path = |path| Deed::Path { verb: "get", path };
        for (rule, deed, wanted) in [
            (&pods, resource("get", "", "pods", "x"), true),
            (&pods, resource("get", "", "pods/log", "x"), true),
            (&pods, resource("get", "", "pods/exec", "x"), false),
            (&pods, resource("delete", "", "pods", "x"), false),
            (&pods, resource("get", "apps", "pods", "x"), false),
            (&scales, resource("patch", "apps", "deployments/scale", "x"), true),
            (&scales, resource("patch", "apps", "deployments", "x"), false),
            (&one, resource("get", "", "secrets", "a"), true),
            (&one, resource("get", "", "secrets", "b"), false),
            (&one, resource("get", "", "secrets", ""), false),
            (&paths, path("/healthz"), true),
            (&paths, path("/api/v1"), true),
            (&paths, path("/metrics"), false),
            (&pods, path("/healthz"), false),
        ] {
            assert_eq!(allows(rule, deed), wanted, "{rule} {deed:?}");
        }
    }
}

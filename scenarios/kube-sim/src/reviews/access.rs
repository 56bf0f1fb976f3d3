//! Reviews of access: what a user may do, by the roles where these are evaluated.

use serde_json::{Value, json};

use crate::authn::{AUTHENTICATED, User};
use crate::object::field::{is_set, list, text};
use crate::rbac::{self, Deed};
use crate::sim::KubeSim;

/// The user that a review asks about.
pub fn subject(review: &Value) -> User {
    let groups = list(review, "/spec/groups").iter().filter_map(Value::as_str);
    let mut groups: Vec<&str> = groups.collect();
    let known = !["", "system:anonymous"].contains(&text(review, "/spec/user"));
    // Without evaluation, whoever has a name is known.
    if known && groups.is_empty() {
        groups.push(AUTHENTICATED);
    }
    User::of(text(review, "/spec/user"), &groups)
}

/// The status of a review that asks whether `user` may do something.
pub fn of(sim: &KubeSim, user: &User, review: &Value) -> Value {
    if !sim.has_rbac() {
        let known = user.is_known() || !["", "system:anonymous"].contains(&user.name.as_str());
        return match known {
            true => {
                json!({"allowed": true, "reason": "this cluster allows everything to everybody it knows"})
            }
            false => json!({"allowed": false}),
        };
    }
    let asked = |key: &str| text(review, &format!("/spec/resourceAttributes/{key}"));
    let below = asked("subresource");
    let resource = match below {
        "" => asked("resource").to_owned(),
        below => format!("{}/{below}", asked("resource")),
    };
    let deed = match is_set(review, "/spec/resourceAttributes") {
        true => Deed::Resource {
            verb: asked("verb"),
            group: asked("group"),
            resource: &resource,
            name: asked("name"),
            namespace: asked("namespace"),
        },
        false => Deed::Path {
            verb: text(review, "/spec/nonResourceAttributes/verb"),
            path: text(review, "/spec/nonResourceAttributes/path"),
        },
    };
    match rbac::reason(sim, user, deed) {
        Some(reason) if reason.is_empty() => json!({"allowed": true}),
        Some(reason) => json!({"allowed": true, "reason": reason}),
        None => json!({"allowed": false}),
    }
}

/// The status of a review that asks for all rules of `user` in a namespace.
pub fn rules(sim: &KubeSim, user: &User, namespace: &str) -> Value {
    if sim.has_rbac() {
        return rbac::rules_of(sim, user, namespace);
    }
    let (all, paths) = match user.is_known() {
        true => (
            json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]),
            json!([{"verbs": ["*"], "nonResourceURLs": ["*"]}]),
        ),
        false => (
            json!([]),
            json!([{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version"]}]),
        ),
    };
    json!({"resourceRules": all, "nonResourceRules": paths, "incomplete": false})
}

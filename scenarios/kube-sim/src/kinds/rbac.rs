//! Roles and their bindings: defaults, validation and columns.

use serde_json::Value;

use super::kind::{CORE, Kind, NO_RULES, Rules};
use crate::object::field::{default_to, list, text};
use crate::object::field_error::{FieldErrorKind, FieldErrors};
use crate::table::cells::{AGE, CREATED_AT, NAME, age_of, name_of, text_column, wide};

/// The API group of roles and their bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// The row of ClusterRoles.
pub const CLUSTER_ROLES: Kind = Kind {
    group: GROUP,
    resource: "clusterroles",
    kind: "ClusterRole",
    namespaced: false,
    rules: Rules {
        check: |object, _, errors| check_rules(object, false, errors),
        columns: &[NAME, CREATED_AT],
        ..NO_RULES
    },
    ..CORE
};

/// The row of Roles.
pub const ROLES: Kind = Kind {
    resource: "roles",
    kind: "Role",
    namespaced: true,
    rules: Rules { check: |object, _, errors| check_rules(object, true, errors), ..CLUSTER_ROLES.rules },
    ..CLUSTER_ROLES
};

/// The row of RoleBindings.
pub const ROLE_BINDINGS: Kind = Kind {
    group: GROUP,
    resource: "rolebindings",
    kind: "RoleBinding",
    rules: Rules {
        fill: |object, _| fill_binding(object),
        check: |object, old, errors| check_binding(object, old, true, errors),
        columns: &[NAME, text_column("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")],
        row: |object, now| {
            let role = format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
            let mut cells = vec![name_of(object), role.into(), age_of(object, now)];
            cells.extend(["User", "Group", "ServiceAccount"].map(|kind| subjects(object, kind).into()));
            cells
        },
    },
    ..CORE
};

/// The row of ClusterRoleBindings.
pub const CLUSTER_ROLE_BINDINGS: Kind = Kind {
    resource: "clusterrolebindings",
    kind: "ClusterRoleBinding",
    namespaced: false,
    rules: Rules {
        check: |object, old, errors| check_binding(object, old, false, errors),
        ..ROLE_BINDINGS.rules
    },
    ..ROLE_BINDINGS
};

fn subjects(object: &Value, kind: &str) -> String {
    let named = list(object, "/subjects").iter().filter(|subject| text(subject, "/kind") == kind);
    let named = named.map(|subject| match kind {
        "ServiceAccount" => format!("{}/{}", text(subject, "/namespace"), text(subject, "/name")),
        _ => text(subject, "/name").to_owned(),
    });
    named.collect::<Vec<_>>().join(", ")
}

fn check_rules(object: &Value, namespaced: bool, errors: &mut FieldErrors) {
    for (at, rule) in list(object, "/rules").iter().enumerate() {
        let field = format!("rules[{at}]");
        let is_empty = |key: &str| list(rule, &format!("/{key}")).is_empty();
        if is_empty("verbs") {
            errors.required(format!("{field}.verbs"), "verbs must contain at least one value");
        }
        if !is_empty("nonResourceURLs") {
            let field = format!("{field}.nonResourceURLs");
            if namespaced {
                let why = "namespaced rules cannot apply to non-resource URLs";
                errors.invalid(field.clone(), &rule["nonResourceURLs"], why);
            }
            if !["apiGroups", "resources", "resourceNames"].into_iter().all(is_empty) {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                errors.invalid(field, &rule["nonResourceURLs"], why);
            }
            continue;
        }
        if is_empty("apiGroups") {
            errors
                .required(format!("{field}.apiGroups"), "resource rules must supply at least one api group");
        }
        if is_empty("resources") {
            errors.required(format!("{field}.resources"), "resource rules must supply at least one resource");
        }
    }
}

fn fill_binding(object: &mut Value) {
    if object["roleRef"].is_object() {
        default_to(&mut object["roleRef"], "apiGroup", GROUP);
    }
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if matches!(text(subject, "/kind"), "User" | "Group") {
            default_to(subject, "apiGroup", GROUP);
        }
    }
}

fn check_binding(object: &Value, old: Option<&Value>, namespaced: bool, errors: &mut FieldErrors) {
    let role = &object["roleRef"];
    errors.one_of("roleRef.apiGroup", text(role, "/apiGroup"), &[GROUP]);
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    errors.one_of("roleRef.kind", text(role, "/kind"), kinds);
    if text(role, "/name").is_empty() {
        errors.required("roleRef.name", "");
    }
    for (at, subject) in list(object, "/subjects").iter().enumerate() {
        check_subject(subject, &format!("subjects[{at}]"), namespaced, errors);
    }
    if old.is_some_and(|old| old["roleRef"] != *role) {
        let shown = format!(
            "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
            role["apiGroup"], role["kind"], role["name"]
        );
        errors.push("roleRef", FieldErrorKind::Invalid(shown, "cannot change roleRef".to_owned()));
    }
}

fn check_subject(subject: &Value, field: &str, namespaced: bool, errors: &mut FieldErrors) {
    if text(subject, "/name").is_empty() {
        errors.required(format!("{field}.name"), "");
    }
    let group = text(subject, "/apiGroup");
    match text(subject, "/kind") {
        "ServiceAccount" => {
            errors.one_of(format!("{field}.apiGroup"), group, &[""]);
            if !namespaced && text(subject, "/namespace").is_empty() {
                errors.required(format!("{field}.namespace"), "");
            }
        }
        "User" | "Group" => errors.one_of(format!("{field}.apiGroup"), group, &[GROUP]),
        other => errors.one_of(format!("{field}.kind"), other, &["Group", "ServiceAccount", "User"]),
    }
}

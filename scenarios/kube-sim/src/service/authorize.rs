//! Authorisation of requests: by roles where these are evaluated, else of everybody who is known; and impersonation.

use http::{HeaderMap, Method};

use super::call::Call;
use super::target::{Route, Target};
use crate::authn::{AUTHENTICATED, UNAUTHENTICATED, User};
use crate::rbac::{self, Deed};
use crate::sim::KubeSim;
use crate::status::ApiError;

/// The headers that name another user, its groups and its uid.
const IMPERSONATION: [&str; 3] = ["impersonate-user", "impersonate-group", "impersonate-uid"];

/// Refuses a request that its user may not make.
///
/// # Errors
/// 403 that names the user and the deed.
pub fn check(call: &Call, path: &str, route: &Route) -> Result<(), ApiError> {
    let user = &call.user.name;
    let is_open = matches!(route, Route::Health { .. } | Route::Version);
    if !call.sim.has_rbac() && (is_open || call.user.is_known()) {
        return Ok(());
    }
    let Route::Resource(target) = route else {
        let verb = call.method.as_str().to_ascii_lowercase();
        if rbac::is_allowed(&call.sim, &call.user, Deed::Path { verb: &verb, path }) {
            return Ok(());
        }
        let message = format!("forbidden: User {user:?} cannot {verb} path {path:?}");
        return Err(ApiError::new(403, "Forbidden", message));
    };
    let (verb, kind) = (verb_of(call, target), target.kind);
    let resource = match target.subresource.as_str() {
        "" => kind.resource.to_owned(),
        below => format!("{}/{below}", kind.resource),
    };
    // A namespace is asked for as an object within itself.
    let namespace = if kind.resource == "namespaces" { &target.name } else { &target.namespace };
    let deed = Deed::Resource { verb, group: kind.group, resource: &resource, name: &target.name, namespace };
    if rbac::is_allowed(&call.sim, &call.user, deed) {
        return Ok(());
    }
    let place = place(namespace);
    let why =
        format!("User {user:?} cannot {verb} resource {resource:?} in API group {:?} {place}", kind.group);
    Err(ApiError::forbidden(kind, &target.name, &why))
}

fn place(namespace: &str) -> String {
    match namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {namespace:?}"),
    }
}

fn verb_of(call: &Call, target: &Target) -> &'static str {
    match (&call.method, target.name.is_empty()) {
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "deletecollection",
        (&Method::DELETE, false) => "delete",
        _ if call.flag("watch") || target.watch => "watch",
        (_, true) => "list",
        (_, false) => "get",
    }
}

/// The user that a request is made as: the one of its headers, which `user` has to be allowed to be.
///
/// # Errors
/// 500 for headers that name no user, as the real one answers, 403 when the user may not be somebody else.
pub fn impersonated(sim: &KubeSim, user: User, headers: &HeaderMap) -> Result<User, ApiError> {
    if !IMPERSONATION.iter().any(|name| headers.contains_key(*name)) {
        return Ok(user);
    }
    let all = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.map(str::to_owned).collect()
    };
    let [names, groups, uids] = IMPERSONATION.map(all);
    let Some(name) = names.first() else {
        if groups.is_empty() && uids.is_empty() {
            return Ok(user);
        }
        let message = "requested impersonation without impersonating a user";
        return Err(ApiError::new(500, "InternalError", message));
    };
    let account = User::of(name, &[]);
    let account = account.as_service_account();
    match account {
        Some((namespace, known)) => may_be(sim, &user, "serviceaccounts", known, namespace)?,
        None => may_be(sim, &user, "users", name, "")?,
    }
    for group in &groups {
        may_be(sim, &user, "groups", group, "")?;
    }
    for uid in &uids {
        may_be(sim, &user, "uids", uid, "")?;
    }
    let mut next = match account {
        Some((namespace, known)) if groups.is_empty() => User::service_account(namespace, known, ""),
        _ => User { groups: groups.clone(), ..User::of(name, &[]) },
    };
    let own = if name == "system:anonymous" { UNAUTHENTICATED } else { AUTHENTICATED };
    let known = [AUTHENTICATED, UNAUTHENTICATED];
    if !next.groups.iter().any(|group| known.contains(&group.as_str())) {
        next.groups.push(own.to_owned());
    }
    next.uid = uids.into_iter().next().unwrap_or_default();
    Ok(next)
}

fn may_be(sim: &KubeSim, user: &User, resource: &str, name: &str, namespace: &str) -> Result<(), ApiError> {
    let deed = Deed::Resource { verb: "impersonate", group: "", resource, name, namespace };
    if rbac::is_allowed(sim, user, deed) {
        return Ok(());
    }
    let message = format!(
        "{resource} {name:?} is forbidden: User {:?} cannot impersonate resource {resource:?} in API group \"\" {}",
        user.name,
        place(namespace)
    );
    Err(ApiError::new(403, "Forbidden", message))
}

//! Kinds that are asked and not stored: who am I, may I, whose token is this, and tokens themselves.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::KubeSim;
use crate::authn::{Token, User};
use crate::kinds::{self, Kind};
use crate::pods::field::{name, text, uid};
use crate::pods::instant;
use crate::pods::problem::Problems;
use crate::status::ApiError;

/// Answers a review; whoever is known may do all, as on a cluster without authorisation.
pub fn answer(sim: &KubeSim, kind: &Kind, user: &User, mut review: Value) -> Value {
    review["status"] = match kind.resource {
        "selfsubjectreviews" => json!({"userInfo": user.info()}),
        "tokenreviews" => token_review(sim, &review),
        "selfsubjectaccessreviews" => access(user.is_known()),
        "selfsubjectrulesreviews" => rules(user.is_known()),
        _ => {
            let known =
                !text(&review, "/spec/user").is_empty() && text(&review, "/spec/user") != "system:anonymous";
            access(known)
        }
    };
    review
}

fn access(allowed: bool) -> Value {
    match allowed {
        true => json!({"allowed": true, "reason": "this cluster allows everything to everybody it knows"}),
        false => json!({"allowed": false}),
    }
}

fn rules(allowed: bool) -> Value {
    let (all, paths) = match allowed {
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

fn token_review(sim: &KubeSim, review: &Value) -> Value {
    match live_token(sim, text(review, "/spec/token")) {
        Some(token) => {
            let asked = crate::pods::field::list(review, "/spec/audiences");
            let meant: Vec<_> = token
                .audiences
                .iter()
                .filter(|audience| asked.is_empty() || asked.iter().any(|one| one == audience.as_str()))
                .collect();
            if meant.is_empty() && !asked.is_empty() {
                return json!({"user": {}, "error": "the token is meant for none of the audiences that were asked for"});
            }
            json!({"authenticated": true, "user": token.user.info(), "audiences": meant})
        }
        None => json!({"user": {}, "error": "invalid bearer token"}),
    }
}

/// A token that is valid and whose pod, if it is bound to one, is still there.
pub fn live_token(sim: &KubeSim, token: &str) -> Option<Token> {
    let token = sim.tokens().check(token, sim.clock().now())?;
    let Some((namespace, pod, wanted)) = &token.pod else { return Some(token) };
    let stored = sim.store().get(("", "pods"), namespace, pod)?;
    (uid(&stored) == wanted).then_some(token)
}

/// Answers `serviceaccounts/<name>/token`.
///
/// # Errors
/// When the account or the pod that it is to be bound to is not there, or the time is too short.
pub fn token(sim: &KubeSim, account: &Value, mut request: Value) -> Result<Value, ApiError> {
    let namespace = text(account, "/metadata/namespace").to_owned();
    let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
    if seconds < 600 {
        let mut problems = Problems::default();
        problems.invalid(
            "spec.expirationSeconds",
            seconds,
            "may not specify a duration less than 10 minutes",
        );
        return Err(ApiError::invalid_as("TokenRequest.authentication.k8s.io", "", &problems));
    }
    let pod = bound_pod(sim, &namespace, &request)?;
    let audiences: Vec<String> = request
        .pointer("/spec/audiences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|a| a.as_str().map(str::to_owned))
        .collect();
    let audiences =
        if audiences.is_empty() { vec!["https://kubernetes.default.svc".to_owned()] } else { audiences };
    let expires =
        sim.clock().now().saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(jiff::Timestamp::MAX);
    let user = User::service_account(&namespace, name(account), uid(account));
    let token = sim.tokens().issue(Token { user, expires, audiences: audiences.clone(), pod });
    request["spec"]["audiences"] = json!(audiences);
    request["spec"]["expirationSeconds"] = seconds.into();
    request["status"] = json!({"token": token, "expirationTimestamp": instant::seconds(expires)});
    Ok(request)
}

fn bound_pod(
    sim: &KubeSim,
    namespace: &str,
    request: &Value,
) -> Result<Option<(String, String, String)>, ApiError> {
    let (kind, pod) =
        (text(request, "/spec/boundObjectRef/kind"), text(request, "/spec/boundObjectRef/name"));
    let Some(pods) = kinds::find("", "pods").filter(|_| kind == "Pod") else { return Ok(None) };
    let stored =
        sim.store().get(pods.shelf(), namespace, pod).ok_or_else(|| ApiError::not_found(pods, pod))?;
    let wanted = text(request, "/spec/boundObjectRef/uid");
    if !wanted.is_empty() && wanted != uid(&stored) {
        let message = format!(
            "Operation cannot be fulfilled on Pod {pod:?}: the UID in the bound object reference ({wanted}) does not match the \
             UID in record. The object might have been deleted and then recreated"
        );
        return Err(ApiError::new(409, "Conflict", message));
    }
    Ok(Some((namespace.to_owned(), pod.to_owned(), uid(&stored).to_owned())))
}

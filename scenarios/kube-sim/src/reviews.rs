//! Reviews, which are answered and not stored: subjects, access, tokens; and the issuing of tokens.

mod access;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::authn::{BoundObject, Token, User};
use crate::kinds::{self, Kind};
use crate::object::field::{list, name, number, text, uid};
use crate::object::field_error::FieldErrors;
use crate::object::timestamp;
use crate::sim::KubeSim;
use crate::status::ApiError;

/// Lifetime that is asked for in pods' own volumes, and the one that such a token has, so that programs which never read it
/// again go on, in seconds.
const INJECTED_LIFETIME: i64 = 3607;
const EXTENDED_LIFETIME: i64 = 365 * 24 * 60 * 60;
/// Issuer of tokens, and their audience unless a request names another.
const ISSUER: &str = "https://kubernetes.default.svc";
const LIFETIME_MIN: i64 = 600;
const LIFETIME_MAX: i64 = 1 << 32;

/// Answers a review.
pub fn answer(sim: &KubeSim, kind: &Kind, user: &User, mut review: Value) -> Value {
    review["status"] = match kind.resource {
        "selfsubjectreviews" => json!({"userInfo": user.info()}),
        "tokenreviews" => token_review(sim, &review),
        "selfsubjectrulesreviews" => access::rules(sim, user, text(&review, "/spec/namespace")),
        "selfsubjectaccessreviews" => access::of(sim, user, &review),
        _ => access::of(sim, &access::subject(&review), &review),
    };
    review
}

fn token_review(sim: &KubeSim, review: &Value) -> Value {
    match live_token(sim, text(review, "/spec/token")) {
        Some(token) => {
            let asked = list(review, "/spec/audiences");
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

/// The unexpired token of this text whose account and bound object still exist.
pub fn live_token(sim: &KubeSim, token: &str) -> Option<Token> {
    let token = sim.tokens().check(token, sim.clock().now())?;
    let is_same = |resource, namespace: &str, known: &str, wanted: &str| {
        sim.store().get(resource, namespace, known).is_some_and(|stored| uid(&stored) == wanted)
    };
    if let Some((namespace, account)) = token.user.as_service_account()
        && !is_same(("", "serviceaccounts"), namespace, account, &token.user.uid)
    {
        return None;
    }
    match &token.bound {
        Some(bound) if !is_same(("", bound.resource), &bound.namespace, &bound.name, &bound.uid) => None,
        _ => Some(token),
    }
}

/// The live token of this text whose audiences include this server.
pub fn bearer(sim: &KubeSim, token: &str) -> Option<Token> {
    live_token(sim, token).filter(|token| {
        token.audiences.is_empty() || token.audiences.iter().any(|audience| audience == ISSUER)
    })
}

/// Issues a token for `serviceaccounts/<name>/token`; `request` is the TokenRequest, returned with its status.
///
/// # Errors
/// When the account or the object that it is to be bound to is not there, or the time is too short or too long.
pub fn token(sim: &KubeSim, account: &Value, mut request: Value) -> Result<Value, ApiError> {
    let namespace = text(account, "/metadata/namespace").to_owned();
    let seconds = number(&request, "/spec/expirationSeconds").unwrap_or(3600);
    check_lifetime(seconds)?;
    let bound = bound(sim, &namespace, &request)?;
    let audiences: Vec<String> =
        list(&request, "/spec/audiences").iter().filter_map(|a| a.as_str().map(str::to_owned)).collect();
    let audiences = if audiences.is_empty() { vec![ISSUER.to_owned()] } else { audiences };
    let now = sim.clock().now();
    let at = |life| now.saturating_add(SignedDuration::from_secs(life)).unwrap_or(jiff::Timestamp::MAX);
    let is_injected = seconds == INJECTED_LIFETIME && bound.is_some() && audiences == [ISSUER];
    let expires = if is_injected { at(EXTENDED_LIFETIME) } else { at(seconds) };
    let mut own =
        json!({"namespace": namespace, "serviceaccount": {"name": name(account), "uid": uid(account)}});
    if let Some(bound) = &bound {
        let kind = bound.resource.trim_end_matches('s');
        own[kind] = json!({"name": bound.name, "uid": bound.uid});
    }
    let user = User::service_account(&namespace, name(account), uid(account));
    let (from, to) = (now.as_second(), expires.as_second());
    let claims = json!({"aud": audiences, "exp": to, "iat": from, "nbf": from, "iss": ISSUER,
        "kubernetes.io": own, "sub": user.name});
    let token = sim.tokens().sign(Token { user, expires, audiences: audiences.clone(), bound }, claims);
    request["spec"]["audiences"] = json!(audiences);
    request["spec"]["expirationSeconds"] = seconds.into();
    request["status"] = json!({"token": token, "expirationTimestamp": timestamp::seconds(at(seconds))});
    request["metadata"] =
        json!({"name": name(account), "namespace": namespace, "creationTimestamp": timestamp::seconds(now)});
    Ok(request)
}

fn check_lifetime(seconds: i64) -> Result<(), ApiError> {
    let mut errors = FieldErrors::default();
    let field = "spec.expirationSeconds";
    if seconds < LIFETIME_MIN {
        errors.invalid(field, seconds, "may not specify a duration less than 10 minutes");
    }
    if seconds > LIFETIME_MAX {
        errors.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds");
    }
    match errors.0.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid_as("TokenRequest.authentication.k8s.io", "", &errors)),
    }
}

fn bound(sim: &KubeSim, namespace: &str, request: &Value) -> Result<Option<BoundObject>, ApiError> {
    let said = |key: &str| text(request, &format!("/spec/boundObjectRef/{key}"));
    let (resource, namespace) = match said("kind") {
        "Pod" => ("pods", namespace),
        "Secret" => ("secrets", namespace),
        "Node" => ("nodes", ""),
        _ => return Ok(None),
    };
    let Some(kind) = kinds::find("", resource) else { return Ok(None) };
    let known = said("name");
    let stored =
        sim.store().get(kind.storage(), namespace, known).ok_or_else(|| ApiError::not_found(kind, known))?;
    let wanted = said("uid");
    if !wanted.is_empty() && wanted != uid(&stored) {
        let message = format!(
            "Operation cannot be fulfilled on {} {known:?}: the UID in the bound object reference ({wanted}) does not match \
             the UID in record. The object might have been deleted and then recreated",
            kind.kind
        );
        return Err(ApiError::new(409, "Conflict", message));
    }
    let (namespace, name, uid) = (namespace.to_owned(), known.to_owned(), uid(&stored).to_owned());
    Ok(Some(BoundObject { resource, namespace, name, uid }))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn account(sim: &KubeSim) -> Value {
        (*sim.store().get(("", "serviceaccounts"), "default", "default").unwrap()).clone()
    }

    fn pod(sim: &KubeSim) -> std::sync::Arc<Value> {
        let pod = json!({"metadata": {"namespace": "default", "name": "p", "uid": "u"}});
        sim.store().create(("", "pods"), pod).unwrap()
    }

    #[test]
    fn a_token_says_whose_it_is() {
        let sim = KubeSim::builder().build();
        let made = token(&sim, &account(&sim), json!({"spec": {"audiences": ["a"]}})).unwrap();
        let claims = text(&made, "/status/token").split('.').nth(1).unwrap();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["sub"], "system:serviceaccount:default:default");
        assert_eq!(claims["aud"], json!(["a"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
        assert_eq!(claims["kubernetes.io"]["serviceaccount"]["name"], "default");
    }

    #[test]
    fn a_token_of_a_pod_s_own_volume_lives_a_year_and_says_an_hour() {
        let sim = KubeSim::builder().build();
        pod(&sim);
        let life = |seconds: i64| {
            let bound = json!({"kind": "Pod", "name": "p", "uid": "u"});
            let request = json!({"spec": {"expirationSeconds": seconds, "boundObjectRef": bound}});
            let made = token(&sim, &account(&sim), request).unwrap();
            let claims = text(&made, "/status/token").split('.').nth(1).unwrap().to_owned();
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
            let claims: Value = serde_json::from_slice(&claims).unwrap();
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
        };
        assert_eq!((life(INJECTED_LIFETIME), life(3600)), (EXTENDED_LIFETIME, 3600));
    }

    #[test]
    fn a_token_ends_with_the_pod_it_is_bound_to() {
        let sim = KubeSim::builder().build();
        let pod = pod(&sim);
        let request = json!({"spec": {"boundObjectRef": {"kind": "Pod", "name": "p", "uid": "u"}}});
        let made = token(&sim, &account(&sim), request).unwrap();
        let text = text(&made, "/status/token");
        assert_eq!(live_token(&sim, text).unwrap().user.name, "system:serviceaccount:default:default");
        sim.store().remove(("", "pods"), &pod).unwrap();
        assert_eq!(live_token(&sim, text), None);
    }

    #[test]
    fn a_token_for_somebody_else_is_none_for_this_server() {
        let sim = KubeSim::builder().build();
        for (audiences, taken) in [(json!([]), true), (json!(["vault"]), false)] {
            let made = token(&sim, &account(&sim), json!({"spec": {"audiences": audiences}})).unwrap();
            assert_eq!(bearer(&sim, text(&made, "/status/token")).is_some(), taken, "{audiences}");
        }
    }

    #[test]
    fn a_token_lives_ten_minutes_at_least_and_its_object_has_to_be_there() {
        let sim = KubeSim::builder().build();
        for (spec, words) in [
            (json!({"expirationSeconds": 599}), "may not specify a duration less than 10 minutes"),
            (json!({"boundObjectRef": {"kind": "Pod", "name": "p"}}), "pods \"p\" not found"),
        ] {
            let error = token(&sim, &account(&sim), json!({"spec": spec})).unwrap_err();
            assert!(error.message.contains(words), "{error}");
        }
        pod(&sim);
        let request = json!({"spec": {"boundObjectRef": {"kind": "Pod", "name": "p", "uid": "other"}}});
        assert_eq!(token(&sim, &account(&sim), request).unwrap_err().code, 409);
    }
}

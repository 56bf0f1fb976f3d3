//! The AdmissionReview that goes to a webhook, and the reading of its response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::admission::attributes::Attributes;
use crate::managed_fields::shown;
use crate::object::field::{flag, list, number, text};

/// The review of `object`, under `uid`.
pub fn request(uid: &str, request: &Attributes<'_>, object: &Value) -> Value {
    let kind = json!({"group": request.group, "version": request.version, "kind": request.kind});
    let resource = json!({"group": request.group, "version": request.version, "resource": request.resource});
    let mut review = json!({"uid": uid, "kind": kind, "resource": resource});
    if !request.subresource.is_empty() {
        review["subResource"] = request.subresource.into();
    }
    review["requestKind"] = kind;
    review["requestResource"] = resource;
    if !request.subresource.is_empty() {
        review["requestSubResource"] = request.subresource.into();
    }
    if !request.name.is_empty() {
        review["name"] = request.name.into();
    }
    if !request.namespace.is_empty() {
        review["namespace"] = request.namespace.into();
    }
    review["operation"] = request.operation.as_str().into();
    review["userInfo"] = request.user.clone();
    review["object"] = shown::object(object);
    review["oldObject"] = request.old.map(shown::object).unwrap_or_default();
    review["dryRun"] = request.dry_run.into();
    review["options"] = request.options.clone();
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": review})
}

/// A webhook's response, read.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookResponse {
    /// Texts for the caller, as Warning headers.
    pub warnings: Vec<String>,
    /// The decision, with the patch of a mutating webhook.
    pub decision: AdmissionDecision,
}

/// A webhook's decision about a request.
#[derive(Debug, Clone, PartialEq)]
pub enum AdmissionDecision {
    /// The object passes, with these changes.
    Allowed(Option<json_patch::Patch>),
    /// The object is turned down.
    Denied {
        /// HTTP status of the refusal; at least 400.
        code: u16,
        /// Machine-readable reason; may be empty.
        reason: String,
        /// Sentence for a person, with the webhook's name.
        message: String,
    },
}

/// A webhook's response that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// The body is not JSON, or no AdmissionReview of this request.
    #[error("received invalid webhook response: {0}")]
    Invalid(String),
    /// The patch is not base64, or no JSON patch.
    #[error("couldn't get version/kind; the patch of the webhook does not read: {0}")]
    Patch(String),
}

/// Reads the body that the webhook called `name` sent about `uid`.
///
/// # Errors
/// [`ReviewError`] when it is not an answer to this review.
pub fn read(name: &str, uid: &str, body: &[u8]) -> Result<WebhookResponse, ReviewError> {
    let invalid = |why: String| ReviewError::Invalid(why);
    let review: Value = serde_json::from_slice(body).map_err(|e| invalid(e.to_string()))?;
    let said = (text(&review, "/apiVersion"), text(&review, "/kind"));
    if said != ("admission.k8s.io/v1", "AdmissionReview") {
        let (version, kind) = said;
        let why = format!(
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {version}, Kind={kind}"
        );
        return Err(invalid(why));
    }
    let Some(response) = review.get("response").filter(|r| r.is_object()) else {
        return Err(invalid("webhook response was absent".to_owned()));
    };
    let echoed = text(response, "/uid");
    if echoed != uid {
        return Err(invalid(format!("expected response.uid={uid:?}, got {echoed:?}")));
    }
    let warnings = list(response, "/warnings").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let decision = if flag(response, "/allowed") {
        AdmissionDecision::Allowed(patch(response)?)
    } else {
        denied(name, response)
    };
    Ok(WebhookResponse { warnings, decision })
}

fn patch(response: &Value) -> Result<Option<json_patch::Patch>, ReviewError> {
    let encoded = text(response, "/patch");
    let kind = text(response, "/patchType");
    match (encoded.is_empty(), kind) {
        (true, "") => return Ok(None),
        (true, _) => {
            return Err(ReviewError::Invalid(
                "webhook returned response.patchType but not response.patch".to_owned(),
            ));
        }
        (false, "JSONPatch") => {}
        (false, "") => {
            return Err(ReviewError::Invalid(
                "webhook returned response.patch but not response.patchType".to_owned(),
            ));
        }
        (false, other) => {
            let why = format!("webhook returned invalid response.patchType of {other:?}");
            return Err(ReviewError::Invalid(why));
        }
    }
    let raw = STANDARD.decode(encoded).map_err(|e| ReviewError::Patch(e.to_string()))?;
    serde_json::from_slice(&raw).map(Some).map_err(|e| ReviewError::Patch(e.to_string()))
}

fn denied(name: &str, response: &Value) -> AdmissionDecision {
    let code = number(response, "/status/code").and_then(|c| u16::try_from(c).ok()).unwrap_or(0);
    let (reason, message) = (text(response, "/status/reason"), text(response, "/status/message"));
    let denied_by = format!("admission webhook {name:?} denied the request");
    let message = match (message, reason) {
        ("", "") => format!("{denied_by} without explanation"),
        ("", said) | (said, _) => format!("{denied_by}: {said}"),
    };
    AdmissionDecision::Denied { code: code.max(400), reason: reason.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(response: Value) -> Result<WebhookResponse, ReviewError> {
        let review =
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
        read("w.example.com", "u", review.to_string().as_bytes())
    }

    #[test]
    fn a_denial_is_told_with_the_webhooks_name() {
        for (status, code, message) in [
            (json!(null), 400, "admission webhook \"w.example.com\" denied the request without explanation"),
            (json!({"message": "no"}), 400, "admission webhook \"w.example.com\" denied the request: no"),
            (
                json!({"reason": "Never"}),
                400,
                "admission webhook \"w.example.com\" denied the request: Never",
            ),
            (
                json!({"code": 403, "message": "no"}),
                403,
                "admission webhook \"w.example.com\" denied the request: no",
            ),
            (
                json!({"code": 200}),
                400,
                "admission webhook \"w.example.com\" denied the request without explanation",
            ),
        ] {
            let answer = answered(json!({"uid": "u", "allowed": false, "status": status})).unwrap();
            let AdmissionDecision::Denied { code: seen_code, message: seen, .. } = answer.decision else {
                panic!("{answer:?}")
            };
            assert_eq!((seen_code, seen.as_str()), (code, message));
        }
    }

    #[test]
    fn an_answer_that_is_none_says_why() {
        for (response, said) in [
            (json!({"uid": "x", "allowed": true}), "expected response.uid=\"u\", got \"x\""),
            (json!(null), "webhook response was absent"),
            (
                json!({"uid": "u", "allowed": true, "patch": "W10="}),
                "webhook returned response.patch but not",
            ),
            (
                json!({"uid": "u", "allowed": true, "patchType": "JSONPatch"}),
                "webhook returned response.patchType but",
            ),
            (
                json!({"uid": "u", "allowed": true, "patchType": "Merge", "patch": "e30="}),
                "invalid response.patchType",
            ),
            (json!({"uid": "u", "allowed": true, "patchType": "JSONPatch", "patch": "!"}), "does not read"),
        ] {
            let seen = answered(response.clone()).unwrap_err().to_string();
            assert!(seen.contains(said), "{response}: {seen}");
        }
        assert!(read("w", "u", b"oops").is_err());
    }

    #[test]
    fn a_patch_is_read_from_base64() {
        let patch = STANDARD.encode(br#"[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]"#);
        let response =
            json!({"uid": "u", "allowed": true, "patchType": "JSONPatch", "patch": patch, "warnings": ["w"]});
        let answer = answered(response).unwrap();
        assert_eq!(answer.warnings, ["w"]);
        let AdmissionDecision::Allowed(Some(patch)) = answer.decision else { panic!("{answer:?}") };
        assert_eq!(patch.0.len(), 1);
    }
}

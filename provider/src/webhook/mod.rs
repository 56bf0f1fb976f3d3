//! The admission webhook: an AdmissionReview in, an AdmissionReview with a patch out. The decision is in `injection`.

pub mod injection;
pub mod registration;
mod review;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::namespaces::ServedNamespaces;
use injection::Injection;
use review::{Review, Reviewed};

/// The path at which reviews are taken.
pub const PATH: &str = "/inject";

/// The webhook as a service.
#[derive(Debug, Clone)]
pub struct Webhook {
    injection: Injection,
    served: ServedNamespaces,
}

impl Webhook {
    /// A webhook that sends pods in this way.
    pub fn new(injection: Injection) -> Self {
        Self { injection, served: ServedNamespaces::new(&[]).0 }
    }

    /// The same for a node that runs pods of these namespaces only: to others it sends none, and warns who makes one.
    #[must_use]
    pub fn serving(self, served: ServedNamespaces) -> Self {
        Self { served, ..self }
    }

    /// Answers one request. A pod that cannot be read is let through unchanged: this never keeps a pod from existing.
    pub fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/healthz") => text(StatusCode::OK, "ok"),
            (&Method::POST, PATH) => match Review::read(request.body()) {
                Ok(review) => self.review(&review),
                Err(error) => {
                    text(StatusCode::BAD_REQUEST, &format!("the body is no AdmissionReview: {error}"))
                }
            },
            (_, PATH) => text(StatusCode::METHOD_NOT_ALLOWED, "an AdmissionReview is sent by POST"),
            (_, path) => {
                text(StatusCode::NOT_FOUND, &format!("there is nothing at {path}; reviews go to {PATH}"))
            }
        }
    }

    fn review(&self, review: &Review<'_>) -> Response<Bytes> {
        let request = &review.request;
        let mut answer = json!({ "uid": request.uid, "allowed": true });
        let namespace = request.namespace.as_deref().unwrap_or_default();
        if request.creates_a_pod()
            && let Err(not_served) = self.served.check(namespace)
        {
            answer["warnings"] = json!([not_served.to_string()]);
        } else if let Some(patch) = self.patch(request) {
            answer["patchType"] = json!("JSONPatch");
            answer["patch"] = json!(BASE64_STANDARD.encode(json!(patch).to_string()));
        }
        let version = review.api_version.as_deref().unwrap_or("admission.k8s.io/v1");
        let body = json!({ "apiVersion": version, "kind": "AdmissionReview", "response": answer });
        let mut response = Response::new(Bytes::from(body.to_string()));
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        response
    }

    fn patch(&self, request: &Reviewed<'_>) -> Option<Vec<Value>> {
        if !request.creates_a_pod() {
            return None;
        }
        let pod = match request.pod() {
            Ok(pod) => pod,
            Err(error) => {
                tracing::warn!(%error, "a pod under review cannot be read and is let through unchanged");
                return None;
            }
        };
        let namespace =
            request.namespace.as_deref().or(pod.metadata.namespace.as_deref()).unwrap_or_default();
        match injection::patch(&pod, namespace, self.injection) {
            Ok(patch) => Some(patch),
            Err(skip) => {
                tracing::debug!(namespace, pod = ?pod.metadata.name, "left as it is: {skip}");
                None
            }
        }
    }
}

fn text(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text.to_owned()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(change: impl Fn(&mut Value)) -> Response<Bytes> {
        let mut body = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "r-1", "operation": "CREATE", "namespace": "vk",
                "kind": { "group": "", "version": "v1", "kind": "Pod" },
                "object": {
                    "apiVersion": "v1", "kind": "Pod", "metadata": { "generateName": "nginx-" },
                    "spec": { "containers": [{ "name": "nginx", "image": "nginx" }] }
                }
            }
        });
        change(&mut body);
        let request = Request::post(PATH).body(Bytes::from(body.to_string())).unwrap();
        Webhook::new(Injection::default()).call(request)
    }

    fn answer(response: &Response<Bytes>) -> Value {
        serde_json::from_slice::<Value>(response.body()).unwrap()["response"].clone()
    }

    #[test]
    fn a_created_pod_is_answered_with_a_json_patch() {
        let answer = answer(&review(|_| ()));
        assert_eq!((&answer["uid"], &answer["allowed"]), (&json!("r-1"), &json!(true)));
        let patch = BASE64_STANDARD.decode(answer["patch"].as_str().unwrap()).unwrap();
        let patch: Value = serde_json::from_slice(&patch).unwrap();
        assert_eq!(patch[0]["path"], "/spec/tolerations");
        assert_eq!(patch[1]["path"], "/spec/affinity");
    }

    #[test]
    fn whatever_is_not_the_creation_of_a_pod_is_allowed_unchanged() {
        for change in [
            (|body: &mut Value| body["request"]["operation"] = json!("UPDATE")) as fn(&mut Value),
            |body| body["request"]["subResource"] = json!("status"),
            |body| body["request"]["kind"]["kind"] = json!("Deployment"),
            |body| body["request"]["object"]["spec"] = json!("not a spec"),
            |body| body["request"]["namespace"] = json!("kube-system"),
        ] {
            let answer = answer(&review(change));
            assert_eq!(answer, json!({ "uid": "r-1", "allowed": true }));
        }
    }

    #[test]
    fn a_namespace_that_is_not_served_gets_a_warning_instead_of_a_patch() {
        let body = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "r-1", "operation": "CREATE", "namespace": "vk",
                "kind": { "group": "", "version": "v1", "kind": "Pod" },
                "object": { "spec": { "containers": [{ "name": "c", "image": "i" }] } }
            }
        });
        for (names, patched) in [(vec!["vk".to_owned()], true), (vec!["web".to_owned()], false)] {
            let (served, _notices) = ServedNamespaces::new(&names);
            let webhook = Webhook::new(Injection::default()).serving(served);
            let request = Request::post(PATH).body(Bytes::from(body.to_string())).unwrap();
            let answer = answer(&webhook.call(request));
            assert_eq!(answer["allowed"], true);
            assert_eq!(answer["patch"].is_string(), patched, "{answer}");
            let warning = answer["warnings"][0].as_str().unwrap_or_default();
            assert_eq!(warning.contains("`vk`, so they stay Pending"), !patched, "{answer}");
        }
    }

    #[test]
    fn what_is_no_review_is_refused_with_a_sentence() {
        let call = |request| Webhook::new(Injection::default()).call(request);
        let bad = call(Request::post(PATH).body(Bytes::from("{")).unwrap());
        assert_eq!(bad.status(), 400);
        assert_eq!(call(Request::get(PATH).body(Bytes::new()).unwrap()).status(), 405);
        assert_eq!(call(Request::get("/other").body(Bytes::new()).unwrap()).status(), 404);
        assert_eq!(call(Request::get("/healthz").body(Bytes::new()).unwrap()).body(), "ok");
    }
}

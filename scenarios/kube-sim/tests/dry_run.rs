//! Dry runs: every verb of every kind and subresource runs to its end, and nothing is stored.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use bytes::Bytes;
use determinism::Clock;
use http::Request;
use http_body_util::{BodyExt, Full};
use kube_sim::KubeSim;
use kube_sim::kinds::{KINDS, Kind};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// A request that changes something unless it is a dry run.
struct Deed {
    method: &'static str,
    path: String,
    content_type: &'static str,
    body: Value,
    /// Where its body may ask for the dry run; empty for nowhere.
    in_body: &'static str,
}

fn deed(method: &'static str, path: impl Into<String>, content_type: &'static str, body: Value) -> Deed {
    Deed { method, path: path.into(), content_type, body, in_body: "" }
}

fn cluster() -> KubeSim {
    KubeSim::builder().clock(Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap())).build()
}

async fn send(sim: &KubeSim, deed: &Deed, query: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request: Request<Full<Bytes>> = Request::builder()
        .method(deed.method)
        .uri(format!("{}{query}", deed.path))
        .header("content-type", deed.content_type)
        .body(Bytes::from(body).into())
        .unwrap();
    let response = sim.service().answer(request).await;
    let code = response.status().as_u16();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&text).unwrap_or_default())
}

fn collection(kind: &Kind) -> String {
    let group = match kind.group {
        "" => format!("/api/{}", kind.version),
        group => format!("/apis/{group}/{}", kind.version),
    };
    let namespace = if kind.namespaced { "/namespaces/default" } else { "" };
    format!("{group}{namespace}/{}", kind.resource)
}

/// A signing request, the same at every call.
fn request() -> &'static str {
    static REQUEST: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        certificate_authority::CertificateTemplate::client("alice", None).request().unwrap().0
    });
    &REQUEST
}

/// An object of a kind, as little of it as has to be.
fn object(kind: &Kind) -> Value {
    let pod = json!({"containers": [{"name": "c", "image": "i"}]});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": pod});
    let mut never = template.clone();
    never["spec"]["restartPolicy"] = "Never".into();
    let selector = json!({"matchLabels": {"a": "b"}});
    let mut object = match (kind.group, kind.resource) {
        ("", "events") => json!({"involvedObject": {"namespace": "default", "name": "n"}, "reason": "Said"}),
        ("events.k8s.io", "events") => {
            json!({"regarding": {"namespace": "default", "name": "n"}, "note": "hello", "reason": "Said",
            "type": "Normal", "action": "Say", "reportingController": "a/b", "reportingInstance": "here",
            "eventTime": "2026-01-05T01:00:00.000000Z"})
        }
        ("", "pods") => {
            let mut spec = pod;
            spec["containers"][0]["resources"] = json!({"requests": {"cpu": "1"}});
            json!({ "spec": spec })
        }
        ("", "services") => json!({"spec": {"ports": [{"port": 80}]}}),
        ("", "persistentvolumes") => {
            json!({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/data"}}})
        }
        ("", "persistentvolumeclaims") => json!({"spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}}),
        ("", "podtemplates") => json!({"template": template}),
        ("storage.k8s.io", _) => json!({"provisioner": "example.com/disk"}),
        ("networking.k8s.io", "ingresses") => {
            json!({"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}})
        }
        ("networking.k8s.io", "ingressclasses") => json!({"spec": {"controller": "example.com/ingress"}}),
        ("networking.k8s.io", _) => json!({"spec": {"podSelector": {}}}),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => {
            json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}})
        }
        ("apps", "controllerrevisions") => json!({"data": {"spec": {}}, "revision": 1}),
        ("apps", _) => json!({"spec": {"selector": selector, "template": template}}),
        ("autoscaling", _) => {
            json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3}})
        }
        ("certificates.k8s.io", _) => {
            use base64::Engine as _;
            let request = base64::engine::general_purpose::STANDARD.encode(request());
            json!({"spec": {"request": request, "signerName": "example.com/own", "usages": ["client auth"]}})
        }
        ("batch", "cronjobs") => {
            json!({"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": never}}}})
        }
        ("batch", "jobs") => json!({"spec": {"template": never}}),
        ("coordination.k8s.io", _) => json!({"spec": {"leaseDurationSeconds": 40}}),
        ("discovery.k8s.io", _) => json!({"addressType": "IPv4", "endpoints": []}),
        ("policy", _) => json!({"spec": {"selector": selector, "minAvailable": 1}}),
        ("scheduling.k8s.io", _) => json!({"value": 1}),
        _ => json!({}),
    };
    object["kind"] = kind.kind.into();
    object["apiVersion"] = kind.api_version().into();
    object["metadata"] = json!({"name": "x"});
    object
}

/// What can be done with an object of a kind that is there, as `there`.
fn deeds(kind: &Kind, there: &Value) -> Vec<Deed> {
    let all = collection(kind);
    let one = format!("{all}/x");
    let mut second = object(kind);
    second["metadata"]["name"] = "y".into();
    let labels = json!({"metadata": {"labels": {"c": "d"}}});
    let mut next = there.clone();
    next["metadata"]["labels"]["c"] = "d".into();
    let add = json!([{"op": "add", "path": "/metadata/annotations", "value": {"c": "d"}}]);
    let manager = |path: &str| format!("{path}?fieldManager=m");
    let mut applied = labels.clone();
    applied["kind"] = kind.kind.into();
    applied["apiVersion"] = kind.api_version().into();
    // An event of the newer group cannot be without it.
    if kind.group == "events.k8s.io" {
        applied["eventTime"] = there["eventTime"].clone();
    }
    let mut deeds = vec![
        deed("POST", &all, JSON, second.clone()),
        deed("PUT", &one, JSON, next.clone()),
        deed("PATCH", &one, MERGE, labels.clone()),
        deed("PATCH", &one, STRATEGIC, labels.clone()),
        deed("PATCH", &one, JSON_PATCH, add),
        deed("PATCH", manager(&one), APPLY, applied),
        deed("PATCH", manager(&format!("{all}/y")), APPLY, second),
        deed("DELETE", &one, JSON, Value::Null),
        Deed { in_body: "/dryRun", ..deed("DELETE", &one, JSON, json!({"propagationPolicy": "Foreground"})) },
    ];
    if kind.verbs().contains(&"deletecollection") {
        deeds.push(deed("DELETE", &all, JSON, Value::Null));
        deeds.push(Deed {
            in_body: "/dryRun",
            ..deed("DELETE", &all, JSON, json!({"gracePeriodSeconds": 0}))
        });
    }
    for below in kind.subresources {
        let path = format!("{one}/{}", below.name);
        match below.name {
            "status" => {
                deeds.push(deed("PUT", &path, JSON, next.clone()));
                deeds.push(deed("PATCH", &path, MERGE, labels.clone()));
            }
            "scale" => {
                let scale = json!({"spec": {"replicas": 7}});
                deeds.push(deed("PUT", &path, JSON, scale.clone()));
                deeds.push(deed("PATCH", &path, MERGE, scale));
            }
            "finalize" => {
                let finalize = json!({"metadata": {"name": "x"}, "spec": {"finalizers": ["a/b"]}});
                deeds.push(deed("PUT", &path, JSON, finalize));
            }
            "binding" => {
                deeds.push(deed("POST", &path, JSON, json!({"target": {"kind": "Node", "name": "n"}})));
            }
            "eviction" => {
                let evict = json!({"metadata": {"name": "x"}, "deleteOptions": {}});
                deeds.push(deed("POST", &path, JSON, evict.clone()));
                deeds.push(Deed { in_body: "/deleteOptions/dryRun", ..deed("POST", &path, JSON, evict) });
            }
            "approval" => {
                let approved = json!([{"type": "Approved", "status": "True"}]);
                let mut approve = there.clone();
                approve["status"] = json!({ "conditions": approved });
                deeds.push(deed("PUT", &path, JSON, approve));
                deeds.push(deed("PATCH", &path, MERGE, json!({"status": {"conditions": approved}})));
            }
            "resize" => {
                let requests = json!({"requests": {"cpu": "2"}});
                let resize = json!({"spec": {"containers": [{"name": "c", "resources": requests}]}});
                deeds.push(deed("PATCH", &path, STRATEGIC, resize));
            }
            // store nothing anyway
            "token" | "log" | "proxy" | "exec" | "attach" | "portforward" => {}
            other => panic!("no row for the subresource {other}"),
        }
    }
    deeds
}

/// The query and the body that ask for `value`.
fn asking(deed: &Deed, value: &str) -> (String, Value) {
    if deed.in_body.is_empty() {
        let mark = if deed.path.contains('?') { '&' } else { '?' };
        return (format!("{mark}dryRun={value}"), deed.body.clone());
    }
    let mut body = deed.body.clone();
    let (above, key) = deed.in_body.rsplit_once('/').unwrap();
    body.pointer_mut(above).unwrap()[key] = json!([value]);
    (String::new(), body)
}

async fn check(kind: &Kind, at: usize) {
    let sim = cluster();
    let make = deed("POST", collection(kind), JSON, object(kind));
    let (code, there) = send(&sim, &make, "", &make.body).await;
    assert_eq!(code, 201, "{} {there}", kind.kind);
    let deed = deeds(kind, &there).remove(at);
    let what = format!("{} {} {}", deed.method, deed.path, deed.content_type);
    let before = sim.store().revision();
    let (query, body) = asking(&deed, "All");
    let (code, answer) = send(&sim, &deed, &query, &body).await;
    assert!(matches!(code, 200 | 201), "{what}: {code} {answer}");
    assert_eq!(sim.store().revision(), before, "{what} was no dry run");
    let (query, body) = asking(&deed, "some");
    let (code, answer) = send(&sim, &deed, &query, &body).await;
    let message = answer["message"].as_str().unwrap_or_default();
    let words = "dryRun: Unsupported value: [\"some\"]: supported values: \"All\"";
    assert!(code == 422 && message.contains(words), "{what}: {code} {message}");
    assert_eq!(answer["details"]["group"], "meta.k8s.io", "{what}");
    assert_eq!(sim.store().revision(), before, "{what}");
    let (code, answer) = send(&sim, &deed, "", &deed.body).await;
    assert!(matches!(code, 200 | 201), "{what}: {code} {answer}");
    assert!(sim.store().revision() > before, "{what} changes nothing at all");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_any_verb_stores_nothing_and_the_deed_itself_does() {
    for kind in KINDS.iter().filter(|kind| !kind.traits.computed && !kind.traits.measured) {
        for at in 0..deeds(kind, &object(kind)).len() {
            check(kind, at).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_watch_sees_a_dry_run() {
    let sim = cluster();
    let pods = "/api/v1/namespaces/default/pods";
    let kind = kube_sim::kinds::find("", "pods").unwrap();
    let make = deed("POST", pods, JSON, object(kind));
    let (_, there) = send(&sim, &make, "", &make.body).await;
    let from = sim.store().revision();
    for deed in deeds(kind, &there) {
        let (query, body) = asking(&deed, "All");
        send(&sim, &deed, &query, &body).await;
    }
    let watch = format!("?watch=1&resourceVersion={from}&timeoutSeconds=5");
    let (code, event) = send(&sim, &deed("GET", pods, JSON, Value::Null), &watch, &Value::Null).await;
    assert_eq!((code, event), (200, Value::Null));
}

#[tokio::test(start_paused = true)]
async fn what_is_only_answered_refuses_an_unknown_dry_run_too() {
    let sim = cluster();
    let accounts = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let reviews = KINDS.iter().filter(|kind| kind.traits.computed).map(collection);
    for path in reviews.chain([accounts.to_owned()]) {
        let deed = deed("POST", path, JSON, json!({"spec": {}}));
        let before = sim.store().revision();
        let (code, answer) = send(&sim, &deed, "?dryRun=All", &deed.body).await;
        assert_eq!(code, 201, "{} {answer}", deed.path);
        assert_eq!(send(&sim, &deed, "?dryRun=some", &deed.body).await.0, 422, "{}", deed.path);
        assert_eq!(sim.store().revision(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_answers_with_what_would_be() {
    let sim = cluster();
    let maps = "/api/v1/namespaces/default/configmaps";
    let map = |name: &str| json!({"metadata": {"name": name}});
    let rows = [
        ("POST", maps.to_owned(), map("a"), 201, "/metadata/name", json!("a")),
        ("POST", maps.to_owned(), map("kube-root-ca.crt"), 409, "/reason", json!("AlreadyExists")),
        ("DELETE", format!("{maps}/kube-root-ca.crt"), Value::Null, 200, "/status", json!("Success")),
        ("DELETE", format!("{maps}/none"), Value::Null, 404, "/reason", json!("NotFound")),
        ("DELETE", "/api/v1/namespaces/kube-public".to_owned(), Value::Null, 403, "/code", json!(403)),
        ("POST", "/api/v1/namespaces".to_owned(), map("n"), 201, "/status/phase", json!("Active")),
    ];
    for (method, path, body, code, pointer, wanted) in rows {
        let deed = deed(method, path, JSON, body);
        let (seen, answer) = send(&sim, &deed, "?dryRun=All", &deed.body).await;
        assert_eq!((seen, answer.pointer(pointer)), (code, Some(&wanted)), "{} {answer}", deed.path);
    }
}

#[tokio::test(start_paused = true)]
async fn an_eviction_that_contradicts_itself_is_refused() {
    let sim = cluster();
    let kind = kube_sim::kinds::find("", "pods").unwrap();
    let make = deed("POST", collection(kind), JSON, object(kind));
    send(&sim, &make, "", &make.body).await;
    let path = format!("{}/x/eviction", collection(kind));
    let evict =
        deed("POST", path, JSON, json!({"metadata": {"name": "x"}, "deleteOptions": {"dryRun": ["a"]}}));
    let (code, status) = send(&sim, &evict, "?dryRun=All", &evict.body).await;
    assert_eq!(code, 500);
    assert_eq!(status["message"], "Non-matching dry-run options in request and content: [All] and [a]");
}

#[tokio::test(start_paused = true)]
async fn a_body_with_options_speaks_for_the_query_of_a_deletion() {
    let sim = cluster();
    let kind = kube_sim::kinds::find("", "configmaps").unwrap();
    let make = deed("POST", collection(kind), JSON, object(kind));
    send(&sim, &make, "", &make.body).await;
    let delete = deed("DELETE", format!("{}/x", collection(kind)), JSON, json!({"kind": "DeleteOptions"}));
    assert_eq!(send(&sim, &delete, "?dryRun=All", &delete.body).await.0, 200);
    assert_eq!(send(&sim, &deed("GET", &delete.path, JSON, Value::Null), "", &Value::Null).await.0, 404);
}

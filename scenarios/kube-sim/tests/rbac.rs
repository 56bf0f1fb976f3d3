//! Roles and bindings, where they are evaluated; and requests in the name of others.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use kube_sim::authn::User;
use kube_sim::{KubeService, KubeSim};
use serde_json::{Value, json};

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1";

async fn ask(
    sim: &KubeSim,
    user: &User,
    method: &str,
    path: &str,
    body: Value,
    more: &[(&str, &str)],
) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request: Request<Full<Bytes>> = request.body(Bytes::from(body).into()).unwrap();
    let response = KubeService::new(sim.clone(), user.clone()).answer(request).await;
    let code = response.status().as_u16();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&text).unwrap_or_else(|_| String::from_utf8_lossy(&text).into()))
}

fn alice() -> User {
    User::of("alice", &["system:authenticated"])
}

/// A cluster in which alice may look at the pods of the namespace `default`.
async fn cluster() -> KubeSim {
    let sim = KubeSim::builder().build();
    sim.enable_rbac();
    let role = json!({"metadata": {"name": "looks"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]});
    let binding = json!({"metadata": {"name": "alice-looks"}, "roleRef": {"kind": "Role", "name": "looks", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "User", "name": "alice"}]});
    for (resource, object) in [("roles", role), ("rolebindings", binding)] {
        let path = format!("{ROLES}/namespaces/default/{resource}");
        let (code, answer) = ask(&sim, &User::admin(), "POST", &path, object, &[]).await;
        assert_eq!(code, 201, "{answer}");
    }
    sim
}

#[tokio::test(start_paused = true)]
async fn a_user_may_do_what_a_role_says_where_it_is_bound() {
    let sim = cluster().await;
    for (method, path, code, words) in [
        ("GET", "/api/v1/namespaces/default/pods", 200, ""),
        ("GET", "/api", 200, ""),
        (
            "GET",
            "/api/v1/namespaces/kube-system/pods",
            403,
            "pods is forbidden: User \"alice\" cannot list resource \"pods\" in API group \"\" in the namespace \"kube-system\"",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/pods/p",
            403,
            "pods \"p\" is forbidden: User \"alice\" cannot delete resource \"pods\" in API group \"\" in the namespace \"default\"",
        ),
        (
            "GET",
            "/api/v1/nodes",
            403,
            "nodes is forbidden: User \"alice\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
        ),
    ] {
        let (seen, answer) = ask(&sim, &alice(), method, path, Value::Null, &[]).await;
        assert_eq!(seen, code, "{path} {answer}");
        assert!(words.is_empty() || answer["message"] == words, "{answer}");
    }
    assert_eq!(ask(&sim, &User::admin(), "GET", "/api/v1/nodes", Value::Null, &[]).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn reviews_say_what_requests_are_allowed() {
    let sim = cluster().await;
    let access = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (verb, namespace, allowed) in
        [("list", "default", true), ("delete", "default", false), ("list", "kube-system", false)]
    {
        let attributes = json!({"verb": verb, "resource": "pods", "namespace": namespace});
        let review = json!({"spec": {"resourceAttributes": attributes}});
        let (_, answer) = ask(&sim, &alice(), "POST", access, review.clone(), &[]).await;
        assert_eq!(answer["status"]["allowed"], allowed, "{verb} {namespace}");
        if allowed {
            let why =
                "RBAC: allowed by RoleBinding \"alice-looks/default\" of Role \"looks\" to User \"alice\"";
            assert_eq!(answer["status"]["reason"], why);
        }
    }
    let rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let review = json!({"spec": {"namespace": "default"}});
    let (_, answer) = ask(&sim, &alice(), "POST", rules, review, &[]).await;
    let own = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]});
    assert!(answer["status"]["resourceRules"].as_array().unwrap().contains(&own), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_request_in_the_name_of_another_has_the_rights_of_the_other() {
    let sim = cluster().await;
    let as_alice = [("impersonate-user", "alice")];
    let nodes = "/api/v1/nodes";
    let (code, answer) = ask(&sim, &User::admin(), "GET", nodes, Value::Null, &as_alice).await;
    assert_eq!(code, 403, "{answer}");
    let (code, answer) = ask(&sim, &alice(), "GET", nodes, Value::Null, &[("impersonate-user", "bob")]).await;
    assert_eq!(code, 403);
    let words = "users \"bob\" is forbidden: User \"alice\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope";
    assert_eq!(answer["message"], words);
    let who = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let account = [("impersonate-user", "system:serviceaccount:default:default")];
    let (_, answer) = ask(&sim, &User::admin(), "POST", who, json!({}), &account).await;
    assert_eq!(answer["status"]["userInfo"]["username"], "system:serviceaccount:default:default");
    assert!(
        answer["status"]["userInfo"]["groups"].as_array().unwrap().contains(&json!("system:serviceaccounts"))
    );
}

#[tokio::test(start_paused = true)]
async fn without_evaluation_whoever_is_known_may_do_everything() {
    let sim = KubeSim::builder().build();
    assert_eq!(ask(&sim, &alice(), "GET", "/api/v1/nodes", Value::Null, &[]).await.0, 200);
    assert_eq!(ask(&sim, &User::anonymous(), "GET", "/api/v1/nodes", Value::Null, &[]).await.0, 403);
}

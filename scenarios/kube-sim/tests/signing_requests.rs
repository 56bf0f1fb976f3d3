//! CertificateSigningRequests: who approves what, who signs what, and what becomes of it.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, read, settle};
use base64::Engine as _;
use certificate_authority::CertificateTemplate;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube_sim::authn::User;
use serde_json::{Value, json};

const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
const KUBELET: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const SERVING: &str = "kubernetes.io/kubelet-serving";
const CLIENT_USAGES: [&str; 2] = ["digital signature", "client auth"];
const SERVER_USAGES: [&str; 3] = ["digital signature", "key encipherment", "server auth"];

type Requests = Api<CertificateSigningRequest>;

/// A request for this subject and these names, in PEM and base64.
fn pem(name: &str, organization: &str, names: &[&str]) -> String {
    let template = CertificateTemplate::server(name, names).organization(organization);
    base64::engine::general_purpose::STANDARD.encode(template.request().unwrap().0)
}

fn request(name: &str, signer: &str, pem: &str, usages: &[&str]) -> CertificateSigningRequest {
    read(
        json!({"metadata": {"name": name}, "spec": {"request": pem, "signerName": signer, "usages": usages}}),
    )
}

async fn state(api: &Requests, name: &str) -> Value {
    settle().await;
    serde_json::to_value(api.get(name).await.unwrap()).unwrap()
}

async fn approve(api: &Requests, name: &str) {
    let condition = json!({"type": "Approved", "status": "True", "reason": "KubectlApprove"});
    let body = Patch::Merge(json!({"status": {"conditions": [condition]}}));
    api.patch_approval(name, &PatchParams::default(), &body).await.unwrap();
}

/// Subject and validity, in seconds since 1970, of an issued certificate.
fn issued(seen: &Value) -> (String, i64, i64) {
    let pem =
        base64::engine::general_purpose::STANDARD.decode(seen["status"]["certificate"].as_str().unwrap());
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem.unwrap()).unwrap();
    let certificate = pem.parse_x509().unwrap();
    let validity = certificate.validity();
    (certificate.subject().to_string(), validity.not_before.timestamp(), validity.not_after.timestamp())
}

/// Type, reason and message of the first condition.
fn first_condition(seen: &Value) -> (&str, &str, &str) {
    let word = |key: &str| seen["status"]["conditions"][0][key].as_str().unwrap_or_default();
    (word("type"), word("reason"), word("message"))
}

#[tokio::test(start_paused = true)]
async fn a_client_gets_its_certificate_when_somebody_approves_and_is_noted_as_who_asked() {
    let cluster = Cluster::start();
    let api: Requests = Api::all(cluster.client.clone());
    let asked = request("alice", CLIENT, &pem("alice", "dev", &[]), &CLIENT_USAGES);
    api.create(&PostParams::default(), &asked).await.unwrap();
    let seen = state(&api, "alice").await;
    assert_eq!(seen["spec"]["username"], "kubernetes-admin");
    assert_eq!(seen["status"], json!({}), "nobody but kubelets is approved by itself");
    approve(&api, "alice").await;
    let seen = state(&api, "alice").await;
    let now = cluster.sim.clock().now().as_second();
    let (subject, from, to) = issued(&seen);
    assert_eq!(subject, "O=dev, CN=alice");
    assert!((now - from - 300).abs() < 2 && (to - now - 365 * 86_400 + 300).abs() < 2, "{from} {to}");
}

#[tokio::test(start_paused = true)]
async fn a_kubelets_client_certificate_is_approved_and_signed_by_itself_and_its_serving_one_waits() {
    let cluster = Cluster::start();
    let node = User::of("system:node:n", &["system:nodes", "system:authenticated"]);
    let service = kube_sim::KubeService::new(cluster.sim.clone(), node);
    let api: Requests = Api::all(kube::Client::new(service, "default"));
    let own = pem("system:node:n", "system:nodes", &[]);
    let serving = pem("system:node:n", "system:nodes", &["n", "10.0.0.1"]);
    for (name, signer, pem, usages) in
        [("client", KUBELET, &own, &CLIENT_USAGES[..]), ("serving", SERVING, &serving, &SERVER_USAGES[..])]
    {
        api.create(&PostParams::default(), &request(name, signer, pem, usages)).await.unwrap();
    }
    let message = "Auto approving self kubelet client certificate after SubjectAccessReview.";
    let seen = state(&api, "client").await;
    assert_eq!(first_condition(&seen), ("Approved", "AutoApproved", message));
    assert_eq!(issued(&seen).0, "O=system:nodes, CN=system:node:n");
    assert_eq!(state(&api, "serving").await["status"], json!({}));
    approve(&api, "serving").await;
    assert_eq!(issued(&state(&api, "serving").await).0, "O=system:nodes, CN=system:node:n");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_is_approved_only_where_a_role_lets_it() {
    let cluster = Cluster::start();
    cluster.sim.enable_rbac();
    let api: Requests = Api::all(cluster.client.clone());
    let joins = User::of("system:bootstrap:abc", &["system:bootstrappers", "system:authenticated"]);
    let asked = request("joins", KUBELET, &pem("system:node:m", "system:nodes", &[]), &CLIENT_USAGES);
    let mut stored = serde_json::to_value(&asked).unwrap();
    stored["metadata"]["uid"] = "u".into();
    stored["spec"]["username"] = joins.name.as_str().into();
    stored["spec"]["groups"] = json!(joins.groups);
    cluster.sim.store().create(("certificates.k8s.io", "certificatesigningrequests"), stored).unwrap();
    assert_eq!(state(&api, "joins").await.get("status"), None);
    let bindings: Api<k8s_openapi::api::rbac::v1::ClusterRoleBinding> = Api::all(cluster.client.clone());
    let role = "system:certificates.k8s.io:certificatesigningrequests:nodeclient";
    let binding = json!({"metadata": {"name": "join"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:bootstrappers"}]});
    bindings.create(&PostParams::default(), &read(binding)).await.unwrap();
    // The real controller, too, looks again when the request changes.
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    api.patch("joins", &PatchParams::default(), &label).await.unwrap();
    let message = "Auto approving kubelet client certificate after SubjectAccessReview.";
    assert_eq!(first_condition(&state(&api, "joins").await), ("Approved", "AutoApproved", message));
}

#[tokio::test(start_paused = true)]
async fn who_approves_needs_the_right_on_the_signer_beside_that_on_the_approval() {
    let cluster = Cluster::start();
    cluster.sim.enable_rbac();
    let api: Requests = Api::all(cluster.client.clone());
    let asked = request("alice", CLIENT, &pem("alice", "dev", &[]), &CLIENT_USAGES);
    api.create(&PostParams::default(), &asked).await.unwrap();
    let roles: Api<k8s_openapi::api::rbac::v1::ClusterRole> = Api::all(cluster.client.clone());
    let bindings: Api<k8s_openapi::api::rbac::v1::ClusterRoleBinding> = Api::all(cluster.client.clone());
    let rule = |resource: &str, verbs: &[&str]| json!({"apiGroups": ["certificates.k8s.io"], "resources": [resource], "verbs": verbs});
    let mut role = json!({"metadata": {"name": "approver"}, "rules": [rule("certificatesigningrequests/approval", &["patch"])]});
    roles.create(&PostParams::default(), &read(role.clone())).await.unwrap();
    let binding = json!({"metadata": {"name": "approver"}, "subjects": [{"kind": "User", "name": "bob"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "approver"}});
    bindings.create(&PostParams::default(), &read(binding)).await.unwrap();
    let bob = kube_sim::KubeService::new(cluster.sim.clone(), User::of("bob", &["system:authenticated"]));
    let bobs: Requests = Api::all(kube::Client::new(bob, "default"));
    let body = Patch::Merge(json!({"status": {"conditions": [{"type": "Approved", "status": "True"}]}}));
    let refused = bobs.patch_approval("alice", &PatchParams::default(), &body).await.unwrap_err().to_string();
    let words =
        "user not permitted to approve requests with signerName \"kubernetes.io/kube-apiserver-client\"";
    assert!(refused.contains(words), "{refused}");
    role["rules"].as_array_mut().unwrap().push(rule("signers", &["approve"]));
    roles.patch("approver", &PatchParams::default(), &Patch::Merge(role)).await.unwrap();
    approve(&bobs, "alice").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_signer_does_not_take_fails_in_the_real_words() {
    let cluster = Cluster::start();
    let api: Requests = Api::all(cluster.client.clone());
    let node = |names: &[&str]| pem("system:node:n", "system:nodes", names);
    for (name, signer, pem, usages, words) in [
        (
            "group",
            KUBELET,
            pem("system:node:n", "dev", &[]),
            &CLIENT_USAGES[..],
            "subject organization is not system:nodes",
        ),
        (
            "name",
            KUBELET,
            pem("n", "system:nodes", &[]),
            &CLIENT_USAGES,
            "subject common name does not begin with system:node:",
        ),
        ("names", KUBELET, node(&["n"]), &CLIENT_USAGES, "DNS subjectAltNames are not allowed"),
        ("addresses", KUBELET, node(&["10.0.0.1"]), &CLIENT_USAGES, "IP subjectAltNames are not allowed"),
        (
            "usages",
            KUBELET,
            node(&[]),
            &SERVER_USAGES,
            "usages did not match [client auth digital signature key encipherment]",
        ),
        ("nameless", SERVING, node(&[]), &SERVER_USAGES, "DNS or IP subjectAltName is required"),
        (
            "client",
            SERVING,
            node(&["n"]),
            &CLIENT_USAGES,
            "usages did not match [digital signature key encipherment server auth]",
        ),
        (
            "server",
            CLIENT,
            pem("a", "dev", &[]),
            &SERVER_USAGES,
            "invalid usage for client certificate: server auth",
        ),
        (
            "none",
            CLIENT,
            pem("a", "dev", &[]),
            &["digital signature"],
            "missing required usage for client certificate: client auth",
        ),
    ] {
        api.create(&PostParams::default(), &request(name, signer, &pem, usages)).await.unwrap();
        approve(&api, name).await;
        let seen = state(&api, name).await;
        let failed = &seen["status"]["conditions"][1];
        assert_eq!(
            (&failed["type"], &failed["reason"]),
            (&json!("Failed"), &json!("SignerValidationFailure"))
        );
        assert_eq!(failed["message"], words, "{name}");
        assert_eq!(seen["status"].get("certificate"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_one_is_refused_in_the_real_words() {
    let cluster = Cluster::start();
    let api: Requests = Api::all(cluster.client.clone());
    let fine = pem("alice", "dev", &[]);
    for (signer, pem, usages, words) in [
        (CLIENT, "aGVsbG8=", &CLIENT_USAGES[..], "PEM block type must be CERTIFICATE REQUEST"),
        (CLIENT, &fine, &[], "spec.usages: Required value"),
        (CLIENT, &fine, &["dance"], "spec.usages[0]: Unsupported value: \"dance\""),
        (
            "kubernetes.io/legacy-unknown",
            &fine,
            &CLIENT_USAGES,
            "the legacy signerName is not allowed via this API version",
        ),
        (
            "here",
            &fine,
            &CLIENT_USAGES,
            "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        ),
        (
            CLIENT,
            &self::pem("root", "system:masters", &[]),
            &CLIENT_USAGES,
            "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed",
        ),
    ] {
        let refused =
            api.create(&PostParams::default(), &request("x", signer, pem, usages)).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{refused} lacks {words}");
    }
    let mut short = request("x", CLIENT, &fine, &CLIENT_USAGES);
    short.spec.expiration_seconds = Some(599);
    let refused = api.create(&PostParams::default(), &short).await.unwrap_err().to_string();
    assert!(refused.contains("may not specify a duration less than 600 seconds (10 minutes)"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_answered_request_is_kept_for_an_hour_and_one_that_waits_for_a_day() {
    let cluster = Cluster::start();
    let api: Requests = Api::all(cluster.client.clone());
    for name in ["waits", "answered"] {
        let asked = request(name, CLIENT, &pem("alice", "dev", &[]), &CLIENT_USAGES);
        api.create(&PostParams::default(), &asked).await.unwrap();
    }
    approve(&api, "answered").await;
    pass(3590).await;
    assert!(api.get_opt("answered").await.unwrap().is_some());
    pass(20).await;
    assert!(api.get_opt("answered").await.unwrap().is_none());
    pass(22 * 3600).await;
    assert!(api.get_opt("waits").await.unwrap().is_some());
    pass(3600).await;
    assert!(api.get_opt("waits").await.unwrap().is_none());
}

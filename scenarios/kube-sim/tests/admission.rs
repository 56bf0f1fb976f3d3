//! Webhooks as their owners know them: asked about what concerns them, obeyed, and missed when they are not there.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::{Arc, Mutex};

use crate::cluster::{Cluster, read, settle};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, LogParams, Patch, PatchParams, PostParams};
use kube_sim::{KubeBody, KubeSim, Outbound, OutboundError};
use serde_json::{Value, json};

type ReplyFn = dyn Fn(&str, &Value) -> Result<(u16, String), OutboundError> + Send + Sync;

/// Whatever is outside of the control plane: answers by a function, and remembers what it was asked.
#[derive(Clone)]
struct FakeOutbound {
    answer: Arc<ReplyFn>,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl FakeOutbound {
    fn answering(
        answer: impl Fn(&str, &Value) -> Result<(u16, String), OutboundError> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Arc::new(answer), requests: Arc::default() }
    }

    /// A webhook that always says this.
    fn saying(response: Value) -> Self {
        Self::answering(move |_, review| Ok((200, answered(review, &response))))
    }

    fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

impl Outbound for FakeOutbound {
    fn send(
        &self,
        request: http::Request<Bytes>,
        _: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<KubeBody>, OutboundError>> {
        let url = request.uri().to_string();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        self.requests.lock().unwrap().push((url.clone(), body.clone()));
        let answer = (self.answer)(&url, &body);
        Box::pin(async move {
            let (code, text) = answer?;
            let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
            Ok(http::Response::builder().status(code).body(body).unwrap())
        })
    }
}

fn answered(review: &Value, response: &Value) -> String {
    let mut response = response.clone();
    response["uid"] = review["request"]["uid"].clone();
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}

fn patching(operations: Value) -> Value {
    json!({"allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(operations.to_string())})
}

fn started(outside: &FakeOutbound) -> Cluster {
    Cluster::started(KubeSim::builder().outbound(Arc::new(outside.clone())))
}

fn webhook(name: &str, change: Value) -> Value {
    let mut webhook = json!({
        "name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None",
        "clientConfig": {"service": {"namespace": "kube-system", "name": "injector", "path": "/inject"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]});
    for (key, value) in change.as_object().unwrap() {
        webhook[key] = value.clone();
    }
    webhook
}

async fn mutating(cluster: &Cluster, webhooks: Value) {
    let api: Api<MutatingWebhookConfiguration> = Api::all(cluster.client.clone());
    let object = read(json!({"metadata": {"name": "injector"}, "webhooks": webhooks}));
    api.create(&PostParams::default(), &object).await.unwrap();
}

async fn refused(cluster: &Cluster, name: &str) -> (u16, String) {
    let pod =
        read(json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}}));
    match cluster.pods().create(&PostParams::default(), &pod).await {
        Err(kube::Error::Api(status)) => (status.code, status.message),
        other => panic!("it should be refused, and was {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_webhook_changes_pods_of_the_namespaces_it_selects_only() {
    let toleration = json!({"key": "virtual-kubelet.io/provider", "operator": "Exists"});
    let outside = FakeOutbound::saying(patching(
        json!([{"op": "add", "path": "/spec/tolerations/-", "value": toleration}]),
    ));
    let cluster = started(&outside);
    let selector = json!({"matchLabels": {"virtual-node-affinity-injection": "enabled"}});
    mutating(&cluster, json!([webhook("w.example.com", json!({"namespaceSelector": selector}))])).await;
    cluster.pod("before", json!({})).await;
    assert_eq!(outside.requests().len(), 0);
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let label = Patch::Merge(json!({"metadata": {"labels": {"virtual-node-affinity-injection": "enabled"}}}));
    namespaces.patch("default", &PatchParams::default(), &label).await.unwrap();
    cluster.pod("after", json!({})).await;
    let tolerations = cluster.seen("after").await["spec"]["tolerations"].clone();
    assert!(tolerations.as_array().unwrap().contains(&toleration), "{tolerations}");
    let (url, review) = outside.requests().remove(0);
    assert_eq!(url, "https://injector.kube-system.svc:443/inject?timeout=10s");
    let request = &review["request"];
    assert_eq!(request["operation"], "CREATE");
    assert_eq!(request["namespace"], "default");
    assert_eq!(request["resource"], json!({"group": "", "version": "v1", "resource": "pods"}));
    assert_eq!((&request["oldObject"], &request["dryRun"]), (&Value::Null, &json!(false)));
    assert_eq!(request["object"]["spec"]["serviceAccountName"], "default");
}

#[tokio::test(start_paused = true)]
async fn a_denial_names_the_webhook() {
    let outside =
        FakeOutbound::saying(json!({"allowed": false, "status": {"code": 403, "message": "not here"}}));
    let cluster = started(&outside);
    mutating(&cluster, json!([webhook("w.example.com", json!({}))])).await;
    let said = "admission webhook \"w.example.com\" denied the request: not here";
    assert_eq!(refused(&cluster, "p").await, (403, said.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_is_not_there_stops_pods_unless_it_may_be_ignored() {
    let outside = FakeOutbound::answering(|_, _| {
        Err(OutboundError("dial tcp 10.96.0.9:443: connect: connection refused".to_owned()))
    });
    let cluster = started(&outside);
    mutating(&cluster, json!([webhook("w.example.com", json!({"failurePolicy": "Ignore"}))])).await;
    cluster.pod("ignored", json!({})).await;
    let api: Api<MutatingWebhookConfiguration> = Api::all(cluster.client.clone());
    api.delete("injector", &kube::api::DeleteParams::default()).await.unwrap();
    mutating(&cluster, json!([webhook("w.example.com", json!({}))])).await;
    let said = "Internal error occurred: failed calling webhook \"w.example.com\": failed to call webhook: Post \
                \"https://injector.kube-system.svc:443/inject?timeout=10s\": dial tcp 10.96.0.9:443: connect: connection \
                refused";
    assert_eq!(refused(&cluster, "p").await, (500, said.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_answers_another_review_is_not_believed() {
    let outside = FakeOutbound::answering(|_, _| {
        Ok((200, answered(&json!({"request": {"uid": "other"}}), &json!({"allowed": true}))))
    });
    let cluster = started(&outside);
    mutating(&cluster, json!([webhook("w.example.com", json!({}))])).await;
    let (code, said) = refused(&cluster, "p").await;
    assert_eq!(code, 500);
    assert!(
        said.contains("failed calling webhook \"w.example.com\": received invalid webhook response"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_container_that_a_webhook_adds_gets_the_token_and_the_defaults_too() {
    let sidecar =
        json!([{"op": "add", "path": "/spec/containers/-", "value": {"name": "sidecar", "image": "proxy"}}]);
    let outside = FakeOutbound::saying(patching(sidecar));
    let cluster = started(&outside);
    mutating(&cluster, json!([webhook("w.example.com", json!({}))])).await;
    cluster.pod("p", json!({})).await;
    let sidecar = cluster.seen("p").await["spec"]["containers"][1].clone();
    assert_eq!(sidecar["imagePullPolicy"], "Always");
    assert_eq!(sidecar["volumeMounts"][0]["mountPath"], "/var/run/secrets/kubernetes.io/serviceaccount");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_wants_to_is_asked_again_when_another_changed_the_pod_after_it() {
    let outside = FakeOutbound::answering(|url, review| {
        let label = if url.contains("second") { "second" } else { "first" };
        let path = format!("/metadata/labels/{label}");
        Ok((200, answered(review, &patching(json!([{"op": "add", "path": path, "value": "yes"}])))))
    });
    let cluster = started(&outside);
    let to = |path: &str| json!({"url": format!("https://hooks.example.com/{path}")});
    let first =
        webhook("first.example.com", json!({"clientConfig": to("first"), "reinvocationPolicy": "IfNeeded"}));
    let second = webhook(
        "second.example.com",
        json!({"clientConfig": to("second"), "reinvocationPolicy": "IfNeeded"}),
    );
    mutating(&cluster, json!([first, second])).await;
    cluster.pod("p", json!({})).await;
    let requests: Vec<_> = outside.requests().into_iter().map(|(url, _)| url.contains("second")).collect();
    assert_eq!(requests, [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_validating_webhook_sees_the_pod_as_it_will_be_stored() {
    let outside = FakeOutbound::saying(json!({"allowed": false}));
    let cluster = started(&outside);
    let api: Api<ValidatingWebhookConfiguration> = Api::all(cluster.client.clone());
    let object =
        json!({"metadata": {"name": "judge"}, "webhooks": [webhook("judge.example.com", json!({}))]});
    api.create(&PostParams::default(), &read(object)).await.unwrap();
    let said = "admission webhook \"judge.example.com\" denied the request without explanation";
    assert_eq!(refused(&cluster, "p").await, (400, said.to_owned()));
    let (_, review) = outside.requests().remove(0);
    assert_eq!(review["request"]["object"]["spec"]["restartPolicy"], "Always");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_may_forbid_a_command_before_the_node_is_asked() {
    let outside =
        FakeOutbound::saying(json!({"allowed": false, "status": {"message": "nobody works in production"}}));
    let cluster = started(&outside);
    let rules = json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT"], "resources": ["pods/exec"]}]);
    let judge = webhook("judge.example.com", json!({"rules": rules}));
    let api: Api<ValidatingWebhookConfiguration> = Api::all(cluster.client.clone());
    let object = json!({"metadata": {"name": "judge"}, "webhooks": [judge]});
    api.create(&PostParams::default(), &read(object)).await.unwrap();
    let path = "/api/v1/namespaces/default/pods/p/exec?command=sh&stdin=true&container=c";
    let exec = http::Request::get(path).body(Vec::new()).unwrap();
    let Err(kube::Error::Api(status)) = cluster.client.request_text(exec).await else { panic!() };
    let words = "admission webhook \"judge.example.com\" denied the request: nobody works in production";
    assert_eq!((status.code, status.message.as_str()), (400, words));
    let requests = outside.requests();
    let review = &requests[0].1["request"];
    assert_eq!((&review["operation"], &review["name"]), (&json!("CONNECT"), &json!("p")));
    let options = json!({"kind": "PodExecOptions", "apiVersion": "v1", "stdin": true, "container": "c", "command": ["sh"]});
    assert_eq!((&review["object"], &review["kind"]["kind"]), (&options, &json!("PodExecOptions")));
    assert_eq!((&review["oldObject"], &review["options"], requests.len()), (&json!(null), &json!(null), 1));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_is_told_of_a_dry_run() {
    let outside = FakeOutbound::saying(json!({"allowed": true}));
    let cluster = started(&outside);
    mutating(&cluster, json!([webhook("w.example.com", json!({}))])).await;
    let dry = PostParams { dry_run: true, field_manager: None };
    let pod = read(json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}));
    cluster.pods().create(&dry, &pod).await.unwrap();
    assert_eq!(outside.requests()[0].1["request"]["dryRun"], true);
    assert_eq!(cluster.pod_names().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_log_comes_from_the_pods_node() {
    let outside = FakeOutbound::answering(|_, _| Ok((200, "hello\n".to_owned())));
    let cluster = started(&outside);
    cluster.node("n", json!([])).await;
    let status = json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.1.2.3"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10350}}}});
    cluster.nodes().patch_status("n", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    cluster.pod("p", json!({})).await;
    settle().await;
    let log =
        cluster.pods().logs("p", &LogParams { tail_lines: Some(5), ..LogParams::default() }).await.unwrap();
    assert_eq!(log, "hello\n");
    assert_eq!(outside.requests()[0].0, "https://10.1.2.3:10350/containerLogs/default/p/c?tailLines=5");
}

#[tokio::test(start_paused = true)]
async fn what_the_node_refuses_is_passed_on_in_its_words() {
    let text = "container \"c\" in pod \"p\" is waiting to start: ContainerCreating";
    let outside = FakeOutbound::answering(move |_, _| Ok((400, text.to_owned())));
    let cluster = started(&outside);
    cluster.node("n", json!([])).await;
    let status = json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.1.2.3"}]}});
    cluster.nodes().patch_status("n", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    cluster.pod("p", json!({})).await;
    settle().await;
    let kube::Error::Api(status) = cluster.pods().logs("p", &LogParams::default()).await.unwrap_err() else {
        panic!()
    };
    assert_eq!((status.code, status.message.as_str()), (400, text));
}

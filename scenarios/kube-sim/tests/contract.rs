//! The rules of the API as they are seen on the wire: codes, texts, headers, streams.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use kube_sim::{KubeBody, KubeSim};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

fn cluster() -> KubeSim {
    let clock = Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap());
    KubeSim::builder().clock(clock).build()
}

async fn send(sim: &KubeSim, request: http::request::Builder, body: &str) -> Response<KubeBody> {
    let request: Request<Full<Bytes>> = request.body(Bytes::from(body.to_owned()).into()).unwrap();
    sim.service().answer(request).await
}

async fn exchange(sim: &KubeSim, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let response = send(sim, request, body).await;
    let code = response.status().as_u16();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&text).unwrap_or_else(|_| String::from_utf8_lossy(&text).into()))
}

async fn post(sim: &KubeSim, path: &str, object: Value) -> Value {
    let (code, made) = exchange(sim, "POST", path, JSON, &object.to_string()).await;
    assert_eq!(code, 201, "{made}");
    made
}

/// All lines of a watch that ends by itself.
async fn watched(sim: &KubeSim, path: &str) -> Vec<Value> {
    let response = send(sim, Request::get(path), "").await;
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_request_is_said_in_the_real_servers_words() {
    let sim = cluster();
    post(&sim, MAPS, json!({"metadata": {"name": "c"}, "data": {"a": "1"}})).await;
    post(
        &sim,
        PODS,
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
    )
    .await;
    let one = &format!("{MAPS}/c");
    let rows: &[(&str, &str, &str, &str, u16, &str)] = &[
        (
            "POST",
            MAPS,
            "text/plain",
            "{}",
            415,
            "the body of the request was in an unknown format - accepted media types include: application/json",
        ),
        ("PATCH", one, "text/plain", "{}", 415, "415: Unsupported Media Type"),
        ("GET", "/api/v1/widgets", JSON, "", 404, "the server could not find the requested resource"),
        (
            "GET",
            &format!("{PODS}/p/nothing"),
            JSON,
            "",
            404,
            "the server could not find the requested resource",
        ),
        ("POST", one, JSON, "{}", 405, "the server does not allow this method on the requested resource"),
        ("POST", MAPS, JSON, r#"{"kind":"Pod"}"#, 400, "(Pod) does not match"),
        (
            "POST",
            MAPS,
            JSON,
            r#"{"metadata":{"name":"x","resourceVersion":"5"}}"#,
            500,
            "resourceVersion should not be set on objects to be created",
        ),
        (
            "POST",
            MAPS,
            JSON,
            r#"{"metadata":{}}"#,
            422,
            "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
        ),
        (
            "POST",
            "/api/v1/namespaces/nope/configmaps",
            JSON,
            r#"{"metadata":{"name":"x"}}"#,
            404,
            "namespaces \"nope\" not found",
        ),
        (
            "POST",
            &format!("{MAPS}?fieldValidation=Strict"),
            JSON,
            r#"{"metadata":{"name":"x"},"foo":1,"data":{"a":"1","a":"2"}}"#,
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"foo\", duplicate field \"data.a\"",
        ),
        (
            "POST",
            &format!("{MAPS}?fieldValidation=Loud"),
            JSON,
            r#"{"metadata":{"name":"x"}}"#,
            422,
            "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Loud\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
        ),
        (
            "POST",
            &format!("{MAPS}?dryRun=foo"),
            JSON,
            r#"{"metadata":{"name":"x"}}"#,
            422,
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"foo\"]: supported values: \"All\"",
        ),
        (
            "PUT",
            &format!("{MAPS}/z"),
            JSON,
            r#"{"metadata":{"name":"z"}}"#,
            404,
            "configmaps \"z\" not found",
        ),
        (
            "PUT",
            one,
            JSON,
            r#"{"metadata":{"name":"d"}}"#,
            400,
            "the name of the object (d) does not match the name on the URL (c)",
        ),
        (
            "PUT",
            one,
            JSON,
            r#"{"metadata":{}}"#,
            400,
            "the name of the object (c based on URL) was undeterminable",
        ),
        (
            "PUT",
            one,
            JSON,
            r#"{"metadata":{"name":"c","resourceVersion":"1"}}"#,
            409,
            "the object has been modified; please apply your changes",
        ),
        (
            "PUT",
            one,
            JSON,
            r#"{"metadata":{"name":"c","uid":"u"}}"#,
            409,
            "Precondition failed: UID in precondition: u, UID in object meta: ",
        ),
        (
            "PATCH",
            one,
            MERGE,
            r#"{"metadata":{"uid":"u"}}"#,
            422,
            "metadata.uid: Invalid value: \"u\": field is immutable",
        ),
        (
            "PATCH",
            one,
            MERGE,
            r#"{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}}"#,
            422,
            "metadata.deletionTimestamp: Invalid value",
        ),
        ("PATCH", one, MERGE, r#"{"data":"#, 400, "unexpected end of JSON input"),
        (
            "PATCH",
            one,
            MERGE,
            r#"{"data":{"b":1}}"#,
            422,
            " \"\" is invalid: patch: Invalid value: \"{\\\"data\\\":{\\\"b\\\":1}}\": json: cannot unmarshal number",
        ),
        (
            "PATCH",
            &format!("{one}?fieldValidation=Strict"),
            MERGE,
            r#"{"foo":1}"#,
            422,
            "strict decoding error: unknown field \"foo\"",
        ),
        (
            "PATCH",
            one,
            JSON_PATCH,
            r#"[{"op":"remove","path":"/data/z"}]"#,
            422,
            "the server rejected our request due to an error in our request",
        ),
        ("PATCH", one, JSON_PATCH, r#"{"op":"remove"}"#, 400, "error decoding patch: "),
        (
            "PATCH",
            &format!("{PODS}/p"),
            STRATEGIC,
            r#"{"spec":{"containers":[{"image":"x"}]}}"#,
            500,
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (
            "PATCH",
            one,
            APPLY,
            "{}",
            422,
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ),
        (
            "PATCH",
            &format!("{one}?force=true"),
            MERGE,
            "{}",
            422,
            "force: Forbidden: may not be specified for non-apply patch",
        ),
        (
            "DELETE",
            one,
            JSON,
            r#"{"propagationPolicy":"foo"}"#,
            422,
            "propagationPolicy: Unsupported value: \"foo\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
        ),
        (
            "DELETE",
            one,
            JSON,
            r#"{"preconditions":{"uid":"u"}}"#,
            409,
            "Operation cannot be fulfilled on ConfigMap \"c\": the UID in the precondition (u) does not match",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default",
            JSON,
            "",
            403,
            "namespaces \"default\" is forbidden: this namespace may not be deleted",
        ),
        (
            "GET",
            &format!("{MAPS}?continue=abc"),
            JSON,
            "",
            400,
            "invalid continue token: continue key is not valid: ",
        ),
        ("GET", &format!("{MAPS}?resourceVersion=abc"), JSON, "", 400, "invalid resource version"),
        (
            "GET",
            &format!("{MAPS}?limit=abc"),
            JSON,
            "",
            400,
            "strconv.ParseInt: parsing \"abc\": invalid syntax",
        ),
        (
            "GET",
            &format!("{MAPS}?watch=1&timeoutSeconds=1s"),
            JSON,
            "",
            400,
            "strconv.ParseInt: parsing \"1s\": invalid syntax",
        ),
        (
            "DELETE",
            &format!("{MAPS}?limit=abc"),
            JSON,
            "",
            400,
            "strconv.ParseInt: parsing \"abc\": invalid syntax",
        ),
        (
            "DELETE",
            &format!("{one}?gracePeriodSeconds=abc"),
            JSON,
            "",
            400,
            "strconv.ParseInt: parsing \"abc\": invalid syntax",
        ),
        (
            "DELETE",
            one,
            JSON,
            r#"{"gracePeriodSeconds":"abc"}"#,
            500,
            "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
        ),
        (
            "GET",
            &format!("{MAPS}?resourceVersionMatch=Exact"),
            JSON,
            "",
            422,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "GET",
            &format!("{MAPS}?resourceVersionMatch=Exact&resourceVersion=0"),
            JSON,
            "",
            422,
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        (
            "GET",
            &format!("{MAPS}?sendInitialEvents=true"),
            JSON,
            "",
            422,
            "sendInitialEvents is forbidden for list",
        ),
        (
            "GET",
            &format!("{MAPS}?watch=1&sendInitialEvents=true"),
            JSON,
            "",
            422,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            "GET",
            &format!("{MAPS}?resourceVersion=99999"),
            JSON,
            "",
            504,
            "Timeout: Too large resource version: 99999, current: ",
        ),
        (
            "GET",
            &format!("{MAPS}?fieldSelector=a=b"),
            JSON,
            "",
            400,
            "\"a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
        ("GET", &format!("{PODS}?fieldSelector=a=b"), JSON, "", 400, "field label not supported: a"),
        ("GET", &format!("{MAPS}?labelSelector=a%20b"), JSON, "", 400, "unable to parse requirement: "),
    ];
    for (method, path, kind, body, code, words) in rows {
        let (seen, status) = exchange(&sim, method, path, kind, body).await;
        let message = status["message"].as_str().unwrap_or_default();
        assert!(
            seen == *code && message.contains(words),
            "{method} {path} {body}\n  {seen} {message}\n  is not {code} {words}"
        );
        assert_eq!(
            (&status["kind"], &status["status"], &status["code"]),
            (&json!("Status"), &json!("Failure"), &json!(code))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_answer_carries_what_every_answer_carries() {
    let sim = cluster();
    let response = send(&sim, Request::get(PODS), "").await;
    assert_eq!(response.headers()["cache-control"], "no-cache, private");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["date"], "Mon, 05 Jan 2026 01:00:00 GMT");
    assert_eq!(response.headers()["audit-id"].len(), 36);
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_dropped_and_warned_of() {
    let sim = cluster();
    let request = Request::post(MAPS).header("content-type", JSON);
    let response = send(&sim, request, r#"{"metadata":{"name":"c"},"foo":1}"#).await;
    assert_eq!(response.headers()["warning"], "299 - \"unknown field \\\"foo\\\"\"");
    let (_, stored) = exchange(&sim, "GET", &format!("{MAPS}/c"), JSON, "").await;
    assert_eq!(stored["foo"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn discovery_that_is_known_already_is_not_sent_again() {
    let sim = cluster();
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let first = send(&sim, Request::get("/apis").header("accept", accept), "").await;
    assert_eq!(first.headers()["content-type"], accept);
    assert_eq!(first.headers()["vary"], "Accept");
    let tag = first.headers()["etag"].clone();
    let again = Request::get("/apis").header("accept", accept).header("if-none-match", tag);
    assert_eq!(send(&sim, again, "").await.status(), 304);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_may_list_is_told_with_who_may_not() {
    let sim = cluster();
    let nobody = kube_sim::KubeService::for_caller(sim, None);
    for (path, words) in [
        (
            PODS,
            "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"",
        ),
        (
            "/api/v1/nodes/n",
            "nodes \"n\" is forbidden: User \"system:anonymous\" cannot get resource \"nodes\" in API group \"\" at the cluster scope",
        ),
        ("/openapi/v3", "forbidden: User \"system:anonymous\" cannot get path \"/openapi/v3\""),
    ] {
        let request: Request<Full<Bytes>> = Request::get(path).body(Bytes::new().into()).unwrap();
        let response = nobody.answer(request).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let status: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&status["message"], &status["code"]), (&json!(words), &json!(403)));
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_of_one_revision_until_that_is_forgotten() {
    let sim = cluster();
    for name in ["a", "b", "c"] {
        post(&sim, "/api/v1/namespaces", json!({"metadata": {"name": format!("zz-{name}")}})).await;
    }
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, first) = exchange(&sim, "GET", "/api/v1/namespaces?limit=5", JSON, "").await;
    assert_eq!(first["metadata"]["remainingItemCount"], 2);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let next = format!("/api/v1/namespaces?limit=5&continue={token}");
    post(&sim, "/api/v1/namespaces", json!({"metadata": {"name": "zz-d"}})).await;
    let (_, second) = exchange(&sim, "GET", &next, JSON, "").await;
    assert_eq!(names(&second), ["zz-b", "zz-c"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    sim.compact();
    let (code, expired) = exchange(&sim, "GET", &next, JSON, "").await;
    assert_eq!((code, &expired["reason"]), (410, &json!("Expired")));
    let fresh = expired["metadata"]["continue"].as_str().unwrap();
    let (_, rest) =
        exchange(&sim, "GET", &format!("/api/v1/namespaces?limit=5&continue={fresh}"), JSON, "").await;
    assert_eq!(names(&rest), ["zz-b", "zz-c", "zz-d"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_can_be_had_as_it_was_and_as_it_will_be() {
    let sim = cluster();
    let made = post(&sim, MAPS, json!({"metadata": {"name": "c"}, "data": {"a": "1"}})).await;
    let version: u64 = made["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    exchange(&sim, "DELETE", &format!("{MAPS}/c"), JSON, "").await;
    let exact = format!("{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact&labelSelector=!x");
    let (_, then) = exchange(&sim, "GET", &exact, JSON, "").await;
    assert!(then["items"].as_array().unwrap().iter().any(|item| item["metadata"]["name"] == "c"));
    let later = sim.clone();
    let writer = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        post(&later, MAPS, json!({"metadata": {"name": "d"}})).await;
    });
    let (code, list) =
        exchange(&sim, "GET", &format!("{MAPS}?resourceVersion={}", version + 2), JSON, "").await;
    assert_eq!(code, 200, "{list}");
    writer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_begins_too_early_is_told_in_the_stream_and_one_that_has_seen_all_goes_on() {
    let sim = cluster();
    post(&sim, MAPS, json!({"metadata": {"name": "c"}})).await;
    let now = sim.store().revision();
    let running = tokio::spawn({
        let sim = sim.clone();
        async move { watched(&sim, &format!("{MAPS}?watch=1&resourceVersion={now}&timeoutSeconds=9")).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    post(&sim, "/api/v1/namespaces", json!({"metadata": {"name": "zz"}})).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    sim.compact();
    let told = watched(&sim, &format!("{MAPS}?watch=1&resourceVersion=1&timeoutSeconds=9")).await;
    assert_eq!((&told[0]["type"], &told[0]["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert!(told[0]["object"]["message"].as_str().unwrap().starts_with("too old resource version: 1 ("));
    post(&sim, MAPS, json!({"metadata": {"name": "d"}})).await;
    let seen = running.await.unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0]["object"]["metadata"]["name"], "d");
}

#[tokio::test(start_paused = true)]
async fn watches_end_when_they_are_cut() {
    let sim = cluster();
    let watching = tokio::spawn({
        let sim = sim.clone();
        async move { watched(&sim, &format!("{MAPS}?watch=1&resourceVersion=0")).await.len() }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    sim.cut_watches();
    assert_eq!(watching.await.unwrap(), 1); // the root certificate of the namespace
}

#[tokio::test(start_paused = true)]
async fn an_object_that_ceases_to_match_is_deleted_for_who_watches() {
    let sim = cluster();
    post(&sim, MAPS, json!({"metadata": {"name": "c", "labels": {"a": "1"}}})).await;
    let path = format!("{MAPS}?watch=1&labelSelector=a%3D1&timeoutSeconds=9&allowWatchBookmarks=true");
    let watching = tokio::spawn({
        let sim = sim.clone();
        async move { watched(&sim, &path).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_, moved) =
        exchange(&sim, "PATCH", &format!("{MAPS}/c"), MERGE, r#"{"metadata":{"labels":{"a":"2"}}}"#).await;
    let seen = watching.await.unwrap();
    let types: Vec<_> = seen.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["ADDED", "DELETED", "BOOKMARK"]);
    assert_eq!(seen[1]["object"]["metadata"]["labels"]["a"], "1");
    assert_eq!(seen[1]["object"]["metadata"]["resourceVersion"], moved["metadata"]["resourceVersion"]);
    assert_eq!(
        seen[2]["object"]["metadata"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["resourceVersion"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_removed_at_once_is_first_marked_then_gone() {
    let sim = cluster();
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let made = post(&sim, PODS, pod).await;
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    exchange(&sim, "DELETE", &format!("{PODS}/p"), JSON, r#"{"gracePeriodSeconds":0}"#).await;
    let seen = watched(&sim, &format!("{PODS}?watch=1&resourceVersion={version}&timeoutSeconds=1")).await;
    let types: Vec<_> = seen.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["MODIFIED", "DELETED"]);
    assert_eq!(seen[0]["object"]["metadata"]["deletionGracePeriodSeconds"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_ends_when_its_last_finalizer_is_taken() {
    let sim = cluster();
    post(&sim, "/api/v1/namespaces", json!({"metadata": {"name": "vk"}})).await;
    let (_, going) = exchange(&sim, "DELETE", "/api/v1/namespaces/vk", JSON, "").await;
    assert_eq!(going["status"]["phase"], "Terminating");
    let (_, replaced) =
        exchange(&sim, "PUT", "/api/v1/namespaces/vk", JSON, r#"{"metadata":{"name":"vk"}}"#).await;
    assert_eq!(replaced["spec"]["finalizers"], json!(["kubernetes"]));
    let finalize = r#"{"metadata":{"name":"vk"},"spec":{"finalizers":[]}}"#;
    let (code, _) = exchange(&sim, "PUT", "/api/v1/namespaces/vk/finalize", JSON, finalize).await;
    assert_eq!(code, 200);
    assert_eq!(exchange(&sim, "GET", "/api/v1/namespaces/vk", JSON, "").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_service_keeps_its_address_and_ports_through_a_replace() {
    let sim = cluster();
    let services = "/api/v1/namespaces/default/services";
    let service = json!({"metadata": {"name": "web"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let made = post(&sim, services, service.clone()).await;
    assert!((30_000..=32_767).contains(&made["spec"]["ports"][0]["nodePort"].as_i64().unwrap()));
    let (code, kept) = exchange(&sim, "PUT", &format!("{services}/web"), JSON, &service.to_string()).await;
    assert_eq!(code, 200, "{kept}");
    assert_eq!(kept["spec"], made["spec"]);
    assert_eq!(kept["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_put_without_being_there_but_not_without_its_version() {
    let sim = cluster();
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n";
    let lease = json!({"metadata": {"name": "n"}, "spec": {"leaseDurationSeconds": 40}}).to_string();
    assert_eq!(exchange(&sim, "PUT", path, JSON, &lease).await.0, 201);
    let (code, status) = exchange(&sim, "PUT", path, JSON, &lease).await;
    assert_eq!(code, 422);
    assert_eq!(
        status["message"],
        "leases.coordination.k8s.io \"n\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_is_one_in_both_groups() {
    let sim = cluster();
    let newer = "/apis/events.k8s.io/v1/namespaces/default/events";
    let event = json!({"metadata": {"name": "e"}, "regarding": {"kind": "Node", "name": "n"}, "note": "hello", "reason": "Said",
        "type": "Normal", "action": "Say", "reportingController": "me", "reportingInstance": "here",
        "eventTime": "2026-01-05T01:00:00.000000Z"});
    post(&sim, newer, event.clone()).await;
    let (_, old) = exchange(&sim, "GET", "/api/v1/namespaces/default/events/e", JSON, "").await;
    assert_eq!(
        (&old["message"], &old["involvedObject"]["name"], &old["apiVersion"]),
        (&json!("hello"), &json!("n"), &json!("v1"))
    );
    let (_, list) = exchange(&sim, "GET", &format!("{newer}?fieldSelector=regarding.name=n"), JSON, "").await;
    assert_eq!(list["items"][0]["note"], "hello");
    let mut wrong = event;
    wrong["metadata"]["name"] = "f".into();
    wrong["eventTime"] = Value::Null;
    let (code, status) = exchange(&sim, "POST", newer, JSON, &wrong.to_string()).await;
    assert_eq!(code, 422);
    assert!(status["message"].as_str().unwrap().contains("eventTime: Required value"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_is_none() {
    let sim = cluster();
    let made = post(&sim, MAPS, json!({"metadata": {"name": "c"}, "data": {"a": "1"}})).await;
    let body = json!({"metadata": {"name": "c"}, "data": {"a": "1"}}).to_string();
    for (method, kind, body) in
        [("PUT", JSON, body.as_str()), ("PATCH", MERGE, "{}"), ("PATCH", STRATEGIC, r#"{"data":{"a":"1"}}"#)]
    {
        let (code, kept) = exchange(&sim, method, &format!("{MAPS}/c"), kind, body).await;
        assert_eq!((code, &kept), (200, &made), "{method} {kind}");
    }
}

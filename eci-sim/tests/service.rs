//! The simulator as clients meet it: signed calls, envelopes, faults, the control API, and sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{START_TIME, sim, wait};
use bytes::Bytes;
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use eci_sim::Incoming;
use eci_sim::{EciSim, FaultVerdict, Rule, listener};
use http::{Method, Request, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HOST: &str = "eci.cn-hangzhou.aliyuncs.com";

struct Sent<'a> {
    action: &'a str,
    parameters: &'a [(&'a str, &'a str)],
    key: (&'a str, &'a str),
    method: Method,
    in_body: bool,
    nonce: &'a str,
    at: Timestamp,
    format: &'a str,
}

impl<'a> Sent<'a> {
    fn new(action: &'a str, parameters: &'a [(&'a str, &'a str)], nonce: &'a str) -> Self {
        let at = START_TIME.parse().unwrap();
        let (key, method) = (("local", "local-secret"), Method::POST);
        Self { action, parameters, key, method, in_body: false, nonce, at, format: "JSON" }
    }

    fn request(&self) -> Request<Bytes> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut pairs: Pairs = self.parameters.iter().map(owned).collect();
        let (key, secret) = self.key;
        let secret = Secret::new(secret);
        rpc::complete(&mut pairs, self.action, (key, &secret), self.method.as_str(), self.at, self.nonce);
        if self.format != "JSON" {
            pairs.retain(|(name, _)| name != "Format" && name != "Signature");
            pairs.push(("Format".into(), self.format.into()));
            pairs.push(("Signature".into(), rpc::sign(self.method.as_str(), &pairs, &secret)));
        }
        let text = render(&pairs);
        let request = Request::builder().method(self.method.clone()).header("host", HOST);
        match self.in_body {
            true => request
                .uri("/")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Bytes::from(text))
                .unwrap(),
            false => request.uri(format!("/?{text}")).body(Bytes::new()).unwrap(),
        }
    }

    fn to(&self, sim: &EciSim) -> (u16, Value) {
        read(&sim.call(self.request()))
    }
}

fn read(response: &Response<Bytes>) -> (u16, Value) {
    let body = serde_json::from_slice(response.body());
    (
        response.status().as_u16(),
        body.unwrap_or_else(|_| Value::String(String::from_utf8_lossy(response.body()).into())),
    )
}

const NGINX: &[(&str, &str)] = &[
    ("RegionId", "cn-hangzhou"),
    ("ContainerGroupName", "web"),
    ("Container.1.Name", "web"),
    ("Container.1.Image", "nginx"),
];

#[test]
fn parameters_may_stand_in_the_query_or_in_the_body_of_a_get_or_a_post() {
    for (index, (method, in_body)) in
        [(Method::GET, false), (Method::POST, false), (Method::POST, true)].into_iter().enumerate()
    {
        let sim = sim();
        let nonce = index.to_string();
        let sent = Sent { method, in_body, ..Sent::new("CreateContainerGroup", NGINX, &nonce) };
        let (status, body) = sent.to(&sim);
        assert_eq!(status, 200, "{body}");
        assert!(body["ContainerGroupId"].as_str().unwrap().starts_with("eci-bp1"));
        let id = body["RequestId"].as_str().unwrap();
        assert!(id.len() == 36 && id == id.to_uppercase(), "{id}");
    }
}

#[test]
fn an_error_has_the_cloud_s_envelope() {
    let sim = sim();
    let late = START_TIME.parse::<Timestamp>().unwrap() - jiff::SignedDuration::from_mins(32);
    let describe = || Sent::new("DescribeContainerGroups", &[], "n");
    for (sent, status, code, says) in [
        (Sent { key: ("nobody", "x"), ..describe() }, 404, "InvalidAccessKeyId.NotFound", "not found"),
        (
            Sent { key: ("local", "wrong"), ..describe() },
            400,
            "SignatureDoesNotMatch",
            "server string to sign is:POST&%2F&",
        ),
        (Sent { at: late, ..describe() }, 400, "InvalidTimeStamp.Expired", "expired"),
        (
            Sent { action: "DescribeNothing", nonce: "a", ..describe() },
            404,
            "InvalidAction.NotFound",
            "DescribeNothing",
        ),
        (
            Sent { action: "ExportContainerGroupTemplate", nonce: "b", ..describe() },
            400,
            "MissingParameter",
            "ContainerGroupId",
        ),
        (
            Sent { action: "DeleteContainerGroup", nonce: "c", ..describe() },
            400,
            "MissingParameter",
            "ContainerGroupId",
        ),
        (
            Sent { parameters: &[("Limit", "many")], nonce: "d", ..describe() },
            400,
            "InvalidParameter",
            "Limit",
        ),
    ] {
        let (given, body) = sent.to(&sim);
        assert_eq!(body["Code"], code, "{body}");
        assert_eq!(given, status, "{body}");
        assert!(body["Message"].as_str().unwrap().contains(says), "{body}");
        assert_eq!(body["HostId"], HOST);
        assert!(body["Recommend"].as_str().unwrap().contains(code));
    }
}

#[test]
fn a_nonce_is_taken_once() {
    let sim = sim();
    let sent = Sent::new("DescribeRegions", &[], "once");
    assert_eq!(sent.to(&sim).0, 200);
    assert_eq!(sent.to(&sim).1["Code"], "SignatureNonceUsed");
}

#[test]
fn clients_need_not_know_that_the_simulator_s_clock_was_moved() {
    let now: Timestamp = START_TIME.parse().unwrap();
    let clock = determinism::Clock::still(now);
    let outside = determinism::Clock::still(now);
    let sim = EciSim::builder().clock(clock.clone()).clients_clock(outside);
    let sim = sim.credential("local", Secret::new("local-secret")).build();
    clock.advance(std::time::Duration::from_hours(24)).unwrap();
    assert_eq!(Sent::new("DescribeRegions", &[], "1").to(&sim).0, 200);
    assert_eq!(Sent::new("DescribeRegions", &[], "1").to(&sim).1["Code"], "SignatureNonceUsed");
    assert_eq!(Sent { at: clock.now(), ..Sent::new("DescribeRegions", &[], "2") }.to(&sim).0, 200);
    let between = now + jiff::SignedDuration::from_hours(12);
    let refused = Sent { at: between, ..Sent::new("DescribeRegions", &[], "3") }.to(&sim);
    assert_eq!(refused.1["Code"], "InvalidTimeStamp.Expired");
}

/// A machine whose wall clock was put back an hour after it had been wrong; its counter did not notice.
struct PutBack(std::sync::atomic::AtomicBool);

impl determinism::Machine for PutBack {
    fn wall(&self) -> Timestamp {
        let right: Timestamp = START_TIME.parse().unwrap();
        let wrong = right + jiff::SignedDuration::from_hours(1);
        if self.0.load(std::sync::atomic::Ordering::Relaxed) { right } else { wrong }
    }

    fn elapsed(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

#[test]
fn signatures_are_verified_with_the_right_time_after_the_machine_s_clock_was_put_back() {
    let machine = std::sync::Arc::new(PutBack(false.into()));
    let clock = determinism::Clock::monotonic_of_machine(machine.clone());
    let sim = EciSim::builder().clock(clock.clone());
    let sim = sim.clients_clock(determinism::Clock::of_machine(machine.clone()));
    let sim = sim.credential("local", Secret::new("local-secret")).build();
    let before = clock.now();
    assert_eq!(Sent::new("DescribeRegions", &[], "1").to(&sim).1["Code"], "InvalidTimeStamp.Expired");
    machine.0.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(Sent::new("DescribeRegions", &[], "2").to(&sim).0, 200);
    assert_eq!(clock.now(), before, "the world's own time does not go back");
}

#[test]
fn xml_is_written_when_it_is_asked_for() {
    let sim = sim();
    let response = sim.call(
        Sent { format: "XML", ..Sent::new("DescribeRegions", &[("RegionId", "cn-hangzhou")], "x") }.request(),
    );
    assert_eq!(response.headers()["content-type"], "text/xml;charset=utf-8");
    let text = String::from_utf8_lossy(response.body());
    assert!(
        text.contains("<DescribeRegionsResponse>") && text.contains("<RegionId>cn-hangzhou</RegionId>"),
        "{text}"
    );
}

#[test]
fn the_date_comes_from_the_simulator_s_clock() {
    let response = sim().call(Sent::new("DescribeRegions", &[], "x").request());
    assert_eq!(response.headers()["date"], "Thu, 01 Jan 2026 09:00:00 GMT");
}

#[test]
fn what_old_go_clients_send_by_mistake_does_no_harm() {
    let sim = sim();
    let garbled = ("Container.1.LivenessProbe.Exec.Command", "<[]string Value>");
    let create: Vec<_> = NGINX.iter().copied().chain([garbled]).collect();
    let (status, body) = Sent::new("CreateContainerGroup", &create, "1").to(&sim);
    assert_eq!(status, 200, "{body}");
    let log = [
        ("ContainerGroupId", body["ContainerGroupId"].as_str().unwrap()),
        ("ContainerName", "web"),
        ("Tail", "\u{0}"),
    ];
    let (status, body) = Sent::new("DescribeContainerLog", &log, "2").to(&sim);
    assert_eq!((status, &body["Content"]), (200, &json!("")), "{body}");
}

#[test]
fn accounts_and_regions_do_not_see_each_other() {
    let clock = determinism::Clock::still(START_TIME.parse().unwrap());
    let sim = EciSim::builder().clock(clock);
    let sim = sim.credential("a", Secret::new("sa")).credential("b", Secret::new("sb")).build();
    Sent { key: ("a", "sa"), ..Sent::new("CreateContainerGroup", NGINX, "1") }.to(&sim);
    for (index, (key, region, count)) in
        [(("a", "sa"), "cn-hangzhou", 1), (("b", "sb"), "cn-hangzhou", 0), (("a", "sa"), "cn-beijing", 0)]
            .into_iter()
            .enumerate()
    {
        let nonce = format!("see {index}");
        let parameters = [("RegionId", region)];
        let (_, body) = Sent { key, ..Sent::new("DescribeContainerGroups", &parameters, &nonce) }.to(&sim);
        assert_eq!(body["TotalCount"], count);
    }
}

#[test]
fn a_call_dropped_before_has_no_effect_and_one_dropped_after_has() {
    for (verdict, groups) in [(FaultVerdict::DropBefore, 0), (FaultVerdict::DropAfter, 1)] {
        let sim = sim();
        sim.control().add_fault(Rule::new(verdict).on("CreateContainerGroup").times(1));
        let exchange = sim.exchange(Incoming::from(Sent::new("CreateContainerGroup", NGINX, "1").request()));
        assert!(exchange.answer.is_none());
        assert_eq!(sim.control().groups().len(), groups);
    }
}

#[test]
fn a_stale_answer_tells_what_was_and_only_to_whom_it_was_told() {
    let clock = determinism::Clock::still(START_TIME.parse().unwrap());
    let (a, b) = (Secret::new("sa"), Secret::new("sb"));
    let sim = EciSim::builder().clock(clock).credential("a", a).credential("b", b).build();
    sim.control().add_fault(Rule::new(FaultVerdict::StaleMs(60_000)).on("DescribeContainerGroups"));
    let see = |key, nonce: &str, at: &str| {
        let at = at.parse().unwrap();
        let sent = Sent { key, at, ..Sent::new("DescribeContainerGroups", &[], nonce) };
        sent.to(&sim).1["TotalCount"].clone()
    };
    assert_eq!(see(("a", "sa"), "1", START_TIME), 0);
    Sent { key: ("a", "sa"), ..Sent::new("CreateContainerGroup", NGINX, "2") }.to(&sim);
    assert_eq!(see(("a", "sa"), "3", START_TIME), 1, "nothing older is known");
    wait(&sim, 60);
    Sent { key: ("b", "sb"), ..Sent::new("CreateContainerGroup", NGINX, "4") }.to(&sim);
    assert_eq!(see(("b", "sb"), "5", START_TIME), 1, "what was told to another is not told");
    Sent { key: ("a", "sa"), ..Sent::new("CreateContainerGroup", NGINX, "6") }.to(&sim);
    assert_eq!(see(("a", "sa"), "7", START_TIME), 1, "two by now, one a minute ago");
}

#[test]
fn a_cut_answer_is_no_json_and_what_was_asked_is_done() {
    let sim = sim();
    sim.control().add_fault(Rule::new(FaultVerdict::Truncate(20)).times(1));
    let answer = sim.call(Sent::new("CreateContainerGroup", NGINX, "1").request());
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 20));
    assert_eq!(sim.control().groups().len(), 1);
}

#[test]
fn a_rule_befalls_the_group_that_the_call_names() {
    let sim = sim();
    let (_, made) = Sent::new("CreateContainerGroup", NGINX, "1").to(&sim);
    wait(&sim, 60);
    let id = made["ContainerGroupId"].as_str().unwrap();
    let rule = Rule::new(FaultVerdict::Crash { container: "web".into(), exit_code: 9 });
    sim.control().add_fault(rule.on("DescribeContainerLog").times(1));
    let parameters = [("ContainerGroupId", id), ("ContainerName", "web")];
    Sent::new("DescribeContainerLog", &parameters, "2").to(&sim);
    let (_, seen) = Sent::new("DescribeContainerGroups", &[], "3").to(&sim);
    assert_eq!(seen["ContainerGroups"][0]["Containers"][0]["CurrentState"]["ExitCode"], 9);
}

#[test]
fn a_signed_call_with_the_same_token_is_answered_again_under_a_number_of_its_own() {
    let sim = sim();
    let parameters: Vec<_> = NGINX.iter().copied().chain([("ClientToken", "t")]).collect();
    let (_, first) = Sent::new("CreateContainerGroup", &parameters, "1").to(&sim);
    let (_, again) = Sent::new("CreateContainerGroup", &parameters, "2").to(&sim);
    assert_eq!(first["ContainerGroupId"], again["ContainerGroupId"]);
    assert_ne!(first["RequestId"], again["RequestId"]);
    assert_eq!(sim.control().groups().len(), 1);
}

#[test]
fn a_rule_turns_calls_down_with_its_code_and_the_table_s_status() {
    let sim = sim();
    sim.control().add_fault(Rule::refuse("OperationDenied.NoStock").on("Create*"));
    let (status, body) = Sent::new("CreateContainerGroup", NGINX, "1").to(&sim);
    assert_eq!((status, &body["Code"]), (403, &json!("OperationDenied.NoStock")));
    assert_eq!(Sent::new("DescribeRegions", &[], "2").to(&sim).0, 200);
    assert_eq!(sim.control().requests()[0].code, "OperationDenied.NoStock");
}

fn control_call(sim: &EciSim, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request =
        Request::builder().method(method).uri(path).header("host", "127.0.0.1:9000").body(body).unwrap();
    read(&sim.control().call(request))
}

#[test]
fn the_control_api_moves_the_clock_and_tells_the_bill() {
    let sim = sim();
    Sent::new("CreateContainerGroup", NGINX, "1").to(&sim);
    let (status, time) = control_call(&sim, "POST", "/clock/advance", &json!({ "seconds": 7200 }));
    assert_eq!((status, &time["now"]), (200, &json!("2026-01-01T11:00:00Z")));
    let (_, bill) = control_call(&sim, "GET", "/bill", &Value::Null);
    assert_eq!(bill["lines"][1]["amount"], "0.441072");
    assert_eq!(bill["lines"][1]["parts"], json!({ "cpu": "0.3528", "mem": "0.088272" }));
    let cpu = json!({ "units": "2", "unit-price": "0.1764", "list-price": "0.1764" });
    assert_eq!(bill["lines"][1]["prices"]["cpu"], cpu);
    let (_, ledger) = control_call(&sim, "GET", "/ledger", &Value::Null);
    assert!(ledger.as_str().unwrap().contains(" web Scheduling -> Pending\n"));
    assert_eq!(control_call(&sim, "GET", "/requests", &Value::Null).1[0]["action"], "CreateContainerGroup");
    control_call(&sim, "POST", "/reset", &Value::Null);
    assert_eq!(control_call(&sim, "GET", "/groups", &Value::Null).1, json!([]));
}

#[test]
fn the_control_api_adds_and_removes_faults_and_takes_scripts() {
    let sim = sim();
    let rule = json!({ "action": "Describe*", "times": 3, "verdict": { "delay-ms": 20 } });
    assert_eq!(control_call(&sim, "POST", "/faults", &rule).1, json!({ "number": 1 }));
    assert_eq!(control_call(&sim, "GET", "/faults", &Value::Null).1[0]["rule"], rule);
    assert_eq!(control_call(&sim, "DELETE", "/faults/1", &Value::Null).0, 200);
    assert_eq!(control_call(&sim, "DELETE", "/faults/1", &Value::Null).0, 404);
    let script = json!({ "pattern": "nginx", "run-seconds": 1.5, "exit-code": 3, "log": ["bye"] });
    assert_eq!(control_call(&sim, "POST", "/scripts", &script).0, 200);
    Sent::new("CreateContainerGroup", NGINX, "1").to(&sim);
    wait(&sim, 60);
    assert!(
        sim.control().ledger().iter().any(|entry| entry.to_string().ends_with("container web ended with 3"))
    );
}

#[test]
fn the_control_api_says_what_is_wrong_and_turns_strangers_away() {
    let sim = sim();
    for (method, path, body, status, says) in [
        ("GET", "/nothing", Value::Null, 404, "GET /openapi.json"),
        ("POST", "/clock/advance", json!({ "minutes": 1 }), 400, "unknown field `minutes`"),
        ("POST", "/clock/advance", json!({ "seconds": -1 }), 400, "-1 seconds is no span of time"),
        ("POST", "/faults", json!({ "verdict": "explode" }), 400, "unknown variant `explode`"),
    ] {
        let (given, answer) = control_call(&sim, method, path, &body);
        assert_eq!(given, status);
        assert!(answer["error"].as_str().unwrap().contains(says), "{answer}");
    }
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example:9000")] {
        let request = Request::builder().uri("/bill").header(name, value).body(Bytes::new()).unwrap();
        assert_eq!(sim.control().call(request).status(), 403, "{name}: {value}");
    }
}

async fn over_a_socket(sim: EciSim, sent: &[u8]) -> String {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(listener::serve(socket, move |request| sim.exchange(request), std::future::pending()));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let write = async {
        // The other side may close before it has read all, as it does with what is too long.
        let _closed_early = writer.write_all(sent).await;
    };
    let read = async {
        let _closed_early = reader.read_to_end(&mut answer).await;
    };
    tokio::join!(write, read);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_line_of_half_a_mebibyte_is_read() {
    let sim = sim();
    let large = "x".repeat(500_000);
    let parameters: Vec<_> = NGINX.iter().copied().chain([("VkClientVersion", large.as_str())]).collect();
    let mut pairs: Pairs =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let at: Timestamp = START_TIME.parse().unwrap();
    rpc::complete(
        &mut pairs,
        "CreateContainerGroup",
        ("local", &Secret::new("local-secret")),
        "POST",
        at,
        "1",
    );
    let request = format!("POST /?{} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n", render(&pairs));
    let answer = over_a_socket(sim, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("ContainerGroupId"), "{answer}");
}

#[tokio::test]
async fn what_is_no_http_or_too_long_is_answered_with_its_status() {
    let line = format!("GET /?{} HTTP/1.1\r\n", "x".repeat(1_100_000));
    for (sent, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (line, "414"),
        (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1_100_000)), "431"),
        ("POST / HTTP/1.1\r\ncontent-length: 5000000\r\n\r\n".to_owned(), "413"),
        ("POST / HTTP/1.1\r\ncontent-length: minus\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = over_a_socket(sim(), sent.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
    }
}

#[tokio::test]
async fn several_requests_one_of_them_in_chunks_go_over_one_connection() {
    let sent = "GET / HTTP/1.1\r\nhost: a\r\n\r\nPOST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                GET http://eci.aliyuncs.com/?Action=X HTTP/1.1\r\nconnection: close\r\n\r\n";
    let answer = over_a_socket(sim(), sent.as_bytes()).await;
    assert_eq!(answer.matches("MissingAccessKeyId").count(), 6, "twice in each answer: {answer}");
}

#[test]
fn a_call_of_nobody_leaves_nothing_long_behind() {
    let sim = sim();
    let long = "x".repeat(1 << 20);
    for (query, path) in [
        (format!("Version=2018-08-08&AccessKeyId=nobody&Action={long}"), "/"),
        (format!("Version=2018-08-08&AccessKeyId=nobody&Action=a&SignatureNonce={long}"), "/"),
        (format!("param={long}"), "/exec/"),
    ] {
        let headers = vec![("host".to_owned(), long.clone())];
        let incoming = Incoming {
            method: "POST".into(),
            path: path.into(),
            query,
            headers: headers.clone(),
            ..Incoming::default()
        };
        let exchange = sim.exchange(incoming);
        assert!(!exchange.authenticated);
        let answer = exchange.answer.unwrap();
        assert!(answer.body().len() < 2000, "{} bytes", answer.body().len());
        let refused = sim.control().exchange(&Incoming {
            method: "GET".into(),
            path: "/bill".into(),
            headers,
            ..Incoming::default()
        });
        assert!(!refused.authenticated && refused.answer.unwrap().body().len() < 5000);
    }
    let kept = serde_json::to_string(&sim.control().requests()).unwrap();
    assert!(kept.len() < 3000, "{} bytes", kept.len());
}

#[test]
fn the_request_log_keeps_the_beginnings_of_what_members_say() {
    let sim = sim();
    let long = "x".repeat(10_000);
    Sent::new("DeleteContainerGroup", &[("ContainerGroupId", &long)], "1").to(&sim);
    let logged = sim.control().requests().pop().unwrap();
    assert_eq!((logged.group.len(), logged.account.as_str()), (256, "local"));
}

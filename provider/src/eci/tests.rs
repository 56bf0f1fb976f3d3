//! Tests of the client against a line that records what travels.

use std::collections::VecDeque;

use eci_api::Secret;
use eci_api::actions::create_container_group::{
    ConfigFileToPath, ConfigFileVolume, CreateContainerGroup, Volume,
};
use eci_api::actions::delete_container_group::DeleteContainerGroup;
use eci_api::actions::describe_regions::DescribeRegions;
use futures::future::BoxFuture;
use http::Request;

use super::signing::FORM;
use super::*;

#[derive(Default)]
struct Line {
    seen: Mutex<Vec<Request<Bytes>>>,
    answers: Mutex<VecDeque<Result<(u16, &'static str), &'static str>>>,
    headers: &'static [(&'static str, &'static str)],
}

impl Transport for Line {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.seen.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            match answer {
                Some(Ok((status, body))) => {
                    let answer = Response::builder().status(status);
                    let answer = self.headers.iter().fold(answer, |a, (name, value)| a.header(*name, *value));
                    Ok(answer.body(Bytes::from(body)).unwrap())
                }
                Some(Err(why)) => Err(TransportError::new(why)),
                None => std::future::pending().await,
            }
        })
    }
}

fn eci(answers: impl IntoIterator<Item = Result<(u16, &'static str), &'static str>>) -> (Eci, Arc<Line>) {
    eci_with_headers(&[], answers)
}

fn eci_with_headers(
    headers: &'static [(&'static str, &'static str)],
    answers: impl IntoIterator<Item = Result<(u16, &'static str), &'static str>>,
) -> (Eci, Arc<Line>) {
    let answers = Mutex::new(answers.into_iter().collect());
    let line = Arc::new(Line { answers, headers, ..Line::default() });
    let credentials = Credentials { access_key_id: "testid".into(), secret: Secret::new("testsecret") };
    let clock = Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap());
    (Eci::new(line.clone(), credentials, "cn-hangzhou", clock, Seed::DEFAULT), line)
}

fn delete() -> DeleteContainerGroup {
    DeleteContainerGroup { container_group_id: Some("eci-1".into()), ..Default::default() }
}

const FINE: Result<(u16, &str), &str> = Ok((200, r#"{"RequestId":"R"}"#));

#[tokio::test(start_paused = true)]
async fn a_call_names_its_action_and_signs_the_host_it_is_sent_to() {
    let (eci, line) = eci([FINE]);
    eci.call(&delete()).await.unwrap();
    let seen = line.seen.lock().unwrap();
    assert_eq!(seen[0].uri(), "https://eci.cn-hangzhou.aliyuncs.com/?ContainerGroupId=eci-1");
    assert_eq!(seen[0].headers()["x-acs-action"], "DeleteContainerGroup");
    assert_eq!(seen[0].headers()["host"], "eci.cn-hangzhou.aliyuncs.com");
    let authorization = seen[0].headers()["authorization"].to_str().unwrap();
    assert!(
        authorization.starts_with("ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host;"),
        "{authorization}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeated_call_has_a_nonce_and_a_date_of_its_own() {
    let (eci, line) = eci([Err("connection refused"), Err("connection refused"), FINE]);
    eci.call(&delete()).await.unwrap();
    let seen = line.seen.lock().unwrap();
    let nonces: std::collections::BTreeSet<_> =
        seen.iter().map(|r| r.headers()["x-acs-signature-nonce"].to_str().unwrap()).collect();
    assert_eq!((seen.len(), nonces.len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_given_up() {
    let (eci, _line) = eci([]);
    let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ECI cannot be reached at https://eci.cn-hangzhou.aliyuncs.com: no answer within 10 s (DescribeRegions)"
    );
    assert_eq!(eci.last_answered(), None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_the_cloud_s_own_words() {
    let body = r#"{"RequestId":"R-1","Code":"QuotaExceeded","Message":"vCPU quota exceeded."}"#;
    let (eci, _line) = eci([Ok((403, body))]);
    let error = eci.call(&delete()).await.unwrap_err();
    assert_eq!(error.to_string(), "vCPU quota exceeded. (QuotaExceeded, DeleteContainerGroup, request R-1)");
    assert!(eci.last_answered().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_for_a_request_line_travels_in_the_body() {
    let (eci, line) = eci([FINE]);
    let file = ConfigFileToPath { content: Some("x".repeat(60 * 1024)), path: Some("a".into()), mode: None };
    let volume = Volume {
        config_file_volume: Some(ConfigFileVolume { config_file_to_path: vec![file], ..Default::default() }),
        ..Default::default()
    };
    eci.call(&CreateContainerGroup { volume: vec![volume], ..Default::default() }).await.unwrap();
    let seen = line.seen.lock().unwrap();
    assert_eq!(seen[0].uri().query(), None);
    assert_eq!(seen[0].headers()["content-type"], FORM);
    assert!(seen[0].body().len() > 60 * 1024);
}

const THROTTLED: Result<(u16, &str), &str> = Ok((400, r#"{"RequestId":"R","Code":"Throttling"}"#));

#[tokio::test(start_paused = true)]
async fn a_short_pause_that_the_cloud_asks_for_is_made_within_the_call() {
    let (eci, line) = eci_with_headers(&[("x-acs-retry-after", "7000")], [THROTTLED, FINE]);
    let began = Instant::now();
    eci.call(&delete()).await.unwrap();
    assert_eq!(line.seen.lock().unwrap().len(), 2);
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_that_the_cloud_asks_for_ends_the_call_and_holds_back_the_next() {
    let (eci, line) = eci_with_headers(&[("retry-after", "40")], [THROTTLED, FINE]);
    let began = Instant::now();
    let error = eci.call(&delete()).await.unwrap_err();
    assert_eq!((error.retry_after(), began.elapsed()), (Some(Duration::from_secs(40)), Duration::ZERO));
    eci.call(&delete()).await.unwrap();
    assert_eq!((line.seen.lock().unwrap().len(), began.elapsed().as_secs()), (2, 10));
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_faults_is_given_up_after_three_tries() {
    let fault = Ok((500, r#"{"RequestId":"R","Code":"InternalError"}"#));
    let (eci, line) = eci([fault; 9]);
    assert_eq!(eci.call(&delete()).await.unwrap_err().meaning(), Some(Meaning::Fault));
    assert_eq!(line.seen.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_asked_elsewhere_goes_on_with_its_nonces_and_its_gate() {
    let (eci, line) = eci([FINE, FINE]);
    eci.call(&delete()).await.unwrap();
    let moved = eci.clone().at("http://127.0.0.1:1".parse().unwrap());
    moved.call(&delete()).await.unwrap();
    let seen = line.seen.lock().unwrap();
    assert_ne!(seen[0].headers()["x-acs-signature-nonce"], seen[1].headers()["x-acs-signature-nonce"]);
    assert_eq!(eci.waits()["DeleteContainerGroup"].calls, 2);
}

#[test]
fn the_secret_is_never_printed() {
    let credentials = Credentials { access_key_id: "testid".into(), secret: Secret::new("testsecret") };
    assert!(!format!("{credentials:?}").contains("testsecret"));
}

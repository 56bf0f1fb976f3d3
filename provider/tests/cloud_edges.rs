//! The client of the cloud over real sockets, against a cloud that answers badly, slowly, endlessly or not at all.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_api::actions::{DescribeRegions, ExecContainerCommand};
use jiff::{SignedDuration, Timestamp};
use provider::Eci;
use provider::eci::{Credentials, EciError, HyperTransport, Meaning};
use provider::pods::call_failure::{self, FailurePolicy, Outcome};
use provider::serving::Identification;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const START_TIME: &str = "2026-01-05T09:00:00Z";

/// The most bytes of an answer that these clients read.
const ANSWER_LIMIT: usize = 64 * 1024;

/// A limit that no answer of this machine to itself comes near, for clients whose time is not the point.
const AMPLE: Duration = Duration::from_secs(60);

fn client(endpoint: &str, timeout: Duration) -> Eci {
    let transport = HyperTransport::new().unwrap().with_answer_limit(ANSWER_LIMIT);
    let credentials = Credentials { access_key_id: "testid".into(), secret: Secret::new("testsecret") };
    let clock = Clock::still(START_TIME.parse().unwrap());
    Eci::new(Arc::new(transport), credentials, "cn-hangzhou", clock, Seed::DEFAULT)
        .at(endpoint.parse().unwrap())
        .with_timeout(timeout)
}

/// The error of one call to a cloud that answers all calls like this.
async fn error_of(answer: ResponseTemplate) -> EciError {
    let cloud = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&cloud).await;
    let eci = client(&cloud.uri(), AMPLE);
    let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err();
    assert_eq!(eci.last_answered().is_some(), error.shows_presence(), "{error}");
    error
}

fn refusal(status: u16, code: &str) -> ResponseTemplate {
    let body = json!({ "RequestId": "R-1", "Code": code, "Message": "No." });
    ResponseTemplate::new(status).set_body_json(body)
}

#[tokio::test]
async fn truncated_json_is_no_reply() {
    let body = r#"{"RequestId":"R-1","Regions":[{"Regi"#;
    let error = error_of(ResponseTemplate::new(200).set_body_raw(body, "application/json")).await;
    assert!(matches!(&error, EciError::Garbled { why, .. } if why.contains("EOF")), "{error}");
}

#[tokio::test]
async fn a_page_with_status_200_is_no_reply_and_says_what_it_is() {
    let page = ResponseTemplate::new(200).set_body_raw("<html>Sign in</html>", "text/html; charset=utf-8");
    let error = error_of(page).await.to_string();
    assert!(error.contains("it is text/html; charset=utf-8, not JSON"), "{error}");
}

#[tokio::test]
async fn faults_of_the_service_and_of_what_is_before_it_end_no_pod() {
    let fast = FailurePolicy { fails_fast: true, never_restarts: true };
    for answer in [
        refusal(500, "InternalError"),
        refusal(503, "ServiceUnavailable"),
        refusal(502, "CodeOfTomorrow"),
        ResponseTemplate::new(502).set_body_raw("<h1>Bad Gateway</h1>", "text/html"),
        ResponseTemplate::new(504),
    ] {
        let error = error_of(answer).await;
        let failure = call_failure::of_creation(&error, fast, "");
        assert!(matches!(failure.outcome, Outcome::Retry { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_throttled_call_knows_how_long_the_cloud_wants_it_to_wait() {
    for (answer, wait) in [
        (refusal(400, "Throttling.User"), None),
        (refusal(400, "Throttling").insert_header("x-acs-retry-after", "1500"), Some(1500)),
        (refusal(400, "Throttling.Api").insert_header("Retry-After", "2"), Some(2000)),
        (ResponseTemplate::new(429).insert_header("Retry-After", "3"), Some(3000)),
    ] {
        let error = error_of(answer).await;
        assert_eq!(error.meaning(), Some(Meaning::Throttled), "{error}");
        assert_eq!(error.retry_after().map(|wait| wait.as_millis()), wait, "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&elsewhere).await;
    for status in [301, 302, 307, 308] {
        let to = format!("{}/login?token=s3cret", elsewhere.uri());
        let error = error_of(ResponseTemplate::new(status).insert_header("Location", to)).await.to_string();
        let host = elsewhere.uri();
        assert!(error.contains(&format!("HTTP status {status} to {host};")), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let cloud = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(3600));
    Mock::given(any()).respond_with(late).mount(&cloud).await;
    let eci = client(&cloud.uri(), Duration::from_millis(50));
    let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err();
    assert!(error.to_string().contains("no answer within 0.05 s"), "{error}");
}

/// A cloud with one time stamp's worth of opinion: its clock is that far from the client's.
struct Ahead {
    by: SignedDuration,
    /// The cloud refuses all calls, whatever their time.
    always: bool,
}

impl Respond for Ahead {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let here: Timestamp = START_TIME.parse().unwrap();
        let now = here + self.by;
        let signed: Timestamp = request.headers["x-acs-date"].to_str().unwrap().parse().unwrap();
        let near = now.duration_since(signed).abs() < SignedDuration::from_mins(15);
        let answer = if near && !self.always {
            ResponseTemplate::new(200).set_body_json(json!({ "RequestId": "R-2" }))
        } else {
            refusal(400, "InvalidTimeStamp.Expired")
        };
        answer.insert_header("Date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }
}

async fn cloud_ahead(by: SignedDuration, always: bool) -> MockServer {
    let cloud = MockServer::start().await;
    Mock::given(any()).respond_with(Ahead { by, always }).mount(&cloud).await;
    cloud
}

#[tokio::test]
async fn calls_are_signed_by_the_cloud_s_clock_once_it_refused_this_machine_s() {
    for hours in [1, -1] {
        let by = SignedDuration::from_hours(hours);
        let cloud = cloud_ahead(by, false).await;
        let eci = client(&cloud.uri(), AMPLE);
        eci.call_once(&DescribeRegions::default()).await.unwrap();
        assert_eq!(eci.clock_skew(), Some(by));
        eci.call_once(&DescribeRegions::default()).await.unwrap();
        assert_eq!(cloud.received_requests().await.unwrap().len(), 3, "one refused, two taken");
    }
}

#[tokio::test]
async fn a_time_stamp_that_is_refused_all_the_same_says_how_far_the_clocks_are_apart() {
    for (hours, words) in
        [(1, "clock is 3600 s behind the cloud's"), (-1, "clock is 3600 s ahead of the cloud's")]
    {
        let cloud = cloud_ahead(SignedDuration::from_hours(hours), true).await;
        let eci = client(&cloud.uri(), AMPLE);
        let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.shows_presence());
        assert_eq!(cloud.received_requests().await.unwrap().len(), 2);
    }
}

/// A port whose connections, one after the other, are each given to `serve`.
async fn port<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream, usize) -> F + Send + 'static,
) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, number).await;
        }
    });
    address
}

/// Reads one request, which has no body.
async fn request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.unwrap());
    }
}

const FINE: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{\"RequestId\":\"R\"}";

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let address = port(|mut stream, _| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[").await.unwrap();
        while stream.write_all(&[b' '; 4096]).await.is_ok() {}
    })
    .await;
    let error = client(&format!("http://{address}"), AMPLE).call_once(&DescribeRegions::default()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the answer is larger than 65536 bytes"), "{error}");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let address = port(|mut stream, _| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let eci = client(&format!("http://{address}"), Duration::from_millis(50));
    let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err();
    assert!(error.to_string().contains("no answer within 0.05 s"), "{error}");
}

/// Answers one request, and closes the connection instead of answering the next one.
async fn closes_after_one(mut stream: TcpStream, _: usize) {
    request(&mut stream).await;
    stream.write_all(FINE).await.unwrap();
    request(&mut stream).await;
}

#[tokio::test]
async fn what_may_be_repeated_is_sent_again_when_a_kept_connection_turns_out_to_be_closed() {
    let eci = client(&format!("http://{}", port(closes_after_one).await), AMPLE);
    for _ in 0..3 {
        eci.call_once(&DescribeRegions::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_command_is_not_sent_again_when_a_kept_connection_turns_out_to_be_closed() {
    let eci = client(&format!("http://{}", port(closes_after_one).await), AMPLE);
    eci.call_once(&DescribeRegions::default()).await.unwrap();
    let error = eci.call_once(&ExecContainerCommand::default()).await.unwrap_err();
    assert!(matches!(error, EciError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_refused_and_named() {
    let acceptor =
        Identification::self_signed(&["localhost".to_owned()], &[]).unwrap().acceptor(None).unwrap();
    let acceptor = Arc::new(acceptor);
    let address = port(move |stream, _| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(stream).await) }
    })
    .await;
    let eci = client(&format!("https://localhost:{}", address.port()), AMPLE);
    let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    assert!(error.contains("https://localhost"), "{error}");
}

#[tokio::test]
async fn a_port_without_tls_is_told_from_one_with_it() {
    let address = port(|mut stream, _| async move {
        let read = stream.read(&mut [0; 16 * 1024]).await.unwrap();
        assert!(read > 0, "the client asks for nothing");
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
    })
    .await;
    let eci = client(&format!("https://localhost:{}", address.port()), AMPLE);
    let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err();
    assert!(matches!(&error, EciError::Unreachable { why, .. } if why.contains("corrupt")), "{error}");
}

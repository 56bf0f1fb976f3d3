//! Tests of the sources of keys, with services that answer what a table says.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::future::BoxFuture;
use http::Response;

use super::*;
use crate::eci::transport::TransportError;

/// Answers by method and path; keeps the requests.
#[derive(Default)]
struct Services {
    answers: BTreeMap<&'static str, (u16, String)>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

impl Transport for Services {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let asked = format!("{} {}", request.method(), request.uri().path());
        self.requests.lock().unwrap().push(request);
        let (status, body) = self.answers.get(asked.as_str()).cloned().unwrap_or((404, String::new()));
        Box::pin(async move {
            let response = Response::builder().status(status).body(Bytes::from(body));
            response.map_err(|error| TransportError::new(error.to_string()))
        })
    }
}

fn reader(answers: &[(&'static str, u16, &str)]) -> (Arc<Services>, KeyReader) {
    let answers = answers.iter().map(|(asked, status, body)| (*asked, (*status, (*body).to_owned())));
    let services = Arc::new(Services { answers: answers.collect(), requests: Mutex::default() });
    let clock = Clock::still("2026-01-05T01:00:00Z".parse().unwrap());
    (services.clone(), KeyReader { transport: services, clock })
}

const TEMPORARY: &str = r#"{"AccessKeyId":"STS.1","AccessKeySecret":"hush","SecurityToken":"long",
    "Expiration":"2026-01-05T02:00:00Z","Code":"Success"}"#;

fn machine(role: Option<&str>) -> KeySource {
    KeySource::MachineRole {
        endpoint: "http://100.100.100.200".parse().unwrap(),
        role: role.map(str::to_owned),
    }
}

#[tokio::test]
async fn the_machine_s_role_is_found_and_asked_for_a_key_with_a_token_where_the_service_gives_one() {
    let (services, reader) = reader(&[
        ("PUT /latest/api/token", 200, "t0"),
        ("GET /latest/meta-data/ram/security-credentials/", 200, "virtual-node\n"),
        ("GET /latest/meta-data/ram/security-credentials/virtual-node", 200, TEMPORARY),
    ]);
    let key = machine(None).read(&reader).await.unwrap();
    assert_eq!(key.credentials.access_key_id, "STS.1");
    assert_eq!(key.expires, Some("2026-01-05T02:00:00Z".parse().unwrap()));
    assert!(key.security_token.is_some());
    let asked = services.requests.lock().unwrap();
    assert!(asked[1..].iter().all(|request| request.headers()["x-aliyun-ecs-metadata-token"] == "t0"));
}

#[tokio::test]
async fn a_machine_without_a_role_is_told_so() {
    let (_, reader) = reader(&[]);
    let error = machine(Some("virtual-node")).read(&reader).await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("see that the machine has a RAM role"), "{error}");
}

#[tokio::test]
async fn an_oidc_token_opens_a_role_and_is_sent_in_the_body() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "head.claims.signature\n").unwrap();
    let source = |role: &str| {
        KeySource::Oidc(OidcRole {
            endpoint: "https://sts.cn-hangzhou.aliyuncs.com".parse().unwrap(),
            role_arn: role.to_owned(),
            provider_arn: "acs:ram::17:oidc-provider/ack".to_owned(),
            token_file: token_file.clone(),
        })
    };
    let answer = format!(r#"{{"Credentials":{TEMPORARY}}}"#);
    let (services, reader_of_one) = reader(&[("POST /", 200, &answer)]);
    let key = source("acs:ram::17:role/r").read(&reader_of_one).await.unwrap();
    assert_eq!(key.credentials.access_key_id, "STS.1");
    let asked = services.requests.lock().unwrap().remove(0);
    assert_eq!(asked.uri().query(), None, "the token is in no address");
    let body = String::from_utf8(asked.into_body().to_vec()).unwrap();
    assert!(body.contains("OIDCToken=head.claims.signature&"), "{body}");
    let (_, refusing) = reader(&[("POST /", 404, r#"{"Code":"EntityNotExist.Role","Message":"hush"}"#)]);
    let error = source("acs:ram::17:role/x").read(&refusing).await.unwrap_err().to_string();
    assert!(error.contains("404 EntityNotExist.Role; see that the role trusts"), "{error}");
}

#[tokio::test]
async fn files_are_read_anew_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let source = KeySource::Files(folder.path().to_owned());
    let (_, reader) = reader(&[]);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(ACCESS_KEY, "LTAI-1\n");
    let error = source.read(&reader).await.unwrap_err().to_string();
    assert!(error.contains("has no ECI_SECRET_KEY"), "{error}");
    write(SECRET_KEY, "hush");
    assert_eq!(source.read(&reader).await.unwrap().credentials.access_key_id, "LTAI-1");
    write(ACCESS_KEY, "LTAI-2");
    let key = source.read(&reader).await.unwrap();
    assert_eq!(key.credentials.access_key_id, "LTAI-2");
    assert!(!format!("{key:?} {source:?} {source}").contains("hush"));
}

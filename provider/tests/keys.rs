//! Access keys that end and change while the provider runs, against the local ECI's STS and metadata service.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_api::actions::DescribeRegions;
use eci_sim::EciSim;
use futures::future::BoxFuture;
use http::{Request, Response};
use provider::Eci;
use provider::eci::key_rotation::KeyRotation;
use provider::eci::key_source::{KeyReader, KeySource, OidcRole};
use provider::eci::{Transport, TransportError};

const ACCOUNT: &str = "1135115445850000";

/// A line to a local ECI that goes over no socket.
struct InProcess(EciSim);

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async { Ok(self.0.call(request)) })
    }
}

fn cloud() -> (KeyReader, Clock) {
    let clock = Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap());
    let sim = EciSim::builder()
        .clock(clock.clone())
        .credential_of(ACCOUNT, "LTAI-1", Secret::new("hush-1"))
        .credential_of(ACCOUNT, "LTAI-2", Secret::new("hush-2"))
        .ram_role("virtual-node")
        .build();
    (KeyReader { transport: Arc::new(InProcess(sim)), clock: clock.clone() }, clock)
}

/// A client with the key that the source has now, with a rotation of the key where it `is_kept`.
async fn client(source: KeySource, reader: &KeyReader, is_kept: bool) -> Eci {
    let key = source.read(reader).await.unwrap();
    let eci = Eci::new(
        reader.transport.clone(),
        key.credentials.clone(),
        "cn-hangzhou",
        reader.clock.clone(),
        Seed::DEFAULT,
    );
    eci.set_key(key.clone());
    if is_kept {
        let rotation = KeyRotation { eci: eci.clone(), source, reader: reader.clone() };
        tokio::spawn(rotation.run(key));
    }
    eci
}

fn machine_role() -> KeySource {
    KeySource::MachineRole { endpoint: "http://100.100.100.200".parse().unwrap(), role: None }
}

fn oidc(token_file: &Path) -> KeySource {
    KeySource::Oidc(OidcRole {
        endpoint: "https://sts.cn-hangzhou.aliyuncs.com".parse().unwrap(),
        role_arn: format!("acs:ram::{ACCOUNT}:role/virtual-node"),
        provider_arn: format!("acs:ram::{ACCOUNT}:oidc-provider/ack"),
        token_file: token_file.to_owned(),
    })
}

async fn code_of_call(eci: &Eci) -> String {
    let answer = eci.call(&DescribeRegions::default()).await;
    answer.err().map(|error| error.code().unwrap_or("no answer").to_owned()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_temporary_key_ends_and_its_rotation_has_another_before() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "head.claims.signature").unwrap();
    for source in [machine_role(), oidc(&token)] {
        let (reader, _) = cloud();
        let left = client(source.clone(), &reader, false).await;
        let kept = client(source.clone(), &reader, true).await;
        let first = kept.access_key_id();
        assert!(first.starts_with("STS."), "{first}");
        for hour in 0..8 {
            assert_eq!(code_of_call(&kept).await, "", "{source}, hour {hour}");
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        assert_eq!(code_of_call(&left).await, "InvalidSecurityToken.Expired", "{source}");
        assert_ne!(kept.access_key_id(), first, "{source}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_in_files_is_exchanged_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let write = |key: &str| {
        std::fs::write(folder.path().join("ECI_ACCESS_KEY"), format!("LTAI-{key}")).unwrap();
        std::fs::write(folder.path().join("ECI_SECRET_KEY"), format!("hush-{key}")).unwrap();
    };
    write("1");
    let (reader, _) = cloud();
    let eci = client(KeySource::Files(folder.path().to_owned()), &reader, true).await;
    assert_eq!(code_of_call(&eci).await, "");
    write("2");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((eci.access_key_id().as_str(), code_of_call(&eci).await.as_str()), ("LTAI-2", ""));
    std::fs::remove_file(folder.path().join("ECI_SECRET_KEY")).unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(code_of_call(&eci).await, "", "the last key is used on");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_key_and_one_that_was_written_by_hand_are_refused() {
    let (reader, _) = cloud();
    let eci = client(machine_role(), &reader, false).await;
    let mut key = machine_role().read(&reader).await.unwrap();
    key.security_token = Some(Secret::new("1767578400.1135115445850000.0000"));
    eci.set_key(key.clone());
    assert_eq!(code_of_call(&eci).await, "InvalidSecurityToken.Malformed");
    key.security_token = None;
    eci.set_key(key);
    assert_eq!(code_of_call(&eci).await, "InvalidAccessKeyId.NotFound");
}

//! One store of certificates in a Secret: made, shared by replicas, renewed in time, put back where somebody emptied it.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use futures::future::BoxFuture;
use http::{Request, Response};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use kube_sim::{KubeSim, Outbound, OutboundError};
use provider::certificates::authority::LEAF_LIFE;
use provider::certificates::{Certificates, CertificatesError, Names, Shown};
use provider::webhook::registration::{self, Address};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::json;

const SERVICE: &str = "ack-virtual-node-webhook.kube-system.svc";

struct Nowhere;

impl Outbound for Nowhere {
    fn send(
        &self,
        _request: Request<Bytes>,
        _ca: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<kube_sim::KubeBody>, OutboundError>> {
        Box::pin(async { Err(OutboundError("nobody is there".to_owned())) })
    }
}

struct Cluster {
    kube: Client,
    clock: Clock,
}

impl Cluster {
    /// With the chart's empty Secret, and its registration without an authority.
    async fn start() -> Self {
        let clock = Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap());
        let api = KubeSim::builder().clock(clock.clone()).outbound(Arc::new(Nowhere)).build();
        let cluster = Self { kube: Client::new(api.service(), "default"), clock };
        let secret = json!({ "metadata": { "name": "certificates" }, "type": "Opaque" });
        let secret = serde_json::from_value(secret).unwrap();
        cluster.secrets().create(&PostParams::default(), &secret).await.unwrap();
        let address = Address::Service {
            namespace: "kube-system".into(),
            name: "ack-virtual-node-webhook".into(),
            port: 443,
        };
        let mut configuration = registration::configuration(&address, b"");
        configuration.webhooks.as_mut().unwrap()[0].client_config.ca_bundle = None;
        registration::register(cluster.kube.clone(), &configuration).await.unwrap();
        cluster
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.kube.clone(), "kube-system")
    }

    fn replica(&self) -> Certificates {
        let names = Names {
            secret: "kube-system/certificates".parse().unwrap(),
            registration: Some(registration::NAME.to_owned()),
            node: "virtual-kubelet".to_owned(),
            hosts: vec![SERVICE.to_owned(), "virtual-kubelet".to_owned()],
            addresses: vec!["10.0.0.5".parse().unwrap()],
        };
        Certificates::new(self.kube.clone(), names, self.clock.clone()).unwrap()
    }

    async fn stored(&self, entry: &str) -> String {
        let secret = self.secrets().get("certificates").await.unwrap();
        let data = secret.data.unwrap_or_default();
        data.get(entry).map(|value| String::from_utf8(value.0.clone()).unwrap()).unwrap_or_default()
    }

    async fn trusted(&self) -> String {
        let api: Api<MutatingWebhookConfiguration> = Api::all(self.kube.clone());
        let found = api.get(registration::NAME).await.unwrap();
        let ByteString(bundle) =
            found.webhooks.unwrap()[0].client_config.ca_bundle.clone().unwrap_or_default();
        String::from_utf8(bundle).unwrap()
    }

    /// Returns true when the API server, at this moment and by its registration, takes what a port shows for `name`.
    async fn takes(&self, shown: &Shown, name: &str) -> bool {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(self.trusted().await.as_bytes()) {
            roots.add(authority.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        // without any authority there is no verifier
        let Ok(verifier) = verifier else { return false };
        let seconds = u64::try_from(self.clock.now().as_second()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let key = shown.current();
        verifier.verify_server_cert(&key.cert[0], &[], &name, &[], now).is_ok()
    }
}

async fn later(span: jiff::SignedDuration) {
    tokio::time::sleep(Duration::try_from(span).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn the_registration_verifies_what_both_ports_show_after_one_round() {
    let cluster = Cluster::start().await;
    let mut store = cluster.replica();
    store.reconcile().await.unwrap();
    for name in [SERVICE, "virtual-kubelet", "10.0.0.5"] {
        assert!(cluster.takes(&store.shown(), name).await, "{name}");
    }
    assert!(!cluster.takes(&store.shown(), "elsewhere.svc").await);
    assert!(cluster.stored("ca.key").await.contains("PRIVATE KEY"));
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_its_authority_again_and_writes_nothing() {
    let cluster = Cluster::start().await;
    cluster.replica().reconcile().await.unwrap();
    let version = || async {
        let secret = cluster.secrets().get("certificates").await.unwrap().metadata.resource_version;
        (secret, cluster.trusted().await)
    };
    let before = version().await;
    let mut store = cluster.replica();
    store.reconcile().await.unwrap();
    assert!(cluster.takes(&store.shown(), SERVICE).await);
    assert_eq!(version().await, before);
}

#[tokio::test(start_paused = true)]
async fn replicas_that_begin_at_once_agree_on_one_authority() {
    let cluster = Cluster::start().await;
    let mut replicas: Vec<_> = (0..3).map(|_| cluster.replica()).collect();
    let rounds = replicas.iter_mut().map(Certificates::reconcile);
    for round in futures::future::join_all(rounds).await {
        round.unwrap();
    }
    for store in &mut replicas {
        store.reconcile().await.unwrap();
        assert!(cluster.takes(&store.shown(), SERVICE).await);
    }
    assert_eq!(cluster.stored("ca.crt").await.matches("BEGIN CERTIFICATE").count(), 1);
    assert_eq!(cluster.trusted().await, cluster.stored("ca.crt").await);
}

#[tokio::test(start_paused = true)]
async fn certificates_are_renewed_after_two_thirds_of_their_life_and_not_before() {
    let cluster = Cluster::start().await;
    let mut store = cluster.replica();
    store.reconcile().await.unwrap();
    let (shown, authority) = (store.shown(), cluster.stored("ca.crt").await);
    let first = shown.current();
    let day = jiff::SignedDuration::from_hours(24);
    later(LEAF_LIFE * 2 / 3 - day).await;
    store.reconcile().await.unwrap();
    assert!(Arc::ptr_eq(&shown.current(), &first), "renewed too early");
    later(day * 2).await;
    store.reconcile().await.unwrap();
    assert!(!Arc::ptr_eq(&shown.current(), &first), "not renewed");
    assert!(cluster.takes(&shown, SERVICE).await);
    assert_eq!(cluster.stored("ca.crt").await, authority, "the authority is good for longer");
}

#[tokio::test(start_paused = true)]
async fn through_nine_years_of_renewals_every_replica_is_verified_at_every_moment() {
    let cluster = Cluster::start().await;
    let mut replicas = [cluster.replica(), cluster.replica()];
    let mut authorities = std::collections::BTreeSet::new();
    for step in 0..160 {
        for turn in 0..2 {
            replicas[turn].reconcile().await.unwrap();
            let bundle = cluster.stored("ca.crt").await;
            assert!(bundle.matches("BEGIN CERTIFICATE").count() <= 2, "authorities that are over stay");
            authorities.insert(bundle.split_inclusive("END").next().unwrap_or_default().to_owned());
            for store in replicas.iter().filter(|_| step > 0 || turn > 0) {
                assert!(cluster.takes(&store.shown(), SERVICE).await, "step {step}, turn {turn}");
            }
        }
        later(jiff::SignedDuration::from_hours(20 * 24)).await;
    }
    let years = 160 * 20 / 365;
    assert!(authorities.len() >= years / 2, "{} authorities in {years} years", authorities.len());
}

#[tokio::test(start_paused = true)]
async fn a_rendered_chart_that_is_applied_anew_is_filled_with_the_same_authority() {
    let cluster = Cluster::start().await;
    let mut store = cluster.replica();
    store.reconcile().await.unwrap();
    let before = cluster.stored("ca.crt").await;
    let empty = Patch::Merge(json!({ "data": null }));
    cluster.secrets().patch("certificates", &PatchParams::default(), &empty).await.unwrap();
    let api: Api<MutatingWebhookConfiguration> = Api::all(cluster.kube.clone());
    let bare = json!([{ "op": "remove", "path": "/webhooks/0/clientConfig/caBundle" }]);
    let bare = Patch::<()>::Json(serde_json::from_value(bare).unwrap());
    api.patch(registration::NAME, &PatchParams::default(), &bare).await.unwrap();
    assert!(!cluster.takes(&store.shown(), SERVICE).await);
    store.reconcile().await.unwrap();
    assert_eq!(cluster.stored("ca.crt").await, before);
    assert!(cluster.takes(&store.shown(), SERVICE).await);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_gone_is_made_and_one_of_somebody_else_is_left_alone() {
    let cluster = Cluster::start().await;
    let mut store = cluster.replica();
    cluster.secrets().delete("certificates", &DeleteParams::default()).await.unwrap();
    store.reconcile().await.unwrap();
    assert!(cluster.stored("ca.key").await.contains("PRIVATE KEY"));
    let foreign = json!({ "stringData": { "ca.crt": "nothing of the kind", "ca.key": "" } });
    let foreign = Patch::Merge(json!({ "data": null, "stringData": foreign["stringData"] }));
    cluster.secrets().patch("certificates", &PatchParams::default(), &foreign).await.unwrap();
    let said = store.reconcile().await.unwrap_err();
    assert!(matches!(said, CertificatesError::Stored { .. }), "{said}");
    assert!(said.to_string().contains("kube-system/certificates"), "{said}");
    assert_eq!(cluster.stored("ca.crt").await, "nothing of the kind");
    assert!(cluster.takes(&store.shown(), SERVICE).await, "what was known goes on");
    assert!(!format!("{said:?}").contains("PRIVATE"));
}

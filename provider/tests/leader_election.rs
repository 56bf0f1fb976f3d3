//! Replicas of one provider: one works, the others wait, and what runs survives the change.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::test_bed::TestBed;
use bytes::Bytes;
use determinism::Seed;
use http::Request;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use provider::leader_election::{LeaderElection, LeadershipLost};
use provider::{Config, Provider, RunError};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const LEASE: &str = "kube-system/virtual-node";

/// One replica that runs, with what it asks of the API.
struct Replica {
    provider: Arc<Provider>,
    calls: Arc<Mutex<Vec<String>>>,
    /// The replica's calls to the API are never answered while this is set.
    cut: Arc<AtomicBool>,
    shutdown: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), RunError>>,
}

impl Replica {
    fn start(bed: &TestBed, name: &str) -> Self {
        let (calls, cut) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicBool::new(false)));
        let (kube, heard, is_cut) = (bed.kube.clone(), calls.clone(), cut.clone());
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let (kube, heard, is_cut) = (kube.clone(), heard.clone(), is_cut.clone());
            async move {
                heard.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
                if is_cut.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
                kube.send(request).await
            }
        });
        let client = Client::new(service, "default");
        let (clock, chance) = (bed.clock.clone(), &mut Seed::DEFAULT.chance(name));
        let election =
            LeaderElection::new(client.clone(), LEASE.parse().unwrap(), name, clock.clone(), chance);
        let config = Config::new("vsw-1", "sg-1");
        let provider = Provider::new(config, client, bed.eci("local-secret"), clock, Seed::DEFAULT);
        let provider = Arc::new(provider.with_leader_election(election));
        let (shutdown, ends) = oneshot::channel::<()>();
        let runs = provider.clone();
        let running = tokio::spawn(async move { runs.run(async { drop(ends.await) }).await });
        Self { provider, calls, cut, shutdown: Some(shutdown), running }
    }

    /// The calls beyond those about the lease of the replicas.
    fn works(&self) -> bool {
        self.calls.lock().unwrap().iter().any(|call| !call.contains("/kube-system/leases"))
    }

    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    async fn health(&self) -> u16 {
        let request = Request::get("/healthz").body(Bytes::new()).unwrap();
        self.provider.kubelet_api().call(request).await.status().as_u16()
    }
}

fn leases(bed: &TestBed) -> Api<Lease> {
    Api::namespaced(bed.kube.clone(), "kube-system")
}

async fn holder(bed: &TestBed) -> String {
    let lease = leases(bed).get_opt("virtual-node").await.unwrap();
    lease.and_then(|lease| lease.spec?.holder_identity).unwrap_or_default()
}

/// A bed with a leader whose node is ready, and a second replica that waits.
async fn two_replicas() -> (TestBed, Replica, Replica) {
    let bed = TestBed::without_provider().await;
    let first = Replica::start(&bed, "first");
    bed.until("the node is ready", async |bed| bed.node_condition("Ready").await == "True").await;
    let second = Replica::start(&bed, "second");
    (bed, first, second)
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_waits_is_well_and_asks_for_nothing_but_the_lease() {
    let (bed, first, second) = two_replicas().await;
    bed.pass(3600).await;
    assert!(first.works() && !second.works());
    assert!(second.calls() > 1000, "it looks at the lease each 2 s");
    assert_eq!((first.health().await, second.health().await), (200, 200));
    assert!(holder(&bed).await.starts_with("first_"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_ends_in_order_is_followed_within_five_seconds() {
    let (bed, mut first, second) = two_replicas().await;
    bed.running("web").await;
    let from = bed.line.calls.lock().unwrap().len();
    first.shutdown.take().unwrap().send(()).unwrap();
    assert_eq!(first.running.await.unwrap(), Ok(()));
    let ended = Instant::now();
    bed.until("the second works", async |_| second.works()).await;
    assert!(ended.elapsed() <= Duration::from_secs(5), "after {:?}", ended.elapsed());
    bed.pass(300).await;
    assert_eq!(bed.phase("web").await, "Running");
    for action in ["CreateContainerGroup", "DeleteContainerGroup"] {
        assert_eq!(bed.count_calls(from, action), 0, "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_killed_is_followed_when_its_lease_has_run_out() {
    let (bed, first, second) = two_replicas().await;
    bed.pass(60).await;
    first.running.abort();
    let killed = Instant::now();
    bed.until("the second works", async |_| second.works()).await;
    let after = killed.elapsed().as_secs();
    assert!((10..=18).contains(&after), "after {after} s");
    bed.running("web").await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_without_the_api_has_ended_before_another_one_begins() {
    let (bed, first, second) = two_replicas().await;
    bed.pass(60).await;
    first.cut.store(true, Ordering::Relaxed);
    let lost = first.running.await.unwrap().unwrap_err();
    assert!(matches!(lost, RunError::LeadershipLost(LeadershipLost::NotRenewed { .. })), "{lost}");
    let ended = Instant::now();
    assert!(!second.works());
    bed.until("the second works", async |_| second.works()).await;
    assert!(ended.elapsed() >= Duration::from_secs(2), "only {:?} later", ended.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_one_wrote_ends_the_leader_and_says_who_holds_it() {
    let (bed, first, _) = two_replicas().await;
    let taken = json!({ "spec": { "holderIdentity": "somebody" } });
    leases(&bed).patch("virtual-node", &PatchParams::default(), &Patch::Merge(taken)).await.unwrap();
    let lost = first.running.await.unwrap().unwrap_err();
    assert_eq!(
        lost.to_string(),
        "the lease kube-system/virtual-node is held by somebody now: this replica has ended its work, and waits again when it \
         is started anew"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_deleted_is_made_again_by_its_holder() {
    let (bed, first, second) = two_replicas().await;
    leases(&bed).delete("virtual-node", &kube::api::DeleteParams::default()).await.unwrap();
    bed.pass(60).await;
    let holder = holder(&bed).await;
    let leads =
        [&first, &second].into_iter().filter(|replica| !replica.running.is_finished() && replica.works());
    assert_eq!(leads.count(), 1, "the lease is held by {holder}");
}

//! Memory that a pod's whole life takes from the allocator in the provider, counted in the stepped world.
//!
//! Provider, cluster and cloud share one thread, so what the others take while they are asked is counted apart: their calls and
//! their answers' bodies are polled with two looks at the allocator's counters around them. Sockets and TLS are not part of it.

#[allow(dead_code, reason = "this program uses a part")]
mod test_bed;

use std::alloc::System;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use determinism::Seed;
use eci_sim::Latency;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{DeleteParams, ListParams};
use kube::client::Body;
use provider::eci::{Credentials, Rates, Transport, TransportError};
use provider::{Config, Eci, Provider};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use test_bed::{Line, TestBed};
use tower_service::Service;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Pods whose lives are counted, behind as many that fill what is filled once.
const PODS: usize = 50;

/// Allocations of a pod's life, and their bytes, at most: 7,059 and 990,783 were counted on 2026-11-30, most of them to read pods
/// and groups from JSON. Wanted are 500 and 100,000.
const COUNT_MAX: usize = 7_500;
const BYTES_MAX: usize = 1_050_000;

/// Allocations and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    count: usize,
    bytes: usize,
}

impl Taken {
    /// All of this process so far; a block that grows counts by what it grows.
    fn so_far() -> Self {
        let stats = ALLOCATOR.stats();
        let grown = usize::try_from(stats.bytes_reallocated).unwrap_or_default();
        Self { count: stats.allocations + stats.reallocations, bytes: stats.bytes_allocated + grown }
    }

    fn since(self, before: Self) -> Self {
        Self { count: self.count - before.count, bytes: self.bytes - before.bytes }
    }
}

/// What the others have taken; clones share it.
#[derive(Clone, Default)]
struct Others(Arc<(AtomicUsize, AtomicUsize)>);

impl Others {
    /// Polls something of theirs.
    fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        let before = Taken::so_far();
        let polled = poll();
        let taken = Taken::so_far().since(before);
        self.0.0.fetch_add(taken.count, Ordering::Relaxed);
        self.0.1.fetch_add(taken.bytes, Ordering::Relaxed);
        polled
    }

    fn so_far(&self) -> Taken {
        Taken { count: self.0.0.load(Ordering::Relaxed), bytes: self.0.1.load(Ordering::Relaxed) }
    }
}

/// A future, body or service of theirs.
#[derive(Clone)]
struct Apart<T>(T, Others);

impl<T: Future + Unpin> Future for Apart<T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        let Self(inner, others) = &mut *self;
        others.poll(|| Pin::new(inner).poll(context))
    }
}

impl HttpBody for Apart<Body> {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self(inner, others) = &mut *self;
        others.poll(|| Pin::new(inner).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Service<Request<Body>> for Apart<Client> {
    type Response = Response<Apart<Body>>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, kube::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<kube::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self(client, others) = self.clone();
        others.clone().poll(|| {
            let asked = Box::pin(async move { client.send(request).await });
            let answered = Apart(asked, others.clone());
            Box::pin(async move { Ok(answered.await?.map(|body| Apart(body, others))) })
        })
    }
}

impl Transport for Apart<Line> {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(Apart(self.0.send(request), self.1.clone()))
    }
}

/// A bed without controllers and latency, whose provider's takings are told from the others'.
async fn bed(others: &Others) -> TestBed {
    let mut bed = TestBed::without_provider().await;
    bed.stop_controllers();
    bed.control().set_latency(Latency::NONE);
    let credentials =
        Credentials { access_key_id: "local".into(), secret: eci_api::Secret::new("local-secret") };
    let line = Arc::new(Apart(bed.line.clone(), others.clone()));
    let eci = Eci::new(line, credentials, "cn-hangzhou", bed.clock.clone(), Seed::DEFAULT);
    let client = Client::new(Apart(bed.kube.clone(), others.clone()), "default");
    let (config, clock) = (Config::new("vsw-1", "sg-1"), bed.clock.clone());
    let eci = eci.with_rates(Rates::unlimited());
    bed.run(Arc::new(Provider::new(config, client, eci, clock, Seed::DEFAULT)));
    bed
}

/// Lets so many pods come, run and go, one minute for each.
async fn lives(bed: &TestBed, prefix: &str) {
    for n in 0..PODS {
        bed.create(&format!("{prefix}-{n}"), json!({ "terminationGracePeriodSeconds": 1 })).await;
    }
    bed.pass(60).await;
    let pods = bed.pods().list(&ListParams::default()).await.expect("pods are listed").items;
    let runs = |pod: &&Pod| pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running"));
    assert_eq!(pods.iter().filter(runs).count(), PODS, "all run");
    let all = (DeleteParams::default(), ListParams::default());
    bed.pods().delete_collection(&all.0, &all.1).await.expect("the API answers");
    bed.pass(60).await;
    assert!(bed.groups().is_empty(), "no group is left");
}

/// What the provider takes in the two minutes of these lives, and in two minutes without any.
async fn taken(others: Others) -> (Taken, Taken) {
    let bed = bed(&others).await;
    bed.pass(60).await;
    lives(&bed, "first").await;
    let marks = || (Taken::so_far(), others.so_far());
    let between = |from: (Taken, Taken), to: (Taken, Taken)| to.0.since(from.0).since(to.1.since(from.1));
    let begin = marks();
    lives(&bed, "second").await;
    let lived = marks();
    bed.pass(120).await;
    (between(begin, lived), between(lived, marks()))
}

#[test]
fn a_pod_s_whole_life_takes_no_more_allocations_in_the_provider_than_were_counted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let others = Others::default();
    let (lived, quiet) = runtime.block_on(Apart(Box::pin(taken(others.clone())), others));
    let of_lives = lived.since(quiet);
    let (count, bytes) = (of_lives.count / PODS, of_lives.bytes / PODS);
    println!("a pod: {count} allocations, {bytes} bytes; two quiet minutes: {quiet:?}");
    assert!(
        count <= COUNT_MAX && bytes <= BYTES_MAX,
        "a pod's life took {count} allocations of {bytes} bytes"
    );
}

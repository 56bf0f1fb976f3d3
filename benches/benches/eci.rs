//! Speed of the local cloud within its process, with few and with many groups.

mod groups;

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_api::actions::create_container_group::{CreateContainerGroup, Tag};
use eci_api::actions::describe_container_groups::{DescribeContainerGroups, DescribeContainerGroupsTag};
use eci_api::query::render;
use eci_api::signature::acs3;
use eci_sim::EciSim;
use eci_sim::Incoming;
use eci_sim::quota::Quota;

use groups::group;

const KEY: (&str, &str) = ("bench", "bench-secret");
const HOST: &str = "eci.cn-hangzhou.aliyuncs.com";

/// A cloud at nine o'clock with so many groups that were just asked for.
fn cloud(groups: usize) -> (EciSim, Clock, Vec<String>) {
    let clock = Clock::still("2026-01-05T01:00:00Z".parse().expect("an instant"));
    let sim = EciSim::builder().clock(clock.clone()).credential(KEY.0, Secret::new(KEY.1)).build();
    sim.control().set_quota(Quota { vcpu: u64::MAX, ..Quota::default() });
    let ids = (0..groups).map(|n| create(&sim, n)).collect();
    (sim, clock, ids)
}

/// `count` groups; as a test, which is not built to be fast, few.
fn or_few(count: usize) -> usize {
    if std::env::args().any(|argument| argument == "--test") { 2_000 } else { count }
}

/// A vSwitch has room for some 65,000 groups.
fn create(sim: &EciSim, n: usize) -> String {
    let request = CreateContainerGroup {
        vswitch_id: Some(format!("vsw-{}", n / 50_000)),
        tag: vec![Tag { key: Some("shard".into()), value: Some((n % 1000).to_string()) }],
        ..group(n)
    };
    sim.act(&request).expect("a group").container_group_id
}

fn let_run(sim: &EciSim, clock: &Clock, span: Duration) {
    clock.advance(span).expect("time goes on");
    sim.control().now();
}

fn describe(c: &mut Criterion) {
    let mut group = c.benchmark_group("describe, in process");
    let all = DescribeContainerGroups::default;
    for count in [1_000, or_few(100_000)] {
        let (sim, clock, ids) = cloud(count);
        let_run(&sim, &clock, Duration::from_secs(60));
        let one = Some(format!("[\"{}\"]", ids[count / 2]));
        let tag = DescribeContainerGroupsTag { key: Some("shard".into()), value: Some("7".into()) };
        for (name, request) in [
            ("one by id", DescribeContainerGroups { container_group_ids: one, ..all() }),
            ("a page of 20", all()),
            (
                "one by name",
                DescribeContainerGroups { container_group_name: Some("group-5".into()), ..all() },
            ),
            ("a page by tag", DescribeContainerGroups { tag: vec![tag], ..all() }),
            ("a page by state", DescribeContainerGroups { status: Some("Running".into()), ..all() }),
        ] {
            group.bench_function(format!("{name}, of {count}"), |b| {
                b.iter(|| sim.act(&request).expect("an answer"));
            });
        }
    }
    group.finish();
}

fn signed(c: &mut Criterion) {
    let mut group = c.benchmark_group("describe, signed, without a socket");
    group.throughput(Throughput::Elements(1));
    let (sim, clock, ids) = cloud(1_000);
    let_run(&sim, &clock, Duration::from_secs(60));
    let query = vec![("ContainerGroupIds".to_owned(), format!("[\"{}\"]", ids[500]))];
    let mut nonces = Seed::DEFAULT.chance("nonces");
    let mut request = || {
        let nonce = nonces.text("0123456789abcdef", 32);
        let secret = Secret::new(KEY.1);
        let headers =
            acs3::headers("DescribeContainerGroups", HOST, &query, (KEY.0, &secret), clock.now(), &nonce);
        let headers = headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        Incoming { method: "POST".into(), query: render(&query), headers, ..Incoming::default() }
    };
    group.bench_function("one by id, of 1000", |b| {
        b.iter_batched(&mut request, |request| sim.exchange(request), BatchSize::SmallInput);
    });
    group.finish();
}

fn fleet(c: &mut Criterion) {
    let mut group = c.benchmark_group("a fleet of 10000");
    group.sample_size(10);
    group.bench_function("created", |b| b.iter(|| cloud(or_few(10_000))));
    group.bench_function("its first hour", |b| {
        b.iter_batched(
            || cloud(or_few(10_000)),
            |(sim, clock, _)| {
                let_run(&sim, &clock, Duration::from_secs(3600));
                sim
            },
            BatchSize::PerIteration,
        );
    });
    let (sim, clock, _) = cloud(or_few(10_000));
    let_run(&sim, &clock, Duration::from_secs(3600));
    group.bench_function("its bill", |b| b.iter(|| sim.control().bill()));
    group.finish();
}

fn month(c: &mut Criterion) {
    let mut group = c.benchmark_group("a month of 60 groups");
    group.sample_size(10);
    let (sim, clock, _) = cloud(60);
    let_run(&sim, &clock, Duration::from_secs(30 * 24 * 3600));
    group.bench_function("its bill", |b| b.iter(|| sim.control().bill()));
    group.finish();
}

criterion_group!(benches, describe, signed, fleet, month);
criterion_main!(benches);

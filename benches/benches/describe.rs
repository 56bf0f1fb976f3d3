//! Signed describes of one group in a second, through the simulator as a service.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

fn describe(c: &mut Criterion) {
    let mut group = c.benchmark_group("describe one group by id, signed");
    group.throughput(Throughput::Elements(1));
    for count in [1_usize, 1_000] {
        let mut cloud = benches::cloud::Cloud::with_groups(count).expect("a cloud with groups");
        let (sim, id) = (cloud.sim.clone(), cloud.ids[count / 2].clone());
        group.bench_function(format!("of {count}"), |b| {
            b.iter_batched(
                || cloud.describe(&id).expect("a signed request"),
                |request| {
                    let response = sim.call(request);
                    assert_eq!(response.status(), 200);
                    response
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, describe);
criterion_main!(benches);

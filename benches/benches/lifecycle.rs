//! Pods in a second from create to Running, through API, scheduler bypass, provider and local cloud.

use std::cell::Cell;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scenarios::World;

fn lifecycle(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let world = runtime.block_on(World::start()).expect("a world");
    let number = Cell::new(0_u32);
    let mut group = c.benchmark_group("pod");
    group.throughput(Throughput::Elements(1));
    group.bench_function("from create to Running, and gone", |b| {
        b.to_async(&runtime).iter(|| async {
            number.set(number.get() + 1);
            let name = format!("pod-{}", number.get());
            benches::world::run_pod(&world, &name).await.expect("the pod runs");
            benches::world::end_pod(&world, &name).await.expect("the pod ends");
        });
    });
    group.finish();
    runtime.block_on(world.end());
}

criterion_group!(benches, lifecycle);
criterion_main!(benches);

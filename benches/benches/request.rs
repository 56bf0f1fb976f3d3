//! Time from a pod to the request that makes its group.

mod timing;

use benches::questions::provider;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn request(c: &mut Criterion) {
    let mut group = c.benchmark_group("pod");
    ask(&mut group, "to the request of its group", provider::request());
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);

//! Time of the decision what is next for a pod.

mod timing;

use benches::questions::provider;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn decision(c: &mut Criterion) {
    let mut group = c.benchmark_group("pod");
    ask(&mut group, "what is next", provider::decision());
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);

//! Time of an admission review, from its bytes to those of the answer.

mod timing;

use benches::questions::provider;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn webhook(c: &mut Criterion) {
    let mut group = c.benchmark_group("admission review");
    ask(&mut group, "of a pod that is injected", provider::review());
    group.finish();
}

criterion_group!(benches, webhook);
criterion_main!(benches);

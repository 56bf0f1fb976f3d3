//! Time from a group to the status of its pod, and the patch that brings the pod to it.

mod timing;

use benches::questions::provider;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn status(c: &mut Criterion) {
    let mut group = c.benchmark_group("group");
    ask(&mut group, "to the status of its pod, as a patch", provider::status());
    group.finish();
}

criterion_group!(benches, status);
criterion_main!(benches);

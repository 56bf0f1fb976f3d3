//! Time of one scheduling decision among many nodes.

mod timing;

use benches::questions::scheduler;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn scheduler(c: &mut Criterion) {
    let mut group = c.benchmark_group("a pod scheduled among");
    ask(&mut group, "10 nodes", scheduler::schedule_among(10));
    ask(&mut group, "1,000 nodes", scheduler::schedule_among(1_000));
    ask(&mut group, "5,000 nodes", scheduler::schedule_among(5_000));
    group.finish();
}

criterion_group!(benches, scheduler);
criterion_main!(benches);

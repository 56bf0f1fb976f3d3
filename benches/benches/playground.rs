//! Time until an embedded cluster with a virtual node is ready, simulated seconds not counted.

mod timing;

use benches::questions::cases;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn playground(c: &mut Criterion) {
    let mut group = c.benchmark_group("a world");
    ask(&mut group, "put together, until its node is ready, and ended", cases::start());
    group.finish();
}

criterion_group!(benches, playground);
criterion_main!(benches);

//! Time of one change until the last of many watchers knows it.

mod timing;

use benches::questions::kubernetes;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn watchers(c: &mut Criterion) {
    let mut group = c.benchmark_group("a change seen by");
    ask(&mut group, "1 watcher", kubernetes::change_seen_by(1));
    ask(&mut group, "100 watchers", kubernetes::change_seen_by(100));
    ask(&mut group, "1,000 watchers", kubernetes::change_seen_by(1_000));
    group.finish();
}

criterion_group!(benches, watchers);
criterion_main!(benches);

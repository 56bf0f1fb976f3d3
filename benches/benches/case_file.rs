//! Time of reading a case file: parsed, checked, names resolved.

mod timing;

use benches::questions::cases;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn case_file(c: &mut Criterion) {
    let mut group = c.benchmark_group("case file");
    ask(&mut group, "read", cases::read());
    group.finish();
}

criterion_group!(benches, case_file);
criterion_main!(benches);

//! Time of single requests to the embedded Kubernetes API, without a socket.

mod timing;

use benches::questions::kubernetes;
use criterion::{Criterion, criterion_group, criterion_main};

use timing::ask;

fn embedded_api(c: &mut Criterion) {
    let mut group = c.benchmark_group("embedded API");
    ask(&mut group, "create and delete a pod", kubernetes::create_and_delete());
    ask(&mut group, "patch a pod's status", kubernetes::status_patch());
    ask(&mut group, "apply a pod's labels", kubernetes::apply());
    ask(&mut group, "list 1,000 pods", kubernetes::list(1_000));
    group.finish();
}

criterion_group!(benches, embedded_api);
criterion_main!(benches);

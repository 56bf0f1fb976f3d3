//! Whole cases in a second, each in a world of its own that is put together and torn down.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use determinism::Seed;
use scenarios::cases;
use scenarios::runner::{self, Case};
use scenarios::scenario::Scenario;

const CASE: &str = "scheduling/by-namespace-label";

fn whole_scenario(c: &mut Criterion) {
    let file = cases::named(&[CASE.to_owned()], "bench").expect("the case").remove(0);
    let scenario = Scenario::read(&file.file, &file.text).expect("the case can be read");
    let case = Case { file, scenario };
    let mut group = c.benchmark_group("case");
    group.throughput(Throughput::Elements(1));
    group.bench_function(CASE, |b| {
        b.iter(|| {
            let outcome = runner::play(&case, Seed::DEFAULT);
            assert!(!outcome.failed(), "{CASE} failed");
            outcome
        });
    });
    group.finish();
}

criterion_group!(benches, whole_scenario);
criterion_main!(benches);

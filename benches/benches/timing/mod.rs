//! A question as a bench of criterion's, with the programs' allocator.

use benches::question::Ask;
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

/// The allocator of the programs, since what is measured here allocates much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times one question.
///
/// # Panics
/// When it cannot be prepared or asked: there is nothing to measure then.
pub fn ask(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, prepared: anyhow::Result<Ask>) {
    let mut ask = prepared.unwrap_or_else(|error| panic!("{name} cannot be prepared: {error:#}"));
    group.bench_function(name, |b| {
        b.iter(|| ask().unwrap_or_else(|error| panic!("{name} cannot be asked: {error:#}")));
    });
}

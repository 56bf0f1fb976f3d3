//! `scenarios`: plays every case, or does what its arguments say.

use std::process::ExitCode;

/// The allocator of the local ECI, which runs in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    scenarios::cli::main()
}

//! `scenarios`: plays every case, or does what its arguments say.

use std::process::ExitCode;

/// That of the local ECI, which runs in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    scenarios::cli::main()
}

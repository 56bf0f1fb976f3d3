//! The local ECI's program.

mod arguments;
mod ports;
mod process;

/// An answer is hundreds of short texts, which the usual allocator of a C library looks for among many holes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> ExitCode {
    match process::run(arguments::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

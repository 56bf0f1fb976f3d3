//! `scenarios`: plays every case, or does what its arguments say.

use std::process::ExitCode;

fn main() -> ExitCode {
    scenarios::cli::main()
}

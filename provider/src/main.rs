//! The provider's program: all that it does stands in `provider::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    provider::cli::main()
}

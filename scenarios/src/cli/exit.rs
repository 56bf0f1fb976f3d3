//! The ends of a run: exit codes, mistakes told whole, and the words that started the program.

use std::fmt;

/// The run went well, but a case failed or a budget was not kept.
pub(super) const FAILED: u8 = 1;
/// The run could not be made: a mistake in a case or in what was typed.
pub(super) const MISTAKEN: u8 = 2;

/// Mistakes in what was read, each told whole.
#[derive(Debug)]
pub(super) struct Mistakes(pub Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n\n"))
    }
}

impl std::error::Error for Mistakes {}

/// The words that started this program, so that lines it prints can be pasted.
pub(super) fn command() -> String {
    match std::env::var_os("CARGO") {
        Some(_) if cfg!(debug_assertions) => "cargo run --".to_owned(),
        Some(_) => "cargo run --release --".to_owned(),
        None => std::env::args().next().unwrap_or_else(|| "scenarios".to_owned()),
    }
}

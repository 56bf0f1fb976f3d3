//! `cargo ci rivals`: others' programs and ours asked the same question, turn by turn, and the answer in `benches/RESULTS.md`.

mod clouds;
mod results;

use std::path::Path;

use anyhow::Result;

/// Measures all questions, and writes their results.
pub fn run(root: &Path) -> Result<()> {
    let clouds = clouds::measure(root)?;
    results::write(root, &[clouds])
}

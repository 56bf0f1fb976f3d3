//! The README's test of one's own, in a crate outside of the workspace: its lines of `Cargo.toml`, and the test.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::command::run;
use crate::outcome::CheckOutcome;
use crate::workspace::{cargo, target_folder};

/// Package of the crate, before the README's lines.
const PACKAGE: &str =
    "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n";
/// Path to the package `scenarios` as the README writes it.
const PLACEHOLDER: &str = "…/scenarios";

/// Writes the crate, and runs its test.
pub fn run_test(root: &Path) -> Result<CheckOutcome> {
    let readme = fs::read_to_string(root.join("README.md")).context("the README cannot be read")?;
    let folder = tempfile::tempdir().context("cannot make a folder outside")?;
    let scenarios = root.canonicalize()?.join("scenarios").display().to_string();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("Cargo.toml", [PACKAGE, &block(&readme, "toml")?.replace(PLACEHOLDER, &scenarios)].concat())?;
    write("src/lib.rs", String::new())?;
    write("tests/ours.rs", block(&readme, "rust")?.to_owned())?;
    // the versions that are tested everywhere else
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).context("cannot copy Cargo.lock")?;
    run(cargo(folder.path(), &["test"]).env("CARGO_TARGET_DIR", target_folder(root)))?;
    Ok(CheckOutcome::Passed)
}

/// Text of the first block of code in this language.
fn block<'a>(page: &'a str, language: &str) -> Result<&'a str> {
    let opening = format!("\n```{language}\n");
    let after =
        page.split_once(&opening).with_context(|| format!("the README has no block of {language}"))?.1;
    Ok(after.split_once("```").context("a block does not end")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_both_blocks_and_the_path_to_replace() -> Result<()> {
        let readme = include_str!("../../README.md");
        assert!(block(readme, "toml")?.contains(PLACEHOLDER));
        assert!(block(readme, "rust")?.contains("World::start"));
        Ok(())
    }
}

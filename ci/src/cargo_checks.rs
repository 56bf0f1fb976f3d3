//! The checks that are cargo's own: form, tests, lints, documentation, the main job, the benches.

use std::path::Path;

use anyhow::Result;

use crate::command::{bound_to_us, build, run};
use crate::outcome::{CheckOutcome, Extent};
use crate::workspace::{
    SELECTION, all_debug_programs, cargo, foreign_tests, release_programs, target_folder,
};

/// Form of the code, by rustfmt.
pub fn format(root: &Path) -> Result<CheckOutcome> {
    run(&mut cargo(root, &["fmt", "--all", "--check"]))?;
    Ok(CheckOutcome::Passed)
}

/// Compiles everything once that is looked at in the profile for debugging.
pub fn programs(root: &Path) -> Result<CheckOutcome> {
    all_debug_programs(root)?;
    Ok(CheckOutcome::Passed)
}

/// Every test; with `--all` also without the feature `docker`, to the letter as the README has it, and the tests of large
/// fleets, which take too long in the profile for debugging.
pub fn tests(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    run(&mut cargo(root, &[&["test"], &SELECTION[..]].concat()))?;
    if extent == Extent::All {
        // elsewhere, since programs with the feature are in use
        let elsewhere = target_folder(root).join("without-docker");
        run(cargo(root, &["test"]).env("CARGO_TARGET_DIR", elsewhere))?;
        let packages = ["test", "--release", "--package", "provider", "--package", "scenarios"];
        let fleets = ["--test", "integration", "--", "--include-ignored", "fleet::", "load::"];
        run(&mut cargo(root, &[&packages[..], &fleets].concat()))?;
    }
    Ok(CheckOutcome::Passed)
}

/// Some thousand inputs for each decoder; with `--all` a million.
pub fn fuzz(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let cases = if extent == Extent::All { "1000000" } else { "2000" };
    let mut test = cargo(root, &[&["test"], &SELECTION[..], &["--", "fuzz_"]].concat());
    run(test.env("PROPTEST_CASES", cases))?;
    Ok(CheckOutcome::Passed)
}

/// Thousands of clients without a credential at the ports of both programs, one program after the other.
pub fn hostile_clients(root: &Path) -> Result<CheckOutcome> {
    let hostile = ["--test", "integration", "--", "--ignored", "hostile::"];
    run(&mut cargo(root, &[&["test"], &SELECTION[..], &hostile].concat()))?;
    Ok(CheckOutcome::Passed)
}

/// Clippy, without a warning; with `--all` also without the feature `docker`.
pub fn lints(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let quiet = ["--all-targets", "--quiet", "--", "-D", "warnings"];
    build(&mut cargo(root, &[&["clippy"], &SELECTION[..], &quiet].concat()))?;
    if extent == Extent::All {
        build(&mut cargo(root, &[&["clippy", "--workspace"], &quiet[..]].concat()))?;
    }
    Ok(CheckOutcome::Passed)
}

/// The documentation of the workspace, without a warning.
pub fn documentation(root: &Path) -> Result<CheckOutcome> {
    let mut doc = cargo(root, &[&["doc", "--no-deps", "--quiet"], &SELECTION[..]].concat());
    build(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(CheckOutcome::Passed)
}

/// First command of the README, where no container may be assumed.
pub fn main_job(root: &Path) -> Result<CheckOutcome> {
    release_programs(root)?;
    run(&mut cargo(root, &["run", "--release", "--", "--strict"]))?;
    Ok(CheckOutcome::Passed)
}

/// Every case under a seed that is drawn now and printed, so that the run can be repeated.
pub fn drawn_seed(root: &Path) -> Result<CheckOutcome> {
    let programs = release_programs(root)?;
    let scenarios = programs.path("bin", "scenarios")?;
    run(bound_to_us(scenarios).args(["run", "--strict", "--draw-seed"]).current_dir(root))?;
    Ok(CheckOutcome::Passed)
}

/// Each bench once, in the profile for debugging: that it runs is looked at, not how fast.
pub fn benches(root: &Path) -> Result<CheckOutcome> {
    let benches = [&["test", "--bench", "*"], &SELECTION[..]].concat();
    build(&mut cargo(root, &[&benches[..], &["--no-run"]].concat()))?;
    run(&mut cargo(root, &[&benches[..], &["--", "--test"]].concat()))?;
    Ok(CheckOutcome::Passed)
}

/// Compiles the module that other projects copy, and its tests.
pub fn module(root: &Path) -> Result<CheckOutcome> {
    foreign_tests(root)?;
    Ok(CheckOutcome::Passed)
}

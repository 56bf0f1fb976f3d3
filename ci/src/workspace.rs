//! The workspace's own builds: one selection of packages and features for each profile, so that nothing is compiled twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cache;
use crate::command::building;
use crate::supervision;

/// Packages and features of each debug build of the checks. Cargo builds a dependency once for each set of features
/// that the selected packages ask of it, so a build of one package alone would be one of nearly everything.
pub const SELECTION: [&str; 3] = ["--workspace", "--features", "eci-sim/docker"];
/// The folder of the module that other projects copy.
pub const MODULE: &str = "ci/testcontainers";
/// Size in bytes beyond which the folder of builds loses its builds of this workspace, in whichever clone.
const AT_MOST: u64 = 12 << 30;

/// One program that cargo has built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Folder of the package below the root: `ci/control-plane`.
    package: String,
    /// Kind of the target: `bin`, `example`, `test` or, for the tests within a library, `lib`.
    kind: String,
    name: String,
    path: PathBuf,
}

/// The programs of one build.
#[derive(Debug, Serialize, Deserialize)]
pub struct Programs {
    /// Id of the run that built them.
    run: Option<String>,
    programs: Vec<Program>,
}

impl Programs {
    /// Path of a program, by its kind and name.
    pub fn path(&self, kind: &str, name: &str) -> Result<&Path> {
        let mut found = self.programs.iter().filter(|one| one.kind == kind && one.name == name);
        let program = found.next().with_context(|| format!("cargo has built no {kind} called {name}"))?;
        Ok(&program.path)
    }

    /// Paths of all tests of a package; fails where there is none.
    pub fn tests_of(&self, package: &str) -> Result<Vec<&Path>> {
        let is_test = |one: &&Program| one.package == package && ["test", "lib"].contains(&one.kind.as_str());
        let paths: Vec<_> = self.programs.iter().filter(is_test).map(|one| one.path.as_path()).collect();
        ensure!(!paths.is_empty(), "cargo has built no tests of {package}");
        Ok(paths)
    }
}

/// Folder of cargo's builds.
pub fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Runs cargo on the workspace.
pub fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir(root);
    cargo
}

/// Builds all programs and tests in the profile for debugging.
pub fn all_debug_programs(root: &Path) -> Result<Programs> {
    built(root, "debug", &[&["test", "--no-run"], &SELECTION[..]].concat())
}

/// Builds at least the programs `only` in the profile for debugging: no more than that where a check is run by itself.
pub fn debug_programs(root: &Path, only: &[&str]) -> Result<Programs> {
    // an example has cargo count the dependencies of tests, without which features would be others
    built(root, "debug", &[&["build", "--example", "up"], only, &SELECTION].concat())
}

/// Builds the programs as they are shipped, by the same build as that of a person who follows the README.
pub fn release_programs(root: &Path) -> Result<Programs> {
    built(root, "release", &["build", "--release"])
}

/// Builds the tests of the module that other projects copy, which is a workspace on its own.
pub fn foreign_tests(root: &Path) -> Result<Programs> {
    let manifest = format!("{MODULE}/Cargo.toml");
    built(root, "module", &["test", "--no-run", "--tests", "--manifest-path", &manifest])
}

/// The provider's tests and the program `scenarios`, with the faults that are planted in the provider: one build for
/// debugging, elsewhere, since programs without them are in use.
pub fn planted_programs(root: &Path) -> Result<Programs> {
    let elsewhere = target_folder(root).join("planted-faults");
    fs::create_dir_all(&elsewhere).with_context(|| format!("cannot make {}", elsewhere.display()))?;
    let selection =
        ["--package", "provider", "--package", "scenarios", "--features", "provider/planted-faults"];
    built_in(root, &elsewhere, "debug", &[&["test", "--no-run"], &selection[..]].concat())
}

/// Builds where this workspace's builds are.
fn built(root: &Path, what: &str, arguments: &[&str]) -> Result<Programs> {
    built_in(root, &target_folder(root), what, arguments)
}

/// Builds, unless that was done in this run already: then cargo, whose folder others may hold, is not asked again.
fn built_in(root: &Path, target: &Path, what: &str, arguments: &[&str]) -> Result<Programs> {
    let told = target.join(format!("{what}-programs.json"));
    let run = supervision::run();
    if let Some(run) = &run
        && let Ok(text) = fs::read_to_string(&told)
        && let Ok(before) = serde_json::from_str::<Programs>(&text)
        && before.run.as_ref() == Some(run)
    {
        return Ok(before);
    }
    let mut cargo = cargo(root, arguments);
    cargo.arg("--message-format=json-render-diagnostics").env("CARGO_TARGET_DIR", target);
    let output = building(|| cargo.stderr(Stdio::inherit()).output()).context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo {} ended with {}", arguments.join(" "), output.status);
    let programs = read(&String::from_utf8_lossy(&output.stdout), &root.canonicalize()?);
    let programs = Programs { run, programs };
    fs::write(&told, serde_json::to_string(&programs)?)
        .with_context(|| format!("cannot write {}", told.display()))?;
    Ok(programs)
}

/// Programs in cargo's messages of one line each.
fn read(messages: &str, root: &Path) -> Vec<Program> {
    let mut programs = Vec::new();
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let (Some(path), Some(manifest)) =
            (message["executable"].as_str(), message["manifest_path"].as_str().map(Path::new))
        else {
            continue;
        };
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = text(&message["target"]["kind"][0]);
        // the tests within a program have the program's own kind and name
        let is_test = message["profile"]["test"] == true;
        if is_test && kind == "bin" {
            continue;
        }
        programs.push(Program {
            package: folder.unwrap_or(Path::new("")).display().to_string(),
            kind,
            name: text(&message["target"]["name"]),
            path: PathBuf::from(path),
        });
    }
    programs
}

/// Keeps the folder of builds within its bound: each clone at another path adds builds of its own.
pub fn prune(root: &Path) -> Result<()> {
    let target = target_folder(root);
    let size = cache::size_of(&target);
    if size <= AT_MOST {
        return Ok(());
    }
    println!("{} has {} MiB; removing what was built of this workspace", target.display(), size >> 20);
    for profile in ["dev", "release"] {
        let status = cargo(root, &["clean", "--quiet", "--workspace", "--profile", profile]).status()?;
        ensure!(status.success(), "cargo clean ended with {status}");
    }
    if cache::size_of(&target) > AT_MOST {
        fs::remove_dir_all(&target).with_context(|| format!("cannot clear {}", target.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_from_the_tests_within_it() {
        let line = |kind: &str, test: bool, path: &str| {
            serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": "/r/ci/control-plane/Cargo.toml",
                "target": { "kind": [kind], "name": "up" }, "profile": { "test": test }, "executable": path,
            })
            .to_string()
        };
        let library = serde_json::json!({ "manifest_path": "/r/eci-sim/Cargo.toml", "executable": null });
        let messages = [
            line("bin", false, "/t/up"),
            line("bin", true, "/t/up-1"),
            line("lib", true, "/t/up-2"),
            line("test", true, "/t/up-3"),
            library.to_string(),
        ];
        let programs = Programs { run: None, programs: read(&messages.join("\n"), Path::new("/r")) };
        assert_eq!(programs.path("bin", "up").unwrap(), Path::new("/t/up"));
        assert_eq!(
            programs.tests_of("ci/control-plane").unwrap(),
            [Path::new("/t/up-2"), Path::new("/t/up-3")]
        );
        assert!(programs.path("bin", "down").is_err() && programs.tests_of("eci-sim").is_err());
    }
}

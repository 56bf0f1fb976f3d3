//! The list of checks, one line each, and how one after the other is run.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{chart, contract, control_plane, kind, kubectl, page, real, rights, sdk};

/// How a check ended when it did not fail.
pub enum Ended {
    Passed,
    /// Not run on this machine, and why.
    Skipped(String),
}

type Check = fn(&Path) -> Result<Ended>;

/// In the order of their price: what fails fast stands first.
const CHECKS: &[(&str, Check)] = &[
    ("format", |root| cargo(root, &["fmt", "--all", "--check"])),
    ("tests", |root| cargo(root, &["test"])),
    ("lints", |root| {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    }),
    ("the Docker runtime", docker),
    ("documentation", documentation),
    ("the main job", |root| cargo(root, &["run", "--release"])),
    ("the benches still run", |root| {
        cargo(root, &["bench", "--package", "benches", "--", "--test"])?;
        cargo(root, &["bench", "--package", "eci-sim", "--bench", "*", "--", "--test"])
    }),
    ("real kubectl against the playground", kubectl::run),
    ("official Python clients", sdk::python),
    ("official Node client", sdk::node),
    ("the control door's page in a browser", page::run),
    ("the Helm chart", chart::run),
    ("the chart's rights, all of them and no more", rights::run),
    ("a real control plane", control_plane::check),
    ("every case on a real control plane", control_plane::cases),
    ("one truth in two places", control_plane::one_truth),
    ("what a cluster expects of its nodes", contract::run),
    ("kind", kind::check),
];

/// Runs the checks whose name contains `only` (all without it) and fails when one of them failed.
pub fn run(root: &Path, only: Option<&str>) -> Result<()> {
    let mut lines = Vec::new();
    let mut failed = 0;
    for (name, check) in CHECKS.iter().filter(|(name, _)| only.is_none_or(|o| name.contains(o))) {
        println!("\n── {name}");
        let (ended, took) = timed(|| check(root));
        let line = match ended {
            Ok(Ended::Passed) => format!("✓ {name}"),
            Ok(Ended::Skipped(why)) => format!("- {name}: skipped, {why}"),
            Err(error) => {
                failed += 1;
                eprintln!("{error:#}");
                format!("✗ {name}: {error}")
            }
        };
        lines.push(format!("{line}  ({} s)", took.as_secs()));
    }
    println!("\n{}", lines.join("\n"));
    let names = || CHECKS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("; ");
    ensure!(!lines.is_empty(), "no check is called `{}`; there are: {}", only.unwrap_or_default(), names());
    ensure!(failed == 0, "{failed} of {} checks failed", lines.len());
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "how long a check takes is for people to read")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}

/// Runs cargo on the workspace.
pub fn cargo(root: &Path, arguments: &[&str]) -> Result<Ended> {
    command(Command::new("cargo").args(arguments).current_dir(root))?;
    Ok(Ended::Passed)
}

/// What is not in the usual build: its lints and tests, and its containers on a real Engine; in a cluster they are seen on kind.
fn docker(root: &Path) -> Result<Ended> {
    let own = ["--package", "eci-sim", "--features", "docker"];
    cargo(root, &[&["clippy", "--all-targets", "--quiet"], &own[..], &["--", "-D", "warnings"]].concat())?;
    cargo(root, &[&["test", "--lib", "--bin", "eci-sim", "--test", "engine"], &own[..]].concat())?;
    real::play(root)
}

fn documentation(root: &Path) -> Result<Ended> {
    let mut doc = Command::new("cargo");
    doc.args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    command(doc.current_dir(root))?;
    Ok(Ended::Passed)
}

/// What to say of a check that needs these programs on a machine that lacks one of them.
pub fn lacking(programs: &[&str]) -> Option<Ended> {
    // kubectl would ask the cluster, too, for which it is asked here for nothing
    let starts =
        |program: &str| Command::new(program).arg("version").env("KUBECONFIG", "/dev/null").output().is_ok();
    let missing = programs.iter().find(|program| !starts(program))?;
    Some(Ended::Skipped(format!("{missing} is not installed")))
}

/// Runs a command to its end, its output going where ours goes.
pub fn command(command: &mut Command) -> Result<()> {
    let name = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {name}"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

/// Something that can fail for a reason outside the project: tried once more, and said in one line.
pub fn with_second_try(what: &str, mut work: impl FnMut() -> Result<()>) -> Result<()> {
    work().or_else(|first| {
        println!("{what} failed ({first}); tried once more, since the reason may lie outside the project");
        work()
    })
}

//! The local ECI on a real Docker Engine: hooks run, streams close and order is kept, which a scripted runtime cannot
//! show.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::command::run;
use crate::debian;
use crate::engine::Engine;
use crate::outcome::CheckOutcome;
use crate::workspace::debug_programs;

/// Debian's one program that needs no libraries, and its path.
const PACKAGE: &str = "busybox-static";
const PROGRAM: &str = "/bin/busybox";
/// Tag of the image.
const TAG: &str = "busybox";

/// Runs the tests on the Engine that answers, or on one of our own, which is gone afterwards.
pub fn check(root: &Path) -> Result<CheckOutcome> {
    // built outside the Engine's network, with access to a registry
    let programs = debug_programs(root, &["--test", "real_engine"])?;
    let test = programs.path("test", "real_engine")?;
    let was_there = Engine::running().is_some();
    let engine = match Engine::ensure() {
        Ok(engine) => engine,
        Err(why) => return Ok(CheckOutcome::Skipped(format!("{why:#}"))),
    };
    let played = with_image(&engine)
        .and_then(|()| run(engine.command(test).arg("--ignored").current_dir(root.join("eci-sim"))));
    if !was_there {
        engine.stop()?;
    }
    played?;
    Ok(CheckOutcome::Passed)
}

/// Makes sure that the Engine has the image.
fn with_image(engine: &Engine) -> Result<()> {
    if engine.command("docker").args(["image", "inspect", TAG]).output()?.status.success() {
        return Ok(());
    }
    let known = Command::new("dpkg-query").args(["--show", PACKAGE]).output();
    if !(Path::new(PROGRAM).exists() && known.is_ok_and(|known| known.status.success())) {
        debian::install("a shell without libraries", &[PACKAGE])?;
    }
    let folder = tempfile::tempdir().context("no folder for an image")?;
    let bin = folder.path().join("bin");
    fs::create_dir(&bin)?;
    fs::create_dir(folder.path().join("tmp"))?;
    fs::copy(PROGRAM, bin.join("busybox")).with_context(|| format!("cannot copy {PROGRAM}"))?;
    let listed =
        Command::new(PROGRAM).arg("--list").output().with_context(|| format!("cannot start {PROGRAM}"))?;
    for applet in String::from_utf8_lossy(&listed.stdout).lines().filter(|name| *name != "busybox") {
        symlink("busybox", bin.join(applet)).with_context(|| format!("cannot make {applet}"))?;
    }
    let mut tar = Command::new("tar");
    tar.arg("--create").arg("--directory").arg(folder.path()).arg(".").stdout(Stdio::piped());
    let mut tar = tar.spawn().context("cannot start tar")?;
    let packed = tar.stdout.take().context("tar says nothing")?;
    run(engine.command("docker").args(["import", "-", TAG]).stdin(packed))?;
    ensure!(tar.wait()?.success(), "tar failed");
    Ok(())
}

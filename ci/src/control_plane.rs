//! Checks on etcd and Kubernetes' own programs: their start and end, and every case on them and on the embedded API.

use std::path::Path;

use anyhow::Result;

use crate::command::{bound_to_us, run};
use crate::kubernetes::control_plane;
use crate::outcome::{CheckOutcome, Extent};
use crate::tools::tool;
use crate::workspace::{debug_programs, release_programs};
use crate::{cases, sweep};

/// Folder of the package that starts the programs.
const PACKAGE: &str = "ci/control-plane";

/// Builds the programs of the control plane.
pub fn programs(root: &Path) -> Result<CheckOutcome> {
    println!("{}", control_plane(root)?.display());
    Ok(CheckOutcome::Passed)
}

/// Builds helm, which installs the chart on them.
pub fn helm() -> Result<CheckOutcome> {
    println!("{}", tool("helm")?.display());
    Ok(CheckOutcome::Passed)
}

/// Starts and ends the real programs, many times in a row among others.
pub fn starts(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let starts = if extent == Extent::All { "20" } else { "4" };
    let assets = control_plane(root)?;
    let programs = debug_programs(root, &["--test", "real_programs"])?;
    for test in programs.tests_of(PACKAGE)? {
        let mut tests = bound_to_us(test);
        tests.args(["--quiet", "--ignored", "--test-threads=1"]).current_dir(root.join(PACKAGE));
        run(tests.env("KUBEBUILDER_ASSETS", &assets).env("CONTROL_PLANE_STARTS", starts))?;
    }
    Ok(CheckOutcome::Passed)
}

/// Plays cases on the embedded API and on the real programs: each has to come out as it says on both, and what both left behind
/// is compared, field by field. What decides whether a change lands is a half of them that the tree draws, and whatever changed
/// of late; with `--all` it is every case.
pub fn cases(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let assets = control_plane(root)?;
    let mut diff = bound_to_us(release_programs(root)?.path("bin", "scenarios")?);
    diff.args(["diff", "--left", "embedded", "--right", "control-plane", "--retries", "2"]).current_dir(root);
    if extent == Extent::Landing {
        let all = cases::all(&root.join(cases::FOLDER))?;
        let of_late = cases::changed_of_late(root);
        let drawn = cases::drawn(&all, &of_late, &sweep::turn(root));
        println!(
            "{} of {} cases: a half, drawn by the tree, and those that changed of late",
            drawn.len(),
            all.len()
        );
        diff.args(drawn);
    }
    run(diff.env("KUBEBUILDER_ASSETS", assets))?;
    Ok(CheckOutcome::Passed)
}

//! The cases of the workspace, and which of them a check plays where there is no time for all.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::output_of;

/// Folder of the cases, a folder a subject.
pub const FOLDER: &str = "scenarios/cases";
/// The number of commits whose cases have changed of late.
const COMMITS: &str = "-10";

/// Every case, in order, as `scenarios run` takes it: `billing/an-hour`.
///
/// # Errors
/// Where a folder cannot be read, or holds no case.
pub fn all(folder: &Path) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for subject in sorted(folder)?.iter().filter(|path| path.is_dir()) {
        for file in sorted(subject)?.iter().filter(|file| is_case(file)) {
            let case = file.with_extension("");
            let case = case.strip_prefix(folder).context("a case lies in the folder of cases")?;
            all.push(case.display().to_string());
        }
    }
    ensure!(!all.is_empty(), "there is no case in {}", folder.display());
    Ok(all)
}

/// Of each subject the first case of which `fits` is true of its text.
///
/// # Errors
/// As [`all`], and where none fits at all.
pub fn one_of_each_folder(folder: &Path, fits: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut subjects = BTreeSet::new();
    let mut chosen = all(folder)?;
    chosen.retain(|case| {
        let text = fs::read_to_string(folder.join(case).with_extension("yaml")).unwrap_or_default();
        fits(&text) && subjects.insert(subject(case).to_owned())
    });
    ensure!(!chosen.is_empty(), "no case in {} fits", folder.display());
    Ok(chosen)
}

/// A half of `all`, drawn by `turn`, with at least one of each subject and all of `wanted`.
pub fn drawn(all: &[String], wanted: &BTreeSet<String>, turn: &str) -> Vec<String> {
    let draw = |case: &String| {
        let mut hash = DefaultHasher::new();
        (case, turn).hash(&mut hash);
        hash.finish()
    };
    let first = |case: &&String| {
        all.iter().filter(|other| subject(other) == subject(case)).min_by_key(|other| draw(other))
            == Some(case)
    };
    all.iter().filter(|case| draw(case) % 2 == 0 || wanted.contains(*case) || first(case)).cloned().collect()
}

/// The cases that the last commits made or changed; none where there is no history.
pub fn changed_of_late(root: &Path) -> BTreeSet<String> {
    let words = ["log", COMMITS, "--format=", "--name-only", "--diff-filter=AMR", "--", FOLDER];
    let paths = output_of(Command::new("git").args(words).current_dir(root)).unwrap_or_default();
    let case =
        |path: &str| Some(path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".yaml")?.to_owned());
    paths.lines().filter_map(case).collect()
}

fn subject(case: &str) -> &str {
    case.split('/').next().unwrap_or_default()
}

fn is_case(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    file.extension().is_some_and(|extension| extension == "yaml")
        && text.lines().any(|line| line.starts_with("scenario:"))
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn of_each_folder_the_first_case_that_fits_is_chosen() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("billing/a.yaml", "scenario: x\nneeds: [lone-node]\n"),
            ("billing/b.yaml", "scenario: x\n"),
            ("billing/c.yaml", "scenario: x\n"),
            ("node/manifests.yaml", "kind: Pod\n"),
            ("node/z.yaml", "scenario: x\n"),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let chosen = one_of_each_folder(folder.path(), |text| !text.contains("lone-node")).unwrap();
        assert_eq!(chosen, cases("billing/b node/z"));
        assert!(one_of_each_folder(folder.path(), |_| false).is_err());
    }

    #[test]
    fn what_changed_and_one_of_each_folder_is_drawn_by_every_turn() {
        let all = cases("a/1 a/2 a/3 a/4 b/1 c/1 c/2 c/3");
        let wanted = BTreeSet::from(["c/2".to_owned()]);
        let mut seen = BTreeSet::new();
        for turn in 0..50 {
            let drawn = drawn(&all, &wanted, &turn.to_string());
            assert!(drawn.contains(&"b/1".to_owned()) && drawn.contains(&"c/2".to_owned()), "{drawn:?}");
            assert!(drawn.iter().any(|case| case.starts_with("a/")), "{drawn:?}");
            seen.extend(drawn);
        }
        assert_eq!(seen.len(), all.len(), "each case has its turn");
    }
}

//! Files of the repository: those that git tracks or would track.

use std::path::{Path, PathBuf};
use std::process::Command;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_default()
}

/// Files below the root whose names end so; at least one, since a rule over none checks nothing.
pub fn with_ending(ending: &str) -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let text = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let files = text.lines().filter(|file| file.ends_with(ending) && root().join(file).is_file());
    let found: Vec<_> = files.map(str::to_owned).collect();
    assert!(!found.is_empty(), "no {ending} file was found: the rule would check nothing");
    found
}

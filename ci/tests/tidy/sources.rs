//! Files of the repository, and those of Rust as syntax trees.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of Rust sources whose modules belong together.
pub struct Package {
    /// Name by which it is told of in lists.
    pub name: &'static str,
    /// Folder below the root, without `src`.
    pub folder: &'static str,
}

/// Every package with Rust sources, those inside others before these.
pub const PACKAGES: [Package; 11] = [
    Package { name: "eci-api", folder: "eci-sim/api" },
    Package { name: "determinism", folder: "eci-sim/determinism" },
    Package { name: "connection-limits", folder: "eci-sim/connection-limits" },
    Package { name: "eci-sim", folder: "eci-sim" },
    Package { name: "kube-sim", folder: "scenarios/kube-sim" },
    Package { name: "scenarios", folder: "scenarios" },
    Package { name: "provider", folder: "provider" },
    Package { name: "benches", folder: "benches" },
    Package { name: "control-plane", folder: "ci/control-plane" },
    Package { name: "testcontainers", folder: "ci/testcontainers" },
    Package { name: "ci", folder: "ci" },
];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file that git tracks or would track, below the root.
pub fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let text = String::from_utf8(output.stdout).expect("file names are UTF-8");
    text.lines().filter(|f| root().join(f).is_file()).map(str::to_owned).collect()
}

pub fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_default()
}

pub fn with_ending(ending: &str) -> Vec<String> {
    let found: Vec<_> = files().into_iter().filter(|f| f.ends_with(ending)).collect();
    assert!(!found.is_empty(), "no {ending} file was found: the rule would check nothing");
    found
}

/// Rust files of each package, its tests and examples included.
pub fn by_package() -> Vec<(&'static Package, Vec<String>)> {
    let mut found: Vec<(&Package, Vec<String>)> =
        PACKAGES.iter().map(|package| (package, Vec::new())).collect();
    for file in with_ending(".rs") {
        let home = found.iter_mut().find(|(package, _)| file.starts_with(&format!("{}/", package.folder)));
        home.unwrap_or_else(|| panic!("{file} is in no package that is known here")).1.push(file);
    }
    let empty = found.iter().find(|(_, files)| files.is_empty());
    assert!(
        empty.is_none(),
        "{} has no files: the rule would check nothing",
        empty.map_or("", |(p, _)| p.name)
    );
    found
}

/// A file's syntax tree.
pub fn parsed(file: &str) -> syn::File {
    syn::parse_file(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// True for `#[test]`, `#[tokio::test(…)]` and `#[cfg(test)]`.
pub fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let last = attribute.path().segments.last().map(|segment| segment.ident.to_string());
        match last.as_deref() {
            Some("test") => true,
            Some("cfg") => attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test")),
            _ => false,
        }
    })
}

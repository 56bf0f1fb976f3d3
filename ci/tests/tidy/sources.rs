//! Rust files of the repository, by package and as syntax trees.

use crate::tracked::{read, with_ending};

/// A folder of Rust sources whose modules belong together.
pub struct Package {
    /// Name by which it is told of in lists.
    pub name: &'static str,
    /// Folder below the root, without `src`.
    pub folder: &'static str,
}

/// Every package with Rust sources, those inside others before these.
pub const PACKAGES: [Package; 13] = [
    Package { name: "eci-api", folder: "eci-sim/api" },
    Package { name: "determinism", folder: "eci-sim/determinism" },
    Package { name: "certificate-authority", folder: "eci-sim/certificate-authority" },
    Package { name: "connection-limits", folder: "eci-sim/connection-limits" },
    Package { name: "eci-sim", folder: "eci-sim" },
    Package { name: "quantity", folder: "scenarios/kube-sim/quantity" },
    Package { name: "kube-sim", folder: "scenarios/kube-sim" },
    Package { name: "scenarios", folder: "scenarios" },
    Package { name: "provider", folder: "provider" },
    Package { name: "benches", folder: "benches" },
    Package { name: "control-plane", folder: "ci/control-plane" },
    Package { name: "testcontainers", folder: "ci/testcontainers" },
    Package { name: "ci", folder: "ci" },
];

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

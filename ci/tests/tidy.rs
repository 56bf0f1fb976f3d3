//! The house rules that no lint knows: sentences on top, walls between packages, sourced rows, no drawers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file that git tracks or would track, below the root.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let text = String::from_utf8(output.stdout).expect("file names are UTF-8");
    text.lines().filter(|f| root().join(f).is_file()).map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_default()
}

fn with_ending(ending: &str) -> Vec<String> {
    let found: Vec<_> = files().into_iter().filter(|f| f.ends_with(ending)).collect();
    assert!(!found.is_empty(), "no {ending} file was found: the rule would check nothing");
    found
}

#[test]
fn every_rust_file_opens_with_its_sentence() {
    let silent: Vec<_> = with_ending(".rs").into_iter().filter(|f| !read(f).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "these files do not open with a `//!` sentence: {silent:#?}");
}

#[test]
fn there_is_no_drawer() {
    let names = ["util", "utils", "helper", "helpers", "common", "misc", "manager"];
    let drawers: Vec<_> = with_ending(".rs")
        .into_iter()
        .filter(|f| {
            Path::new(f).iter().any(|part| names.contains(&part.to_string_lossy().trim_end_matches(".rs")))
        })
        .collect();
    assert!(
        drawers.is_empty(),
        "a thing without a home shows that a concept is missing its name: {drawers:#?}"
    );
}

/// The packages of the house that a package may use in production code.
#[test]
fn the_walls_stand() {
    for (manifest, may_use) in [
        ("eci-sim/determinism/Cargo.toml", &[][..]),
        ("eci-sim/api/Cargo.toml", &[]),
        ("eci-sim/connection-limits/Cargo.toml", &[]),
        ("eci-sim/Cargo.toml", &["connection-limits", "determinism", "eci-api"]),
        ("scenarios/kube-sim/Cargo.toml", &["connection-limits", "determinism"]),
        ("provider/Cargo.toml", &["connection-limits", "determinism", "eci-api"]),
        ("ci/control-plane/Cargo.toml", &[]),
        (
            "scenarios/Cargo.toml",
            &[
                "connection-limits",
                "control-plane",
                "determinism",
                "eci-api",
                "eci-sim",
                "kube-sim",
                "provider",
            ],
        ),
        ("ci/Cargo.toml", &[]),
    ] {
        let table: toml::Table = read(manifest).parse().expect(manifest);
        let used = table["dependencies"].as_table().expect("a table of dependencies");
        for house in [
            "connection-limits",
            "control-plane",
            "determinism",
            "eci-api",
            "eci-sim",
            "kube-sim",
            "provider",
            "scenarios",
            "benches",
            "ci",
        ] {
            assert!(
                !used.contains_key(house) || may_use.contains(&house),
                "{manifest} uses `{house}`; see \"Who may know whom\" in ARCHITECTURE.md"
            );
        }
    }
}

/// The files of `ci/src` that a file of it names in its imports; parents name their parts, parts never their parents.
fn imports_of(file: &str, modules: &BTreeMap<String, String>) -> BTreeSet<String> {
    let own = module_of(file);
    let text = read(file);
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = BTreeSet::new();
    for statement in text.split(';').filter_map(|part| part.rsplit_once("use ").map(|(_, path)| path)) {
        let (first, rest) = statement.split_once("::").unwrap_or((statement, ""));
        let mut base: Vec<&str> = own.split("::").filter(|part| !part.is_empty()).collect();
        match first.trim() {
            "crate" => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            name if own.is_empty() && modules.contains_key(name) => {
                found.insert(name.to_owned());
                continue;
            }
            _ => continue,
        }
        // `a::{b, c::d}`: every path that this may be; only modules count
        let words: Vec<&str> = rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).collect();
        let head = words.first().copied().unwrap_or_default().trim_end_matches("::");
        let alone = (!head.is_empty() || words.len() == 1).then_some("");
        for tail in words.iter().skip(1).copied().filter(|word| !word.is_empty()).chain(alone) {
            let mut path: Vec<&str> = base.clone();
            path.extend(head.split("::").chain(tail.split("::")).filter(|part| !part.is_empty()));
            while !path.is_empty() && !modules.contains_key(&path.join("::")) {
                path.pop();
            }
            found.insert(path.join("::"));
        }
    }
    found.remove(&own);
    found.retain(|module| !module.is_empty());
    found
}

/// Module of a file: `kind::mixed` of `ci/src/kind/mixed.rs`; nothing of `main.rs`.
fn module_of(file: &str) -> String {
    let path = file.trim_start_matches("ci/src/").trim_end_matches(".rs");
    if path == "main" { String::new() } else { path.replace('/', "::") }
}

#[test]
fn no_circle_of_imports_is_in_ci() {
    let own: Vec<_> = with_ending(".rs").into_iter().filter(|file| file.starts_with("ci/src/")).collect();
    let modules: BTreeMap<String, String> = own.iter().map(|file| (module_of(file), file.clone())).collect();
    let mut left: BTreeMap<&String, BTreeSet<String>> =
        modules.iter().map(|(module, file)| (module, imports_of(file, &modules))).collect();
    assert!(
        left.values().any(|imports| imports.len() > 3),
        "no import was read: the rule would check nothing"
    );
    loop {
        // a module without an import that is left is in no circle
        let free: BTreeSet<String> = left
            .iter()
            .filter(|(_, imports)| imports.is_empty())
            .map(|(module, _)| (*module).clone())
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|module, _| !free.contains(*module));
        left.values_mut().for_each(|imports| imports.retain(|import| !free.contains(import)));
    }
    assert!(left.is_empty(), "these files of ci/src are in a circle of imports, or behind one: {left:#?}");
}

#[test]
fn every_row_of_data_names_its_source() {
    for file in with_ending(".csv").iter().filter(|f| f.contains("/data/")) {
        let text = read(file);
        let mut lines = text.lines().filter(|l| !l.starts_with('#'));
        let header = lines.next().unwrap_or_default();
        let at = header.split(',').position(|column| column == "source");
        assert!(at.is_some(), "{file} has no column `source`");
        let last = header.ends_with(",source");
        assert!(last, "{file}: `source` stands last, so that a row can be read");
        for (number, line) in lines.enumerate() {
            let source = line.rsplit(',').next().unwrap_or_default().trim_matches('"').trim();
            assert!(!source.is_empty(), "{file}, row {}: no source", number + 1);
        }
    }
}

#[test]
fn every_case_cites_its_source() {
    for file in with_ending(".yaml").iter().filter(|f| f.starts_with("scenarios/cases/")) {
        let text = read(file);
        let is_case = text.lines().any(|l| l.starts_with("scenario:"));
        assert!(!is_case || text.lines().any(|l| l.starts_with("cites: ")), "{file} cites nothing");
    }
}

#[test]
fn no_registry_host_and_no_path_of_a_machine_is_committed() {
    let hosts = [
        ["crates", ".io"],
        ["pypi", ".org"],
        ["npmjs", ".com"],
        ["npmjs", ".org"],
        ["proxy.go", "lang.org"],
        ["sum.go", "lang.org"],
        ["deb.deb", "ian.org"],
        ["/work", "/main"],
        ["/work", "/shared"],
    ];
    for file in files() {
        // cargo itself writes this file for the workspace; a lock file more would be one too many
        let text = if file == "Cargo.lock" { String::new() } else { read(&file) };
        for [left, right] in hosts {
            assert!(!text.contains(&format!("{left}{right}")), "{file} names {left}{right}");
        }
    }
}

#[test]
fn the_readme_opens_with_the_two_commands() {
    for file in ["README.md", "README.zh-CN.md"] {
        let text = read(file);
        let first = text.split("```").nth(1).unwrap_or_default();
        assert!(first.contains("cargo run --release") && first.contains("cargo test"), "{file}: {first}");
    }
}

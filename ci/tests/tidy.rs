//! The house rules that no lint knows: sentences on top, walls between packages, sourced rows, no drawers.

use std::collections::BTreeSet;
use std::path::Path;

use crate::tracked::{read, with_ending};
use sources::{is_for_tests, parsed};

mod circles;
mod names;
mod programs;
mod sources;

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
        ("eci-sim/certificate-authority/Cargo.toml", &[]),
        ("eci-sim/connection-limits/Cargo.toml", &[]),
        ("eci-sim/Cargo.toml", &["certificate-authority", "connection-limits", "determinism", "eci-api"]),
        ("scenarios/kube-sim/quantity/Cargo.toml", &[]),
        (
            "scenarios/kube-sim/Cargo.toml",
            &["certificate-authority", "connection-limits", "determinism", "quantity"],
        ),
        (
            "provider/Cargo.toml",
            &["certificate-authority", "connection-limits", "determinism", "eci-api", "quantity"],
        ),
        ("ci/control-plane/Cargo.toml", &["certificate-authority"]),
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
            "certificate-authority",
            "connection-limits",
            "control-plane",
            "determinism",
            "eci-api",
            "eci-sim",
            "kube-sim",
            "provider",
            "quantity",
            "scenarios",
            "benches",
            "ci",
        ] {
            assert!(
                !used.contains_key(house) || may_use.contains(&house),
                "{manifest} uses `{house}`; see \"The house\" in ARCHITECTURE.md"
            );
        }
    }
}

#[test]
fn a_file_of_tests_below_src_is_called_tests() {
    let has_tests = |file: &String| {
        let is_test = |item: &syn::Item| matches!(item, syn::Item::Fn(item) if is_for_tests(&item.attrs));
        parsed(file).items.iter().any(is_test)
    };
    let is_named = |file: &String| file.ends_with("/tests.rs") || file.contains("/tests/");
    let others = with_ending(".rs").into_iter().filter(|file| file.contains("/src/") && !is_named(file));
    let hidden: Vec<_> = others.filter(has_tests).collect();
    assert!(hidden.is_empty(), "tests outside of `mod tests` and of files of that name: {hidden:#?}");
}

/// `cargo clean` of our packages removes what begins with the name of one of their targets, and with a dependency of that
/// name all that is built on it.
#[test]
fn no_test_has_the_name_of_a_dependency() {
    let lock = read("Cargo.lock");
    let packages: BTreeSet<String> = lock
        .lines()
        .filter_map(|line| Some(line.strip_prefix("name = \"")?.strip_suffix('"')?.replace('-', "_")))
        .collect();
    let folders = ["tests", "benches", "examples"];
    let namesakes: Vec<_> = with_ending(".rs")
        .into_iter()
        .filter(|file| {
            let path = Path::new(file);
            let folder =
                path.parent().and_then(Path::file_name).is_some_and(|f| folders.iter().any(|own| f == *own));
            folder && path.file_stem().is_some_and(|stem| packages.contains(&*stem.to_string_lossy()))
        })
        .collect();
    assert!(namesakes.is_empty(), "these have the name of a package in Cargo.lock: {namesakes:#?}");
}

#[test]
fn an_error_is_a_type_and_no_text() {
    let texts = |file: &String| {
        let joined = read(file).split_whitespace().collect::<Vec<_>>().join(" ");
        let after = joined.split("Result<").skip(1).map(|text| arguments(text).to_owned());
        after
            .filter(|text| text.ends_with(", String"))
            .map(|text| format!("{file}: Result<{text}>"))
            .collect()
    };
    let found: Vec<_> = with_ending(".rs").iter().flat_map(|file| -> Vec<String> { texts(file) }).collect();
    assert!(found.is_empty(), "errors that are texts: {found:#?}");
}

/// The text up to the bracket that closes what was opened before it.
fn arguments(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|letter| {
        depth += match letter {
            '<' => 1,
            '>' => -1,
            _ => 0,
        };
        depth < 0
    });
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[test]
fn certificates_are_made_in_one_package() {
    for manifest in with_ending("Cargo.toml") {
        let table: toml::Table = read(&manifest).parse().expect("a manifest");
        let dependencies = ["dependencies", "dev-dependencies", "build-dependencies"];
        let mut named = dependencies.iter().filter_map(|kind| table.get(*kind)?.get("rcgen"));
        let is_home = manifest == "eci-sim/certificate-authority/Cargo.toml";
        assert!(
            is_home || named.next().is_none(),
            "{manifest} uses rcgen; `certificate-authority` is for that"
        );
    }
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
    for file in with_ending("") {
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

//! The case files as a whole: each can be read, each claim fits its line, and nothing generated has drifted.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use scenarios::cases::{self, COMPILED_IN};
use scenarios::scenario::Scenario;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a generated file with what it should be, or writes it when asked to.
fn assert_unchanged(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, wanted).unwrap();
    }
    let seen = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        seen == wanted,
        "{} has drifted; write it again with `UPDATE=1 cargo test -p scenarios`",
        path.display()
    );
}

#[test]
fn the_schema_is_what_the_types_say() {
    assert_unchanged(&folder().join("schema.json"), &scenarios::cli::schema_text());
}

#[test]
fn every_case_and_manifest_is_compiled_in() {
    let mut files = Vec::new();
    walk(&folder().join("cases"), &mut files);
    files.sort();
    let mut text = String::from(
        "//! The case files as they are compiled in; written by `UPDATE=1 cargo test -p scenarios`, never by hand.\n\n\
         /// Path below the folder of cases, and text.\npub const CASES: &[(&str, &str)] = &[\n",
    );
    for file in files {
        let path = file.strip_prefix(folder().join("cases")).unwrap().display().to_string();
        let one = format!("    (\"{path}\", include_str!(\"../../cases/{path}\")),\n");
        let two =
            format!("    (\n        \"{path}\",\n        include_str!(\"../../cases/{path}\"),\n    ),\n");
        let _ = text.write_str(if one.trim_end().len() <= 110 { &one } else { &two });
    }
    text.push_str("];\n");
    assert_unchanged(&folder().join("src/cases/compiled_in.rs"), &text);
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn every_claim_is_made_once_and_fits_its_line() {
    let mut seen = std::collections::BTreeSet::new();
    for case in cases::all().unwrap() {
        let claim =
            Scenario::read(&case.file, &case.text).unwrap_or_else(|mistake| panic!("{mistake}")).claim;
        assert!(
            claim.chars().count() <= 64,
            "{}: the claim has {} characters",
            case.file,
            claim.chars().count()
        );
        assert!(seen.insert(claim.clone()), "{}: another case claims the same", case.file);
    }
    assert!(seen.len() >= 21 && COMPILED_IN.len() > seen.len());
}

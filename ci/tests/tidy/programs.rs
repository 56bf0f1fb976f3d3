//! Files of integration tests: each is compiled into a program, so that none is forgotten.

use std::collections::BTreeSet;

use crate::tracked::{read, with_ending};

use super::sources::parsed;

/// Files that a package's `[[test]]` sections name, below its folder.
fn paths(manifest: &toml::Table) -> BTreeSet<String> {
    let sections = manifest.get("test").and_then(toml::Value::as_array).into_iter().flatten();
    sections.filter_map(|section| Some(section.get("path")?.as_str()?.to_owned())).collect()
}

/// Files below a package's folder that its `tests/main.rs` declares as modules.
fn modules(main: &syn::File) -> BTreeSet<String> {
    let declared = main.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() => Some(module),
        _ => None,
    });
    declared.map(|module| format!("tests/{}", path(module))).collect()
}

/// The file of a module, beside the one that declares it.
fn path(module: &syn::ItemMod) -> String {
    let told = module.attrs.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(syn::MetaNameValue { path, value: syn::Expr::Lit(value), .. })
            if path.is_ident("path") =>
        {
            match &value.lit {
                syn::Lit::Str(text) => Some(text.value()),
                _ => None,
            }
        }
        _ => None,
    });
    told.unwrap_or_else(|| format!("{}.rs", module.ident))
}

/// Files of a package that cargo would take for programs of tests: `tests/x.rs` and `tests/x/main.rs`.
fn candidates(package: &str, files: &[String]) -> Vec<String> {
    let below = files.iter().filter_map(|file| file.strip_prefix(package)?.strip_prefix('/'));
    let is_root = |file: &&str| match file.strip_prefix("tests/").map(|rest| rest.split_once('/')) {
        Some(None) => true,
        Some(Some((_, rest))) => rest == "main.rs",
        None => false,
    };
    below.filter(is_root).map(str::to_owned).collect()
}

/// What is wrong with a package whose tests stand in `files`; `modules` are those of its `tests/main.rs`.
fn faults(
    package: &str,
    manifest: &toml::Table,
    files: &[String],
    modules: &BTreeSet<String>,
) -> Vec<String> {
    let finds_them = manifest["package"].get("autotests").and_then(toml::Value::as_bool) != Some(false);
    if finds_them {
        let one_a_file = format!(
            "{package}/Cargo.toml: cargo links a program for each file of {package}/tests; write `autotests = false` and one \
             `[[test]]` with `path = \"tests/main.rs\"`, which has a `mod` line for each"
        );
        return if files.len() > 1 { vec![one_a_file] } else { Vec::new() };
    }
    let paths = paths(manifest);
    let forgotten = files.iter().filter(|file| !paths.contains(*file) && !modules.contains(*file));
    let told = |file: &String| {
        let name = file.trim_start_matches("tests/").trim_end_matches(".rs").trim_end_matches("/main");
        format!(
            "{package}/{file} is run by nothing: add `mod {name};` to {package}/tests/main.rs, or to {package}/Cargo.toml a \
             `[[test]]` with `path = \"{file}\"` and the reason why it is a program of its own"
        )
    };
    forgotten.map(told).collect()
}

#[test]
fn every_file_of_tests_is_in_a_program() {
    let sources = with_ending(".rs");
    let (mut all, mut count) = (Vec::new(), 0);
    for manifest in with_ending("/Cargo.toml") {
        let package = manifest.trim_end_matches("/Cargo.toml");
        let files = candidates(package, &sources);
        count += files.len();
        let table: toml::Table = read(&manifest).parse().expect("a manifest");
        let main = format!("{package}/tests/main.rs");
        let modules = if sources.contains(&main) { modules(&parsed(&main)) } else { BTreeSet::new() };
        all.extend(faults(package, &table, &files, &modules));
    }
    assert!(count > 100, "{count} files of tests were found: the rule would check nothing");
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn a_forgotten_file_is_named_with_what_to_add() {
    let files = ["main.rs", "life.rs", "own.rs", "deep/main.rs", "new.rs", "other/main.rs"];
    let files: Vec<String> = files.iter().map(|file| format!("tests/{file}")).collect();
    let main = "mod life;\n#[path = \"deep/main.rs\"]\nmod deep;\nmod inner { mod new; }\n";
    let modules = modules(&syn::parse_file(main).expect("Rust"));
    let of = |manifest: &str| faults("p", &manifest.parse().expect("a manifest"), &files, &modules);
    let tests = "[[test]]\npath = \"tests/main.rs\"\n[[test]]\npath = \"tests/own.rs\"\n";
    let found = of(&format!("[package]\nautotests = false\n{tests}"));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("p/tests/new.rs is run by nothing: add `mod new;` to p/tests/main.rs"));
    assert!(found[1].starts_with("p/tests/other/main.rs is run by nothing: add `mod other;`"));
    assert!(of(&format!("[package]\n{tests}"))[0].contains("write `autotests = false`"));
}

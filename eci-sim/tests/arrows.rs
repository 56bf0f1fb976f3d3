//! The walls inside the package: a module names what lies below it in the picture, and no arrow runs up.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The picture, from top to bottom. A module belongs to the longest prefix of its path that stands here; modules of one
/// row do not name each other.
const PICTURE: &[&[&str]] = &[
    &["openapi", "listener", "tls"],
    &["control", "terminal"],
    &["exchange", "page"],
    &["session"],
    &["runtime"],
    &["sim"],
    &["persistence"],
    &["commands"],
    &["state"],
    &["actions"],
    &["serving"],
    &["world"],
    &["faults", "billing", "group"],
    &["runtime::played", "runtime::queries", "agenda", "ledger", "market"],
    &["runtime::attach", "orders", "quota", "refusal", "script"],
    &["prices"],
    &["catalog"],
    &["terms"],
    &["followers", "keyed", "latency", "lifecycle", "money", "temporary_keys", "text"],
];

/// Modules of the program, which use the library as anybody does.
const PROGRAM: [&str; 4] = ["main", "arguments", "ports", "process"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The path of a file's module, such as `world::network`; empty for the crate itself.
fn module_of(file: &Path) -> String {
    let path = file.strip_prefix(source()).unwrap().with_extension("");
    let mut parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
    if parts.last() == Some(&"mod") || parts == ["lib"] {
        parts.pop();
    }
    parts.join("::")
}

/// Production code of the library by module: identifiers and punctuation, without comments, strings and tests.
fn modules() -> BTreeMap<String, Vec<String>> {
    let (mut modules, mut tests) = (BTreeMap::new(), BTreeSet::new());
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let file = entry.unwrap().path();
            if file.is_dir() {
                folders.push(file);
            } else if file.extension().is_some_and(|ending| ending == "rs") {
                let module = module_of(&file);
                let text = fs::read_to_string(&file).unwrap();
                for part in text.split("#[cfg(test)]").skip(1) {
                    let name = part.split("mod ").nth(1).and_then(|rest| rest.split(';').next());
                    tests.insert(below(&module, name.unwrap_or_default()));
                }
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                modules.insert(module, tokens(code));
            }
        }
    }
    modules.retain(|module, _| {
        !tests.contains(module) && !PROGRAM.contains(&module.split("::").next().unwrap_or_default())
    });
    modules
}

fn below(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in code.lines() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                _ if rest.starts_with("//") => break,
                '"' => string_length(rest),
                'a'..='z' | 'A'..='Z' | '_' => {
                    rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
                }
                ':' if rest.starts_with("::") => 2,
                other => other.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            if !token.starts_with('"') && !token.trim().is_empty() {
                tokens.push(token.to_owned());
            }
            rest = after;
        }
    }
    tokens
}

/// Length of the string that a text begins with; the rest of the line where the string goes on.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            _ => escaped = character == '\\' && !escaped,
        }
    }
    text.len()
}

/// Reads a path or a tree of paths, and adds each to `found` with `prefix` before it.
fn read_tree(tokens: &[String], at: &mut usize, mut path: Vec<String>, found: &mut BTreeSet<Vec<String>>) {
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        if token == "{" {
            while tokens.get(*at).is_some_and(|token| token != "}") {
                read_tree(tokens, at, path.clone(), found);
                if tokens.get(*at).is_some_and(|token| token != "}") {
                    *at += 1;
                }
            }
            *at += 1;
            return;
        }
        path.push(token.clone());
        if tokens.get(*at).is_none_or(|next| next != "::") {
            // `as name`, up to the next comma of the tree
            while tokens.get(*at).is_some_and(|token| token == "as" || token == "_") {
                *at += 2;
            }
            break;
        }
        *at += 1;
    }
    found.insert(path);
}

/// All paths below the crate that a module names.
fn paths_of(module: &str, tokens: &[String], modules: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let is_path = tokens.get(at + 1).is_some_and(|next| next == "::");
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        if !is_path || before.is_some_and(|before| before == "::") {
            continue;
        }
        let own: Vec<String> =
            module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut base = own.clone();
        let mut next = at + 2;
        match token.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
                while tokens.get(next).is_some_and(|token| token == "super") {
                    base.pop();
                    next += 2;
                }
            }
            child if modules.contains_key(&below(module, child)) => base.push(child.to_owned()),
            _ => continue,
        }
        read_tree(tokens, &mut next, base, &mut found);
    }
    found.into_iter().map(|path| path.join("::")).collect()
}

/// The module of a path: its longest prefix that is one, or that of the name's origin where the crate re-exports it.
fn resolve(
    path: &str,
    modules: &BTreeMap<String, Vec<String>>,
    exports: &BTreeMap<String, String>,
) -> String {
    let mut prefix = path;
    loop {
        if modules.contains_key(prefix) {
            return prefix.to_owned();
        }
        match prefix.rsplit_once("::") {
            Some((shorter, _)) => prefix = shorter,
            None => return exports.get(prefix).cloned().unwrap_or_default(),
        }
    }
}

/// The row and the name in the picture of a module.
fn place(module: &str) -> Option<(usize, &'static str)> {
    let is_of = |room: &str| module == room || module.starts_with(&format!("{room}::"));
    let rows = PICTURE.iter().enumerate();
    let rooms = rows.flat_map(|(row, rooms)| rooms.iter().map(move |room| (row, *room)));
    rooms.filter(|(_, room)| is_of(room)).max_by_key(|(_, room)| room.len())
}

#[test]
fn no_arrow_between_modules_runs_up() {
    let modules = modules();
    let exports: BTreeMap<String, String> = paths_of("", &modules[""], &modules)
        .into_iter()
        .filter_map(|path| path.rsplit_once("::").map(|(module, name)| (name.to_owned(), module.to_owned())))
        .collect();
    let (mut arrows, mut upward) = (BTreeSet::new(), BTreeSet::new());
    for (module, tokens) in modules.iter().filter(|(module, _)| !module.is_empty()) {
        let (row, room) = place(module).unwrap_or_else(|| panic!("`{module}` stands nowhere in the picture"));
        for path in paths_of(module, tokens, &modules) {
            let target = resolve(&path, &modules, &exports);
            let Some((below, other)) = place(&target).filter(|(_, other)| *other != room) else { continue };
            arrows.insert((room, other));
            if below <= row {
                upward.insert((module.as_str().to_owned(), target));
            }
        }
    }
    println!("{} modules, {} arrows between rooms, {} upward", modules.len(), arrows.len(), upward.len());
    assert!(arrows.len() > 60, "only {} arrows were read: the rule would check nothing", arrows.len());
    let rooms = PICTURE.iter().flat_map(|rooms| rooms.iter());
    let empty: Vec<_> = rooms.filter(|room| !modules.contains_key(**room)).collect();
    assert!(empty.is_empty(), "the picture has rooms that do not exist: {empty:?}");
    assert!(upward.is_empty(), "arrows that run up: {upward:#?}");
}

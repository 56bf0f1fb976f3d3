//! The papers for people: links lead somewhere, paths and modules that they name exist, and the short ones stay short.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::tracked::{read, root, with_ending};

/// Packages by the name that their paths begin with in Rust, and the folder of their sources.
const CRATES: [(&str, &str); 6] = [
    ("provider", "provider/src"),
    ("eci_sim", "eci-sim/src"),
    ("eci_api", "eci-sim/api/src"),
    ("kube_sim", "scenarios/kube-sim/src"),
    ("scenarios", "scenarios/src"),
    ("determinism", "eci-sim/determinism/src"),
];

/// Folders at the root, with which a path of this repository begins.
const FOLDERS: [&str; 7] = ["benches/", "ci/", "docs/", "eci-sim/", "provider/", "scenarios/", ".github/"];

/// Pages that git tracks or would track.
fn pages() -> Vec<String> {
    let found = with_ending(".md");
    assert!(found.len() > 30, "{} pages were found: the rule would check nothing", found.len());
    found
}

/// Lines of a page outside of its blocks of code.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let outside = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    });
    outside.collect::<Vec<_>>().join("\n")
}

/// Texts in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Targets of a page's links.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|after| after.split_once(')')).map(|(target, _)| target).collect()
}

/// Anchor of a heading, as forges make it.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Fault of a link, if it has one.
fn broken(page: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, place) = target.split_once('#').map_or((target, None), |(file, place)| (file, Some(place)));
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let path = if file.is_empty() { PathBuf::from(page) } else { folder.join(file) };
    if !root().join(&path).exists() {
        return Some(format!("{page}: the link to {target} leads nowhere"));
    }
    let text = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
    let is_there =
        |place: &str| text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == place);
    place
        .filter(|&place| !is_there(place))
        .map(|place| format!("{page}: {} has no heading {place}", path.display()))
}

/// True where a module of one of [`CRATES`] is there: a file, or something in the file of its longest part.
fn module_exists(name: &str) -> bool {
    let mut parts = name.split("::");
    let source = parts.next().and_then(|first| CRATES.iter().find(|(known, _)| *known == first));
    let Some((_, source)) = source else { return true };
    let mut path = root().join(source);
    let mut file = path.join("lib.rs");
    for part in parts {
        let names = [path.join(format!("{part}.rs")), path.join(part).join("mod.rs")];
        match names.into_iter().find(|name| name.is_file()) {
            Some(found) => file = found,
            None => return std::fs::read_to_string(&file).unwrap_or_default().contains(part),
        }
        path.push(part);
    }
    true
}

/// Modules that a text in backticks names: `a::b::{c, d}` names two.
fn modules(quote: &str) -> Vec<String> {
    let is_path = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
    match quote.split_once("::{") {
        Some((before, names)) => names
            .trim_end_matches('}')
            .split(',')
            .map(|name| format!("{before}::{}", name.trim()))
            .filter(|name| is_path(name))
            .collect(),
        None if quote.contains("::") && is_path(quote) => vec![quote.to_owned()],
        None => Vec::new(),
    }
}

#[test]
fn every_link_leads_somewhere() {
    let (mut count, mut bad) = (0, Vec::new());
    for page in pages() {
        let text = prose(&read(&page));
        for target in links(&text) {
            count += 1;
            bad.extend(broken(&page, target));
        }
    }
    println!("{count} links were followed");
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(count > 60, "{count} links were found: the rule would check nothing");
}

#[test]
fn every_path_and_module_that_a_page_names_exists() {
    let (mut count, mut bad) = (0, Vec::new());
    let about_today = |page: &String| !page.starts_with("docs/facts/") && page != "CHANGELOG.md";
    for page in pages().into_iter().filter(about_today) {
        let text = prose(&read(&page));
        for quote in quoted(&text) {
            let is_path = FOLDERS.iter().any(|folder| quote.starts_with(folder))
                && !quote.contains([' ', '*', '{', '…', '<'])
                && !quote.contains("/x.");
            if is_path {
                count += 1;
                let missing = !root().join(quote).exists();
                bad.extend(missing.then(|| format!("{page}: there is no {quote}")));
            }
            for module in modules(quote) {
                count += 1;
                bad.extend((!module_exists(&module)).then(|| format!("{page}: there is no module {module}")));
            }
        }
    }
    println!("{count} paths and modules were looked up");
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(count > 60, "{count} paths were found: the rule would check nothing");
}

#[test]
fn the_short_pages_stay_short() {
    for (page, most) in [("README.md", 100), ("README.zh-CN.md", 100), ("ARCHITECTURE.md", 120)] {
        let lines = read(page).lines().count();
        assert!((10..=most).contains(&lines), "{page} has {lines} lines, and may have {most}");
    }
}

#[test]
fn every_decision_stands_in_the_list_of_decisions() {
    let list = read("docs/decisions/README.md");
    let (mut count, mut bad) = (0, Vec::new());
    for page in pages().iter().filter_map(|page| page.strip_prefix("docs/decisions/")) {
        if page != "README.md" {
            count += 1;
            bad.extend((!list.contains(&format!("({page})"))).then(|| page.to_owned()));
        }
    }
    assert!(count > 10 && bad.is_empty(), "{count} decisions, of which the list lacks {bad:?}");
}

#[test]
fn both_readmes_name_the_same_things_and_lead_to_the_same_pages() {
    let named = |page: &str| {
        let text = read(page);
        let prose = prose(&text);
        let quotes = quoted(&prose).into_iter().map(str::to_owned);
        let pages =
            links(&text).into_iter().filter(|target| !target.starts_with("README")).map(str::to_owned);
        let all: BTreeSet<String> = quotes.chain(pages).collect();
        assert!(all.len() > 40, "{page}: {all:?}");
        all
    };
    let (english, chinese) = (named("README.md"), named("README.zh-CN.md"));
    let differ: Vec<_> = english.symmetric_difference(&chinese).collect();
    assert!(differ.is_empty(), "named in one README and not in the other: {differ:#?}");
}
